"""Runs the functions of the `*_programs` modules in processes of their own, which may crash, hang or be interrupted."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """A process that has ended."""

    code: int
    """Its exit code; negative for a signal."""
    out: str
    err: str
    seconds: float

    def check(self) -> str:
        """What it printed, if it ended well and without complaint."""
        assert (self.code, self.err) == (0, ""), (
            f"exit code {self.code} after {self.seconds:.1f} s\n{self.out}\n{self.err}"
        )
        return self.out


def command(module: str, function: str, *arguments: str, flags: Sequence[str] = ()) -> list[str]:
    return [sys.executable, *flags, "-m", module, function, *arguments]


def variables(*more: Mapping[str, str]) -> dict[str, str]:
    """Our own environment, with the tests importable, and `more`."""
    found = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # Nor the files of whoever runs the tests.
    found["AWS_CONFIG_FILE"] = found["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    folders = [str(Path(__file__).parent), *filter(None, [found.get("PYTHONPATH")])]
    found["PYTHONPATH"] = os.pathsep.join(folders)
    for each in more:
        found.update(each)
    return found


def run(
    module: str,
    function: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    flags: Sequence[str] = (),
    seconds: float = 30,
) -> Ended:
    """Runs one function to its end. One that does not end is killed after `seconds`, and has the code -9."""
    with start(module, function, *arguments, environment=environment, flags=flags) as process:
        began = time.monotonic()
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            err += f"\nkilled after {seconds} s"
        return Ended(process.returncode, out, err, time.monotonic() - began)


@contextmanager
def start(
    module: str,
    function: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    flags: Sequence[str] = (),
) -> Iterator[subprocess.Popen[str]]:
    """Starts one function; it is killed, if need be, at the end of the block."""
    process = subprocess.Popen(
        command(module, function, *arguments, flags=flags),
        env=variables(environment or {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def main(functions: Mapping[str, object]) -> None:
    """What a module of programs ends with."""
    function = functions[sys.argv[1]]
    assert callable(function)
    function(*sys.argv[2:])
