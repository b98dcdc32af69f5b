"""What could hang or crash a process, with the modules of `examples/consumers`: the interpreter's lock, forks, and the end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import children
import consumers_built

PROGRAMS = "consumers_programs"
COUNT = len(consumers_built.NAMES)


@pytest.fixture(autouse=True)
def _built() -> None:
    consumers_built.everybody()
    consumers_built.exporter()


def test_operations_complete_while_the_main_thread_holds_the_interpreter(tmp_path: Path) -> None:
    children.run(PROGRAMS, "attached", str(tmp_path)).check()


def test_a_forked_child_is_told_at_once_and_asking_again_works(tmp_path: Path) -> None:
    children.run(PROGRAMS, "forked", str(tmp_path), seconds=60).check()


def test_a_store_in_memory_refuses_a_forked_child_and_stays_as_it_is() -> None:
    children.run(PROGRAMS, "memory_forked").check()


@pytest.mark.parametrize(("way", "code"), [("end", 0), ("error", 3)])
def test_a_program_ends_with_requests_in_flight_and_each_module_is_told(tmp_path: Path, way: str, code: int) -> None:
    ended = children.run(PROGRAMS, "ends_with_requests_in_flight", str(tmp_path), way)
    assert (ended.code, ended.out, ended.err) == (code, f"{COUNT} were told\n", "")


def test_a_store_that_has_shut_down_says_so(tmp_path: Path) -> None:
    assert children.run(PROGRAMS, "uses_at_exit", str(tmp_path)).check() == "all of them say so\n"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux says how much memory is resident")
def test_what_is_handed_over_is_given_back() -> None:
    children.run(PROGRAMS, "stays_flat", seconds=120).check()


def test_the_program_of_the_guide_prints_what_the_guide_shows() -> None:
    program = consumers_built.FOLDER / "programs" / "one_store.py"
    command, environment = [sys.executable, str(program)], children.variables()
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == program.with_suffix(".txt").read_text()


# Before Python 3.14, a thread that comes back to an interpreter that is ending is unwound; older versions of PyO3 let that abort.
UNWINDS = ["c", "cpp", "rust_without_pyo3", "pyo3_0_30_object_store_0_14"]


@pytest.mark.parametrize("name", consumers_built.NAMES if sys.version_info >= (3, 14) else UNWINDS)
def test_a_program_ends_amid_calls_of_a_module(name: str) -> None:
    for _ in range(5):
        ended = children.run(PROGRAMS, "ends_amid_calls", name)
        assert (ended.code, ended.out, ended.err) == (0, "", "")
