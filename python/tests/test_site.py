"""The documentation site: its programs run as a reader runs them, and it is built strictly."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

import longshore
import longshore.testing
import longshore.types

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))

# A program, and what it prints where that stands directly beneath it.
PROGRAM = re.compile(r"^```python\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)

# Elements that load what they name.
LOADING = {"audio", "embed", "iframe", "img", "link", "object", "script", "source", "video"}


@dataclass(frozen=True)
class Program:
    """One program of a page."""

    page: str
    line: int
    text: str
    prints: str | None


def _programs() -> list[Program]:
    found = []
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        page = path.relative_to(DOCS).as_posix()
        found += [
            Program(page, text.count("\n", 0, match.start()) + 2, match[1], match[2])
            for match in PROGRAM.finditer(text)
        ]
    return found


PROGRAMS = _programs()


def _run(program: Program, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a program as a file in an empty folder, by somebody who has set no variables."""
    file = folder / "program.py"
    file.write_text(program.text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(longshore.__file__).parents[1])}
    return subprocess.run(
        [sys.executable, str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        env=environment,
    )


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: f"{program.page}:{program.line}")
def test_a_program_of_the_site_runs_and_prints_what_stands_beneath_it(program: Program, tmp_path: Path) -> None:
    done = _run(program, tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), f"docs/{program.page}:{program.line}\n{done.stderr}"
    if program.prints is not None:
        assert done.stdout == program.prints, f"docs/{program.page}:{program.line}"


def test_a_wrong_program_and_a_wrong_output_are_found(tmp_path: Path) -> None:
    assert _run(Program("page.md", 1, "import longshore\nlongshore.get(5)\n", None), tmp_path).returncode == 1
    assert _run(Program("page.md", 1, "print('other')\n", "this\n"), tmp_path).stdout != "this\n"


def test_nearly_every_program_says_what_it_prints() -> None:
    assert len(PROGRAMS) > 20
    silent = [program.page for program in PROGRAMS if program.prints is None]
    assert silent == ["guides/benchmarking.md"]


def test_each_line_of_coming_from_leads_to_a_page_with_a_program_or_a_session() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Coming from\n")[2].partition("\n## ")[0]
    pages = re.findall(r"^\|.*\]\(docs/(\S+?)\)", section, re.MULTILINE)
    assert len(pages) >= 6
    for page in pages:
        session = "```console\n$ " in (DOCS / page).read_text(encoding="utf-8")
        assert session or any(program.page == page and program.prints for program in PROGRAMS), page


def _build(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """The build of `make docs`, word for word."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r'STAGE\) "docs" \$\(PY\) -m sphinx (.*) docs target/docs$', makefile, re.MULTILINE)
    assert recipe
    options = recipe[1].replace("target/docs-trees", str(target / "trees")).split()
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(source), str(target / "site")],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(Path(longshore.__file__).parents[1])},
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site."""
    target = tmp_path_factory.mktemp("docs")
    done = _build(DOCS, target)
    assert (done.returncode, done.stderr) == (0, "")
    return target / "site"


class _Page(HTMLParser):
    """What a page loads, where it leads, and which anchors it has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value}
        if "id" in values:
            self.anchors.add(values["id"])
        for name in ("src", "href", "data", "srcset", "action"):
            if name in values and tag in LOADING | {"form"}:
                self.loaded.append(values[name])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])


def test_a_page_loads_nothing_from_other_hosts(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    for path in pages:
        loaded = _Page(path).loaded
        assert loaded, path
        assert [each for each in loaded if re.match(r"(\w+:)?//", each)] == [], path
    for path in [*site.rglob("*.css"), *site.rglob("*.js")]:
        text = path.read_text(encoding="utf-8")
        assert (
            re.findall(r"url\(['\"]?(?:https?:)?//|@import\s+['\"]?(?:https?:)?//|fetch\(['\"]https?:", text) == []
        ), path


def test_a_link_of_the_site_leads_to_a_page_and_an_anchor(site: Path) -> None:
    pages = {path: _Page(path) for path in site.rglob("*.html")}
    count, broken = 0, []
    for path, page in pages.items():
        for link in page.links:
            if re.match(r"\w+:", link):
                continue
            file, _, anchor = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            count += 1
            if not target.exists() or (anchor and anchor not in pages[target].anchors):
                broken.append((path.name, link))
    assert count > 1000
    assert not broken


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    anchors = {anchor for path in (site / "reference").glob("*.html") for anchor in _Page(path).anchors}
    names = [f"longshore.{name}" for name in longshore.__all__ if name not in {"__version__", "exceptions", "Progress"}]
    for module in (longshore.exceptions, longshore.testing, longshore.types):
        names += [f"{module.__name__}.{name}" for name in module.__all__]
    # Progress is one object under two names.
    missing = [name for name in names if name not in anchors and name != "longshore.types.Progress"]
    assert not missing
    assert {"longshore.types.Progress", "longshore._progress.Progress"} & anchors


def test_the_command_line_page_has_the_commands(site: Path) -> None:
    text = re.sub(r"<[^>]+>", "", (site / "reference" / "cli.html").read_text(encoding="utf-8"))
    for command in ("serve", "bench", "doctor", "sync"):
        assert f"longshore {command}" in text
    for words in ("--access-key", "some of several objects or commands failed"):
        assert words in text


def test_the_documents_of_the_repository_are_pages(site: Path) -> None:
    assert "The life of one read" in (site / "project" / "architecture.html").read_text(encoding="utf-8")
    functions = (site / "reference" / "functions.html").read_text(encoding="utf-8")
    assert 'href="../project/dlio_s3_rust.html"' in functions


def test_a_mistake_makes_the_build_fail(tmp_path: Path) -> None:
    folders = ("", "bench/", "compat/*/", "crates/longshore-abi/")
    for document in [path for folder in folders for path in ROOT.glob(f"{folder}*.md")]:
        copy = tmp_path / document.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(document, copy)
    (tmp_path / "bench" / "results").mkdir()
    built = shutil.ignore_patterns("target", "*.so", "__pycache__")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=built)
    docs = Path(shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("__pycache__")))
    (docs / "lonely.md").write_text("# Nobody leads here\n", encoding="utf-8")
    with (docs / "start.md").open("a", encoding="utf-8") as page:
        page.write("\n[a](guides/missing.md) [b](guides/asyncio.md#missing) {py:func}`longshore.missing`\n")
    with (tmp_path / "CHANGELOG.md").open("a", encoding="utf-8") as page:
        page.write("\n[d](docs/no/such/file.md)\n")
    done = _build(docs, tmp_path)
    assert done.returncode == 1
    mistakes = (
        r"lonely\.md: WARNING: document isn't included in any toctree",
        r"start\.md:\d+: WARNING: .*'guides/missing\.md'",
        r"start\.md:\d+: WARNING: .*'missing'",
        r"start\.md:\d+: WARNING: py:func reference target not found: longshore\.missing",
        r"changelog\.md:\d+: WARNING: .*'docs/no/such/file\.md'",
    )
    for mistake in mistakes:
        assert re.search(mistake, done.stderr), f"{mistake}\n{done.stderr}"
    assert done.stderr.count("WARNING") == len(mistakes), done.stderr
