"""The types of an extension module of somebody else: written by its build script, right, and able to refuse."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import extension_built

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = ROOT / "examples" / "extension"
PROGRAMS = sorted((EXTENSION / "programs").glob("*.py"))

PROGRAM = """
from typing import assert_type

import harbour
from harbour.exceptions import BaseError, NotFoundError
from harbour.store import LocalStore, MemoryStore, S3Store, Store, from_url

store = S3Store("cargo", prefix="b", region="eu-north-1", client_options={"timeout": 5}, retry_config={"max_retries": 3})
assert_type(harbour.read(store, "a"), harbour.Bytes)
assert_type(harbour.read(store, "a").split(b","), list[harbour.Bytes])
assert_type(harbour.below(store, "x"), Store)
assert_type(harbour.manifest("s3://cargo"), list[tuple[str, int, int]])
assert_type(harbour.settings(MemoryStore()), dict[str, str] | None)
assert_type(store.prefix, str | None)
harbour.write(from_url("memory:///"), "a", memoryview(b"abc"))
try:
    harbour.crc32(b"abc")
except NotFoundError as error:
    base: BaseError = error
    code: str | None = error.code

harbour.read("s3://cargo", "a")
harbour.manifest(5)
harbour.crc32("text")
harbour.below(store)
S3Store("cargo", regoin="eu")
S3Store("cargo", config={"regoin": "eu"})
LocalStore(prefix=5)
harbour.exceptions.NoSuchError
"""
WRONG_LINES = list(range(22, 30))

CROSSING = """
import harbour
import longshore
import obstore.store

harbour.total_size(obstore.store.S3Store("cargo"))
harbour.total_size(obstore.store.LocalStore("/tmp"))
harbour.total_size(longshore.store_for("s3://cargo"))
harbour.total_size(obstore.store.MemoryStore())
harbour.read(obstore.store.LocalStore("/tmp"), "a")
"""


@pytest.fixture(scope="module")
def harbour() -> Any:
    return extension_built.module("harbour")


def _mypy(folder: Path, *files: Path | str) -> subprocess.CompletedProcess[str]:
    """mypy as its user runs it, over the installed package."""
    options = ["--strict", "--no-error-summary", "--cache-dir", str(folder / "cache")]
    return subprocess.run(
        [sys.executable, "-m", "mypy", *options, *map(str, files)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
    )


def _errors(done: subprocess.CompletedProcess[str]) -> list[int]:
    return sorted({int(line) for line in re.findall(r"^program\.py:(\d+): error", done.stdout, re.MULTILINE)})


def test_a_program_is_checked_and_its_mistakes_are_found(harbour: Any, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    done = _mypy(tmp_path, "program.py")
    assert _errors(done) == WRONG_LINES, done.stdout + done.stderr
    assert not done.stderr


def test_stores_of_others_are_accepted_where_they_can_be(harbour: Any, tmp_path: Path) -> None:
    extension_built.module("obstore")
    (tmp_path / "program.py").write_text(CROSSING, encoding="utf-8")
    done = _mypy(tmp_path, "program.py")
    assert _errors(done) == [9, 10], done.stdout + done.stderr


def test_the_programs_of_the_guide_are_checked(harbour: Any, tmp_path: Path) -> None:
    assert PROGRAMS
    done = _mypy(tmp_path, *PROGRAMS)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_stubs_say_what_the_module_has(harbour: Any, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "harbour"], capture_output=True, text=True, timeout=300, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_has_the_stubs_that_the_command_writes(harbour: Any, tmp_path: Path) -> None:
    package = Path(harbour.__file__).parent
    command = [sys.executable, "-m", "longshore", "stubs", str(tmp_path), "harbour", "--bytes", "_bytes"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    written = sorted(tmp_path.glob("*.pyi"))
    assert [path.name for path in written] == ["_bytes.pyi", "exceptions.pyi", "store.pyi"]
    for path in written:
        assert (package / path.name).read_text(encoding="utf-8") == path.read_text(encoding="utf-8"), path.name
    assert (package / "py.typed").exists()
