"""The shell in the documents: sessions are typed anew, and every command that stands there is one.

The `console` blocks of a page are one session, typed from top to bottom in an empty folder, with variables that lead to a fresh
server. What stands below a line is compared with what comes now, but for what differs from run to run; a line `…` stands for
any lines. Commands in `sh` blocks, and the examples of `--help`, are only looked at: `--dry-run`, and no complaint about usage.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from command_line import Shell
from longshore import testing

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = [*sorted(DOCS.rglob("*.md")), ROOT / "README.md"]

SESSION = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# What differs from run to run, on both sides of the comparison.
CHANGING = [
    (r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", "TIME"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
    (r"http://127\.0\.0\.1:\d+ *", "ENDPOINT "),
    (r"127\.0\.0\.1:\d+", "ADDRESS"),
    (r"\btest[0-9a-f]{16} *", "KEY "),
    (r" +\d+\.\d ms", " DURATION"),
    (r"request id [0-9A-F]+", "request id ID"),
    (r"longshore-bench-[0-9a-f]{8}", "longshore-bench-ID"),
]
MEASURED = [
    (r"\d+(\.\d+)?", "0"),
    (r" {2,}", "  "),
]

# Where a command begins and where its words end.
BETWEEN = set("|&;<>")


@dataclass(frozen=True)
class Step:
    """One line that is typed, and what stands below it."""

    line: int
    typed: str
    below: str


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _steps(text: str) -> Iterator[Step]:
    for block in SESSION.finditer(text):
        number = text.count("\n", 0, block.start()) + 2
        for index, line in enumerate(block[1].splitlines(keepends=True)):
            if line.startswith("$ "):
                rest = block[1].splitlines(keepends=True)[index + 1 :]
                end = next((at for at, each in enumerate(rest) if each.startswith("$ ")), len(rest))
                yield Step(number + index, line[2:].rstrip("\n"), "".join(rest[:end]))


def _constant(text: str, typed: str) -> str:
    # What a benchmark prints is numbers, and only their places are the same.
    measured = "bench " in typed and "--dry-run" not in typed
    for pattern, word in [*CHANGING, *(MEASURED if measured else [])]:
        text = re.sub(pattern, word, text)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def _fits(expected: str, came: str, typed: str) -> bool:
    pattern = re.escape(_constant(expected, typed)).replace("…\\\n", "(?:.*\n)*?").replace("…\n", "(?:.*\n)*?")
    return re.fullmatch(pattern, _constant(came, typed)) is not None


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell in an empty folder, whose variables lead to a server with nothing on it."""
    folder = tmp_path / "here"
    folder.mkdir()
    with testing.server() as server:
        yield Shell(folder, {"AWS_CA_BUNDLE": "", "HOME": str(tmp_path), **server.environment})


SESSIONS = [path for path in DOCUMENTS if SESSION.search(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("path", SESSIONS, ids=_name)
def test_a_session_of_the_site_goes_as_it_stands_there(path: Path, shell: Shell) -> None:
    for step in _steps(path.read_text(encoding="utf-8")):
        # As on a terminal, where both outputs are one.
        came = shell.run(f"{{ {step.typed}\n}} 2>&1").out
        assert _fits(step.below, came, step.typed), f"{_name(path)}:{step.line}: $ {step.typed}\n{came}"


def test_a_session_that_goes_otherwise_is_noticed(shell: Shell) -> None:
    [first, second] = _steps(
        "a\n```console\n$ longshore mb s3://new\nmb s3://new\n$ longshore du s3://new\nother\n```\n"
    )
    assert (first.line, second.line) == (3, 5)
    assert _fits(first.below, shell.run(first.typed).out, first.typed)
    assert not _fits(second.below, shell.run(second.typed).out, second.typed)
    assert _fits("a\n…\nd\n", "a\nb\nc\nd\n", "")
    assert not _fits("a\n…\nd\n", "a\nb\n", "")
    assert _fits("…\nd\n", "d\n", "")
    assert not _fits("a\n", "a\nb\n", "")


def _commands(text: str) -> Iterator[list[str]]:
    """Each command `longshore` of some lines of shell, without what surrounds it."""
    for line in text.splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        words.commenters = "#"
        command: list[str] = []
        for word in [*words, ";"]:
            if set(word) <= BETWEEN:
                if command[:1] == ["longshore"]:
                    yield command
                command = []
            else:
                command.append(word)


def _complaint(command: list[str], shell: Shell) -> str:
    """What the command line has against a command's words. Nothing is changed, and nothing waits."""
    words = [*command, "--dry-run"]
    if "serve" in words:
        # A server has no end. A port that cannot be ends it after its words were read.
        at = words.index("--port") if "--port" in words else len(words)
        words[at : at + 2] = ["--port", "65536"]
    ended = shell.run(shlex.join(words), stdin="", seconds=30)
    if "serve" in words:
        return "" if "port must be from 0 to 65535" in ended.err else ended.err
    # A file that an example names need not be here.
    return ended.err if ended.code == 2 and "(os error 2)" not in ended.err else ""


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_the_commands_of_a_document_are_commands(path: Path, shell: Shell) -> None:
    for block in SHELL.finditer(path.read_text(encoding="utf-8")):
        for command in _commands(block[1]):
            assert _complaint(command, shell) == "", shlex.join(command)


def test_the_examples_of_the_help_are_commands(shell: Shell) -> None:
    blocks = SHELL.findall(shell.check("longshore help --markdown"))
    commands = [command for block in blocks for command in _commands(block)]
    assert len(commands) > 40
    complaints = {shlex.join(command): _complaint(command, shell) for command in commands}
    assert {command: said for command, said in complaints.items() if said} == {}


def test_a_command_that_is_none_is_noticed(shell: Shell) -> None:
    assert list(_commands("make x && longshore ls 's3://b/*' | longshore rm # longshore x\n")) == [
        ["longshore", "ls", "s3://b/*"],
        ["longshore", "rm"],
    ]
    assert "--no-such" in _complaint(["longshore", "ls", "--no-such"], shell)
    assert _complaint(["longshore", "ls", "s3://bucket"], shell) == ""


def test_the_commands_of_the_readme_run_as_they_stand(shell: Shell) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [block] = [block for block in SHELL.findall(readme) if "longshore " in block]
    lines = block.splitlines()
    assert len(lines) == 4
    shell.check("longshore --quiet mb s3://bucket")
    for line in lines:
        shell.check(line)
    assert len(os.listdir(shell.folder / "train")) == 8
