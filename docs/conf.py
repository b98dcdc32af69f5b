"""How Sphinx makes the site: `make docs`.

Prose is Markdown. The reference comes from the docstrings, the types and the command's own help; the documents at the root of the
repository appear as pages without being copied. Warnings are errors, and nothing is loaded from other hosts.
"""

from __future__ import annotations

import builtins
import inspect
import posixpath
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import longshore
import longshore.exceptions

ROOT = Path(__file__).resolve().parents[1]

project = "longshore"
author = "the longshore authors"
release = version = longshore.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns: list[str] = []
nitpicky = True
# It would make one dash of the two before a command's options.
smartquotes = False
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]
# Pages link to their targets by file, so that a link which leads nowhere is found.
myst_all_links_external = False

add_module_names = False
default_role = "code"
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 88
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_admonition_for_notes = False

html_theme = "furo"
html_title = "longshore"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["copy.js"]
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
html_permalinks_icon = "#"
pygments_style = "tango"
pygments_dark_style = "github-dark"
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b5c7a",
        "color-brand-content": "#0b5c7a",
        "color-brand-visited": "#54457f",
    },
    "dark_css_variables": {
        "color-brand-primary": "#6cc3e0",
        "color-brand-content": "#6cc3e0",
        "color-brand-visited": "#b9a7e6",
    },
    "footer_icons": [],
}

# Documents that are pages, by the page's name. A page holds nothing but a line that includes its document.
INCLUDE = re.compile(r"^```\{include\} (\S+)\n```$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")
COMMAND_HELP = "```{command-help}\n```"


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", read_page)
    app.connect("autodoc-process-signature", show_signature)
    app.connect("doctree-read", leave_builtins)
    app.connect("missing-reference", find_name)


def read_page(app: Sphinx, page: str, source: list[str]) -> None:
    """Fills in what a page takes from elsewhere."""
    text = INCLUDE.sub(lambda match: _document(app, page, match[1]), source[0])
    if COMMAND_HELP in text:
        text = text.replace(COMMAND_HELP, _command_help())
    source[0] = text


def _document(app: Sphinx, page: str, path: str) -> str:
    """A document of the repository, with links that lead to its neighbours' pages."""
    document = (Path(app.srcdir) / page).parent / path
    app.env.note_dependency(str(document.resolve()))
    pages = _pages(Path(app.srcdir))

    def relink(match: re.Match[str]) -> str:
        text, target, anchor = match.groups()
        file = (document.parent / target).resolve()
        if file in pages:
            return f"[{text}]({posixpath.relpath(pages[file], posixpath.dirname(page))}{anchor or ''})"
        # What is no page is named; what does not exist stays a link, so that the build fails.
        return text if file.exists() else match[0]

    body = document.read_text(encoding="utf-8")
    fences = FENCE.findall(body)
    prose = [LINK.sub(relink, part) for part in FENCE.split(body)]
    return "".join(part + fence for part, fence in zip(prose, [*fences, ""], strict=True))


def _pages(folder: Path) -> dict[Path, str]:
    """Where each document of the repository appears in the site."""
    found = {ROOT / "README.md": "index.md"}
    for page in folder.rglob("*.md"):
        found[page.resolve()] = page.relative_to(folder).as_posix()
        for match in INCLUDE.finditer(page.read_text(encoding="utf-8")):
            found[(page.parent / match[1]).resolve()] = page.relative_to(folder).as_posix()
    return found


def _command_help() -> str:
    """The command's reference in its own words."""
    command = [sys.executable, "-m", "longshore", "help", "--markdown"]
    written = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=True
    )
    # The page has a title already, and one is enough.
    return re.sub(r"\A# .*\n+", "", written.stdout)


def show_signature(
    app: Sphinx,
    what: str,
    name: str,
    value: object,
    options: object,
    signature: str | None,
    result: str | None,
) -> tuple[str, str | None] | None:
    """A signature as the source has it: with the names of types rather than what they stand for."""
    if "Gateway" in (signature or "") or (
        inspect.isclass(value) and issubclass(value, Exception)
    ):
        return "", None  # made by the package, not by its user
    if not inspect.isfunction(value):
        return None
    found = inspect.signature(value)
    parameters = list(found.parameters.values())
    if what in {"method", "class"}:
        parameters = [parameter for parameter in parameters if parameter.name != "self"]
    returns = found.return_annotation
    shown = str(
        found.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    )
    # Annotations are texts, and a signature quotes them.
    shown = re.sub(r"(?<=: )'([^']*)'", r"\1", shown)
    return _short(shown), _short(returns) if isinstance(returns, str) else None


def _short(text: str) -> str:
    return re.sub(
        r"\b(?:abc|asyncio|datetime|npt|os|types|typing)\.(?=[A-Z])", "", text
    ).replace("List[", "list[")


def leave_builtins(app: Sphinx, document: nodes.document) -> None:
    """Keeps `bytes` from leading to an attribute of that name."""
    for reference in list(document.findall(pending_xref)):
        target = reference.get("reftarget", "")
        if (
            reference.get("refdomain") == "py"
            and target.islower()
            and hasattr(builtins, target)
        ):
            reference.replace_self(reference.children)


def find_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.Node | None:
    """Finds what docstrings call by its last name, and lets the names of other packages stand as text."""
    if node.get("refdomain") != "py":
        return None
    target: str = node["reftarget"]
    domain: Any = env.get_domain("py")
    last = target.rpartition(".")[2]
    for module in (
        "longshore",
        "longshore.exceptions",
        "longshore.types",
        "longshore.testing",
        "longshore.fsspec",
        "longshore.zarr",
        "longshore.auth",
        "longshore.auth.boto3",
        "longshore.auth.google",
        "longshore.auth.azure",
    ):
        for kind in ("class", "exc", "func", "attr", "data", "obj"):
            name = f"{module}.{last}"
            if name != target and name in domain.objects:
                found: nodes.Node | None = domain.resolve_xref(
                    env, node["refdoc"], app.builder, kind, name, node, content
                )
                if found is not None:
                    return found
    others = (
        "asyncio.",
        "collections.",
        "datetime.",
        "fsspec.",
        "numpy.",
        "np.",
        "npt.",
        "os.",
        "pathlib.",
        "typing.",
        "zarr.",
        "longshore.zarr.StoreT",
        "_asyncio.",
    )
    if target.startswith(others) or hasattr(builtins, target) or target in OTHER_NAMES:
        return content
    return None


# Names that annotations use without their module.
OTHER_NAMES = {
    "Any",
    "AsyncFileSystem",
    "Buffer",
    "BufferPrototype",
    "ByteRequest",
    "Callable",
    "Future",
    "Generator",
    "Iterable",
    "NDArray",
    "PathLike",
    "Unpack",
    "datetime",
    "timedelta",
}
