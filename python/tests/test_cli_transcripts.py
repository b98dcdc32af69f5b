"""The command line as a user types it: transcripts of sessions, on our own server and on SeaweedFS.

A transcript is a file under `transcripts`. A line that begins with `$ ` is typed into a shell; below it stands what came: lines
of standard output as they are, lines of standard error after `! `, and an exit code that is not 0 after `? `. `#` begins a
comment. What differs from run to run is written as a word in capitals. `UPDATE_TRANSCRIPTS=1 pytest test_cli_transcripts.py`
writes the files anew, from our own server; read the difference before you believe it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import longshore as s3
from backends import Backend, Backends, new_name
from command_line import Ended, Shell

FOLDER = Path(__file__).parent / "transcripts"
UPDATES = os.environ.get("UPDATE_TRANSCRIPTS", "") not in ("", "0")

CHANGING = [
    (r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", "YYYY/MM/DD HH:MM:SS"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIMESTAMP"),
    (r"http://127\.0\.0\.1:\d+", "http://ENDPOINT"),
    # What the server says besides its code, which is its own affair.
    (r"(NoSuchKey|NoSuchBucket|BucketNotEmpty|AccessDenied): [^\"(]*?\(HTTP (\d+)[^)]*\)", r"\1: WORDS (HTTP \2)"),
    (r"(not found) \(HTTP 404[^)]*\)", r"\1 (HTTP 404)"),
]


def transcripts() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


class Session:
    """One run through a transcript."""

    def __init__(self, backend: Backend, folder: Path) -> None:
        self.bucket, self.other = f"longshore-{new_name()}", f"other-{new_name()}"
        self.folder = folder
        self.shell = Shell(folder, backend.environment)
        for bucket in (self.bucket, self.other):
            s3.create_bucket(f"s3://{bucket}", store=s3.store_for(f"s3://{bucket}", **backend.options))

    def type(self, line: str) -> str:
        line = line.replace("s3://bucket", f"s3://{self.bucket}").replace("s3://other", f"s3://{self.other}")
        return self.written(self.shell.run(line))

    def written(self, ended: Ended) -> str:
        """What came, as a transcript has it."""
        lines = self.constant(ended.out).splitlines()
        lines += [f"! {line}".rstrip() for line in self.constant(ended.err).splitlines()]
        if ended.code:
            lines.append(f"? {ended.code}")
        return "".join(f"{line}\n" for line in lines)

    def constant(self, text: str) -> str:
        text = text.replace(str(self.folder), "/HERE")
        text = text.replace(self.bucket, "bucket").replace(self.other, "other")
        for pattern, word in CHANGING:
            text = re.sub(pattern, word, text)
        return text


def replay(text: str, session: Session) -> str:
    """The transcript as it came this time."""
    lines = []
    for line in text.splitlines():
        if line.startswith("$ "):
            lines.append(f"{line}\n{session.type(line[2:])}")
        elif line.startswith("#") or not line:
            lines.append(f"{line}\n")
    return "".join(lines)


@pytest.mark.parametrize("server", ["gateway", "seaweedfs"])
@pytest.mark.parametrize("name", transcripts())
def test_a_session_goes_as_it_is_written_down(name: str, server: str, backends: Backends, tmp_path: Path) -> None:
    path = FOLDER / f"{name}.txt"
    folder = tmp_path / "here"
    folder.mkdir()
    expected = path.read_text()
    came = replay(expected, Session(backends[server], folder))
    if UPDATES and server == "gateway":
        path.write_text(came)
    else:
        assert came == expected


def test_a_transcript_that_does_not_fit_is_noticed(backends: Backends, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    written = "$ longshore ls s3://bucket/none\nnothing\n"
    came = replay(written, Session(backends["gateway"], folder))
    assert came != written
    assert came.endswith("? 3\n")


def test_there_is_a_transcript_for_every_command(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    usage = Shell(folder).check("longshore -h")
    commands = re.findall(r"^  ([a-z]+) ", usage.partition("Commands:")[2].partition("Options:")[0], re.MULTILINE)
    assert len(commands) > 10
    written = "".join((FOLDER / f"{name}.txt").read_text() for name in transcripts())
    # A server does not end; `test_testing` is about it. What measures has tests of its own.
    missing = [name for name in commands if name not in {"serve", "bench", "doctor"}]
    missing = [name for name in missing if not re.search(rf"^\$ .*longshore (-\S+ )*{name}\b", written, re.MULTILINE)]
    assert missing == []
