"""Importing the package costs nothing that a program would notice."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

SHOW = """
import json, os, sys
def seen():
    tasks, files = "/proc/self/task", "/proc/self/fd"
    here = [os.readlink(f"{files}/{name}") for name in os.listdir(files) if os.path.exists(f"{files}/{name}")]
    return [len(os.listdir(tasks)), sorted(here), os.environ.copy()]
seen()  # what listing itself imports
before = seen()
known = set(sys.modules)
import longshore
after = seen()
print(json.dumps([before, after, sorted(set(sys.modules) - known)]))
"""

USE = """
import os, sys
import longshore as s3
s3.put_bytes("memory:///a", b"data")
assert s3.get("memory:///a") == b"data"
assert s3.list("memory:///") == ["a"]
print(sorted({"numpy", "asyncio", "tqdm"} & set(sys.modules)), len(os.listdir("/proc/self/task")) > 1)
"""


def python(program: str, *flags: str) -> str:
    done = subprocess.run(
        [sys.executable, *flags, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
class TestImport:
    def test_it_starts_no_thread_and_opens_no_file_or_socket(self) -> None:
        (threads, files, variables), (threads_after, files_after, variables_after), _ = json.loads(python(SHOW))
        assert (threads, threads_after) == (1, 1)
        assert files_after == files
        assert variables_after == variables

    def test_it_leaves_the_heavy_modules_for_first_use(self) -> None:
        *_, modules = json.loads(python(SHOW))
        heavy = {
            "numpy",
            "asyncio",
            "tqdm",
            "socket",
            "ssl",
            "multiprocessing",
            "concurrent",
            "logging",
            "subprocess",
            "pytest",
            "typing",
            "datetime",
        }
        assert heavy & {name.partition(".")[0] for name in modules} == set()
        assert "longshore._native" in modules

    def test_blocking_calls_need_none_of_them_either(self) -> None:
        assert python(USE) == "[] True\n"  # and the control: the runtime's threads are seen once there are some


def test_importing_says_nothing_in_development_mode() -> None:
    assert python("import longshore, longshore.testing, longshore.types", "-X", "dev", "-W", "error") == ""


def test_every_public_name_can_be_imported_with_a_star() -> None:
    program = "from longshore import *; import longshore; print(set(longshore.__all__) <= set(globals()))"
    assert python(program) == "True\n"


def test_no_module_claims_to_run_without_the_gil() -> None:
    # PyO3 claims it by default. We do where a test has run on such a build of Python, and none has.
    root = Path(__file__).parents[2]
    sources = [
        path for top in ("crates", "examples") for path in (root / top).rglob("*") if path.suffix in (".rs", ".md")
    ]
    claims = {
        str(path.relative_to(root)): found
        for path in sources
        if "target" not in path.parts
        and (found := re.findall(r"^\s*#\[(?:pyo3::)?pymodule\b.*", path.read_text("utf-8"), re.MULTILINE))
    }
    assert len(claims) >= 7, claims
    assert {re.sub("pyo3::", "", line.strip()) for found in claims.values() for line in found} == {
        "#[pymodule(gil_used = true)]"
    }, claims
