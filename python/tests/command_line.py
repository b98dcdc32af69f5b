"""Runs the command `longshore` as a person does: words to a shell, in a folder, with variables in the environment.

By default it is the wheel's entry point. `LONGSHORE_PROGRAM=target/debug/longshore pytest …` runs the cargo binary instead.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from children import variables


@dataclass(frozen=True)
class Ended:
    """What a command has done."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """A folder to type commands in."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        programs = self.folder.parent / (self.folder.name + "-programs")
        programs.mkdir(exist_ok=True)
        program = os.environ.get("LONGSHORE_PROGRAM")
        words = [os.path.abspath(program)] if program else [sys.executable, "-m", "longshore"]
        script = programs / "longshore"
        script.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        script.chmod(0o755)

    @property
    def variables(self) -> dict[str, str]:
        programs = self.folder.parent / (self.folder.name + "-programs")
        path = f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"
        # Nobody's proxy, and no colours.
        return variables(self.environment, {"PATH": path, "NO_PROXY": "127.0.0.1", "TERM": "xterm"})

    def run(self, line: str, *, seconds: float = 60, stdin: str | None = None) -> Ended:
        """Runs one line of shell to its end."""
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=self.folder,
            env=self.variables,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def check(self, line: str) -> str:
        """What a line writes that ends well, without a word on standard error."""
        ended = self.run(line)
        assert (ended.code, ended.err) == (0, ""), (line, ended)
        return ended.out

    @contextlib.contextmanager
    def start(self, line: str) -> Iterator[subprocess.Popen[str]]:
        """Starts a command, without a shell between it and its signals; it is killed, if need be, at the end."""
        programs = self.folder.parent / (self.folder.name + "-programs")
        words = shlex.split(line)
        process = subprocess.Popen(
            [str(programs / words[0]), *words[1:]],
            cwd=self.folder,
            env=self.variables,
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

    def on_terminal(self, line: str) -> Terminal:
        """Starts a command on a terminal of its own."""
        programs = self.folder.parent / (self.folder.name + "-programs")
        words = shlex.split(line)
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execve(str(programs / words[0]), words, self.variables)
        return Terminal(child, terminal)


class Terminal:
    """A command that sees a terminal, and whoever sits there."""

    def __init__(self, child: int, terminal: int) -> None:
        self._child = child
        self._terminal = terminal
        self.seen = ""
        self.code: int | None = None

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.code is None:
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)
        os.close(self._terminal)

    def look(self, seconds: float) -> bool:
        """Takes in what is written within a moment. Whether the command goes on."""
        if not select.select([self._terminal], [], [], seconds)[0]:
            return True
        try:
            text = os.read(self._terminal, 1 << 16)
        except OSError:
            return False
        self.seen += text.decode(errors="replace")
        return bool(text)

    def wait_for(self, text: str, seconds: float = 20) -> None:
        """Waits until `text` is on the terminal."""
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < deadline, f"{text!r} does not come: {self.seen!r}"
            assert self.look(0.05), f"the command ended before {text!r}: {self.seen!r}"

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def end(self, seconds: float = 20) -> int:
        """Waits for the end. Returns the exit code; that of a signal as shells count it."""
        deadline = time.monotonic() + seconds
        while self.look(0.05):
            assert time.monotonic() < deadline, f"the command does not end: {self.seen!r}"
        _, status = os.waitpid(self._child, 0)
        self.code = os.waitstatus_to_exitcode(status)
        return self.code if self.code >= 0 else 128 - self.code
