"""What the documents say is true: their examples run, their links lead somewhere, their commands exist."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import doctest
import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

import pytest

import longshore
import longshore.testing
from longshore.testing import Server, server

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(path for pattern in ("*.md", "bench/README.md", "compat/*/README.md") for path in ROOT.glob(pattern))

# The calls that the package promises, word for word, and the world that they assume.
PROMISED = """
keys = s3.list("s3://my-bucket/path/")
data = s3.get("s3://my-bucket/path/object_0_of_9.dat")
pairs = s3.get_many(["s3://my-bucket/obj0", "s3://my-bucket/obj1"], max_in_flight=16)
s3.put("s3://my-bucket/test/", num=5, template="object_{}_of_{}.raw", max_in_flight=8, size=10_000_000, should_create_bucket=True, object_type="npz")
s3.delete("s3://my-bucket/test/object_3_of_9.dat"); s3.delete("s3://my-bucket/test/")
arr = s3.read_npz("s3://my-bucket/data/test.npz")
await s3.put_async("s3://my-bucket/async-test/", num=3, object_type="hdf5")
results = await s3.get_many_async(["s3://my-bucket/obj0", "s3://my-bucket/obj1"], max_in_flight=16)
"""  # noqa: E501

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """One fenced block of a document."""

    path: Path
    line: int
    language: str
    text: str

    def compiled(self) -> CodeType:
        """The block as a module that may `await`. Its lines are numbered as in the document."""
        source = "\n" * (self.line - 1) + self.text
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code: CodeType = compile(source, str(self.path), "exec", flags=flags, dont_inherit=True)
        return code


def _blocks(path: Path) -> list[Block]:
    text = path.read_text(encoding="utf-8")
    return [Block(path, text.count("\n", 0, match.start()) + 2, match[1], match[2]) for match in FENCE.finditer(text)]


def _prose(path: Path) -> str:
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _run(blocks: list[Block], names: dict[str, object]) -> None:
    """Runs the blocks as one program, and fails at the document's line where one of them does."""
    with asyncio.Runner() as runner:
        for block in blocks:
            try:
                code = block.compiled()
                pending = eval(code, names)
                if code.co_flags & inspect.CO_COROUTINE:
                    runner.run(pending)
            except Exception as error:
                frames = traceback.extract_tb(error.__traceback__)
                lines = [frame.lineno for frame in frames if frame.filename == str(block.path)]
                line = lines[-1] if lines else getattr(error, "lineno", block.line)
                pytest.fail(f"{_name(block.path)}:{line}: {type(error).__name__}: {error}")


@pytest.fixture
def fresh_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder, and a server of its own as what `s3://` means, with the bucket that the documents write to."""
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    try:
        with server() as running:
            os.environ.update(running.environment)
            longshore.create_bucket("s3://my-bucket")
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def older_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes `dlio_s3_rust` importable from its sources."""
    monkeypatch.syspath_prepend(str(ROOT / "compat" / "dlio_s3_rust" / "src"))


def test_the_documents_have_examples_at_all() -> None:
    counts = {_name(path): sum(block.language == "python" for block in _blocks(path)) for path in DOCUMENTS}
    assert counts["README.md"] == 1
    assert counts["PYTHON_API_DOCUMENTATION.md"] > 10, counts


@pytest.mark.usefixtures("fresh_world", "older_name")
@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_the_examples_of_a_document_run_in_order(path: Path) -> None:
    blocks = [block for block in _blocks(path) if block.language == "python"]
    _run(blocks, {"__name__": "__main__"})


@pytest.mark.usefixtures("fresh_world", "older_name")
@pytest.mark.parametrize("module", ["longshore", "dlio_s3_rust"])
def test_the_promised_calls_run_word_for_word(module: str) -> None:
    longshore.put("s3://my-bucket/path/", num=9, size=1000)
    longshore.put_many([("s3://my-bucket/obj0", b"zero"), ("s3://my-bucket/obj1", b"one")])
    longshore.put("s3://my-bucket/data/", template="test.npz", size=5000, object_type="npz")
    names: dict[str, object] = {}
    _run([Block(Path(__file__), 1, "python", f"import {module} as s3\n{PROMISED}")], names)
    assert names["keys"] == [f"path/object_{i}_of_9.dat" for i in range(9)]
    assert len(names["data"]) == 1000  # type: ignore[arg-type]
    assert names["pairs"] == names["results"] == [("s3://my-bucket/obj0", b"zero"), ("s3://my-bucket/obj1", b"one")]
    assert str(names["arr"].dtype) == "uint8"  # type: ignore[attr-defined]
    assert longshore.list("s3://my-bucket/test/") == []
    assert longshore.get_many_stats(["s3://my-bucket/async-test/*"]) == (3, 3 * longshore.DEFAULT_OBJECT_SIZE)


def test_the_readme_example_is_six_lines_and_asserts_its_output() -> None:
    [block] = [block for block in _blocks(ROOT / "README.md") if block.language == "python"]
    lines = [line for line in block.text.splitlines() if line.strip()]
    assert len(lines) == 6, block.text
    assert any(isinstance(statement, ast.Assert) for statement in ast.parse(block.text).body)


def test_a_failing_example_is_reported_with_its_document_and_line(tmp_path: Path) -> None:
    path = ROOT / "README.md"
    for text in (
        "x = 1\nassert x == 2\n",
        "import asyncio\nawait asyncio.wait_for(asyncio.sleep(9), 0)\n",
        "x =\ny = ]\n",
    ):
        with pytest.raises(pytest.fail.Exception, match=r"^README\.md:4[12]: (Assertion|Timeout|Syntax)Error"):
            _run([Block(path, 41, "python", text)], {})


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_make_targets_of_a_document_are_in_the_makefile(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    shell = "\n".join(block.text for block in _blocks(path) if block.language in {"sh", "bash", "console"})
    named = set(re.findall(r"^make ([a-z-]+)", shell, re.MULTILINE))
    named |= set(re.findall(r"`make ([a-z-]+)`", _prose(path)))
    assert named <= targets, f"{_name(path)} names {named - targets}, which the Makefile does not have"
    if path.name == "README.md" and path.parent == ROOT:
        assert named == {"demo", "test"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_links_between_documents_resolve(path: Path) -> None:
    broken = []
    for link in LINK.findall(_prose(path)):
        if link.startswith(("https://", "mailto:")):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert not broken, f"{_name(path)} links to {broken}"


def _anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, made as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.usefixtures("fresh_world")
@pytest.mark.parametrize("module", [longshore, longshore.testing], ids=lambda module: module.__name__)
def test_the_examples_in_docstrings_are_true(module: ModuleType) -> None:
    outcome = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_every_public_function_is_in_the_reference() -> None:
    reference = (ROOT / "PYTHON_API_DOCUMENTATION.md").read_text(encoding="utf-8")
    functions = [name for name in longshore.__all__ if inspect.isfunction(getattr(longshore, name))]
    errors = longshore.exceptions.__all__
    missing = [name for name in [*functions, *errors] if f"`{name}" not in reference]
    assert len(functions) > 20
    assert not missing
    for name in functions:
        if name.endswith("_async") or name == "store_for":
            continue
        heading = re.search(rf"^### `{name}\((.*?)\) ->|^\| `{name}\((.*?)\) ->", reference, re.MULTILINE)
        assert heading, f"no signature of {name}"
        written = re.sub(r"=[^,]+", "", heading[1] or heading[2])
        parameters = inspect.signature(getattr(longshore, name)).parameters
        assert [part.strip().lstrip("*") for part in written.split(",") if part.strip() != "*"] == [*parameters], name


def _demo(arguments: list[str], monkeypatch: pytest.MonkeyPatch, break_server: Callable[[Server], object]) -> int:
    """Runs the demo in this process, against a server that was told to misbehave."""
    spec = importlib.util.spec_from_file_location("demo", ROOT / "examples" / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    demo = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "demo", demo)
    spec.loader.exec_module(demo)

    @contextlib.contextmanager
    def broken() -> Iterator[Server]:
        with server() as running:
            break_server(running)
            yield running

    monkeypatch.setattr(demo, "server", broken)
    monkeypatch.setattr(sys, "argv", ["demo.py", *arguments])
    code: int = demo.main()
    return code


def test_the_demo_prints_plain_lines_and_its_table() -> None:
    command = [sys.executable, str(ROOT / "examples" / "demo.py"), "--objects", "6", "--size", "300KiB"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert not set("\r\x1b") & set(done.stdout)
    for kind in ("NPZ", "TFRECORD", "HDF5", "RAW"):
        assert re.search(rf"^{kind} +get_many +6 +1,843,200( +[0-9.,]+){{5}}$", done.stdout, re.MULTILINE), done.stdout
    assert "Every byte and every array of 24 objects is right" in done.stdout


@pytest.mark.parametrize("path", ["/npz/object_00003", "/tfrecord/", "/hdf5/object_00001", "/raw/"])
def test_the_demo_fails_where_one_byte_is_wrong(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--objects", "5", "--size", "20KiB"]
    code = _demo(arguments, monkeypatch, lambda running: running.faults.corrupt(9000, method="GET", path=path))
    assert code == 1
    assert re.search(r"the demo failed: s3://demo\S+ differs at byte 9000", capsys.readouterr().err)


@pytest.mark.parametrize("cell", ["get_small", "get_small_async", "put_small", "list"])
def test_a_benchmark_cell_runs_and_counts_its_requests(cell: str) -> None:
    command = [sys.executable, str(ROOT / "bench" / "cells.py"), "count", cell]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"requests_per_object": 0.001 if cell == "list" else 1}
