"""Copies whose server goes away in the middle, comes back, and has it all in the end; and those that are taken up again."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backends import environment_of, options_of
from command_line import Shell
from longshore.testing import Server
from servers import base
from servers.seaweedfs import seaweedfs

BUCKET = "s3://bucket"


def digests(folder: Path) -> dict[str, str]:
    """Every file below `folder`, hidden ones too."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def wait_for(what: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.01)


class Lost:
    """A gateway over a folder that can be taken away, and come back where it was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.running = Server(folder, access_key="access", secret_key="secret")
        self._port = int(self.running.endpoint.rpartition(":")[2])

    def lose(self) -> None:
        self.running.stop()

    def bring_back(self) -> None:
        self.running = Server(self.folder, access_key="access", secret_key="secret", port=self._port)


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[Lost]:
    lost = Lost(tmp_path / "served")
    yield lost
    with contextlib.suppress(RuntimeError):
        lost.running.stop()


@pytest.fixture
def shell(lost: Lost, tmp_path: Path) -> Shell:
    folder = tmp_path / "here"
    folder.mkdir()
    shell = Shell(folder, environment_of(lost.running.options))
    shell.check(f"longshore mb {BUCKET}")
    return shell


@pytest.mark.parametrize("command", ["cp", "sync"])
def test_a_download_survives_a_server_that_comes_back(lost: Lost, shell: Shell, command: str) -> None:
    shell.check(f"longshore put {BUCKET}/data/ --count 2 --size 40MiB --template large-{{}}")
    shell.check(f"longshore put {BUCKET}/data/ --count 20 --size 10KB --template small-{{}}")
    stall = lost.running.faults.stall(3 << 20, method="GET", path="large", times=4)
    with shell.start(f"longshore {command} {BUCKET}/data/ out/") as process:
        wait_for(lambda: stall.hits)
        lost.lose()
        time.sleep(0.5)
        lost.bring_back()
        out, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    assert "ERROR" not in err
    assert len(out.splitlines()) == 22
    served = {f"data/{name}": digest for name, digest in digests(shell.folder / "out").items()}
    assert served == digests(lost.folder / "bucket")


@pytest.mark.parametrize("command", ["cp", "sync"])
def test_an_upload_survives_a_server_that_comes_back(lost: Lost, shell: Shell, command: str) -> None:
    shell.check("longshore put files/ --count 60 --size 1MiB")
    slow = lost.running.faults.latency(0.1, method="PUT", path="/bucket/data")
    with shell.start(f"longshore -j4 {command} files/ {BUCKET}/data/") as process:
        wait_for(lambda: slow.hits > 8)
        lost.lose()
        time.sleep(0.5)
        lost.bring_back()
        out, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    assert "ERROR" not in err
    assert len(out.splitlines()) == 60
    assert digests(shell.folder / "files") == digests(lost.folder / "bucket" / "data")


def test_a_server_that_stays_away_is_told_and_leaves_no_half_file(lost: Lost, shell: Shell) -> None:
    shell.check(f"longshore put {BUCKET}/data/ --count 2 --size 40MiB --template large-{{}}")
    stall = lost.running.faults.stall(3 << 20, method="GET", path="large")
    with shell.start(f"longshore -r0 cp {BUCKET}/data/ out/") as process:
        wait_for(lambda: stall.hits)
        lost.lose()
        out, err = process.communicate(timeout=90)
    assert process.returncode == 5, err
    assert out == ""
    assert err.count("ERROR") == 2, err
    assert digests(shell.folder) == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_download_is_taken_up_where_it_was_left(lost: Lost, shell: Shell, number: signal.Signals) -> None:
    shell.check(f"longshore put {BUCKET}/ --size 128MiB --template large")
    # The last of its ranges never come.
    stall = lost.running.faults.stall(1 << 20, method="GET", path="large", skip=4)
    with shell.start(f"longshore cp --resume {BUCKET}/large .") as process:
        wait_for(lambda: stall.hits)
        # Until the others have come, and are written down.
        time.sleep(1)
        process.send_signal(number)
        process.communicate(timeout=10)
    (part,) = (path.name for path in shell.folder.iterdir())
    assert part.startswith(".large.")
    assert part.endswith(".longshore-part")
    lost.running.faults.clear()
    lost.running.reset_stats()
    shell.check(f"longshore cp --resume {BUCKET}/large .")
    requests = lost.running.stats()["operations"]["GetObject"]
    assert digests(shell.folder) == digests(lost.folder / "bucket")
    whole = shell.run(f"longshore cp {BUCKET}/large again")
    assert whole.code == 0
    assert requests < lost.running.stats()["operations"]["GetObject"] - requests, "nothing was kept"


def test_an_upload_is_taken_up_where_it_was_left(lost: Lost, shell: Shell) -> None:
    shell.check("longshore put . --size 128MiB --template large")
    late = lost.running.faults.latency(30, method="PUT", query="partNumber", skip=5)
    with shell.start(f"longshore cp --resume large {BUCKET}/large") as process:
        wait_for(lambda: late.hits)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    assert process.returncode == 130
    lost.running.faults.clear()
    lost.running.reset_stats()
    shell.check(f"longshore cp --resume large {BUCKET}/large")
    parts = lost.running.stats()["operations"]["UploadPart"]
    # When the sixth of eight began to be sent, no more than three before it were still on their way.
    assert 1 <= parts <= 6, parts
    assert digests(shell.folder) == digests(lost.folder / "bucket")


def test_a_sync_that_was_interrupted_is_completed_by_the_next(lost: Lost, shell: Shell) -> None:
    shell.check(f"longshore put {BUCKET}/data/ --count 50 --size 10KB")
    late = lost.running.faults.latency(30, method="GET", path="/bucket/data/object", skip=20)
    with shell.start(f"longshore -j4 sync {BUCKET}/data/ out/") as process:
        wait_for(lambda: late.hits >= 4)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode == 143
    done = len(digests(shell.folder / "out"))
    assert 10 <= done < 50
    lost.running.faults.clear()
    assert len(shell.check(f"longshore sync {BUCKET}/data/ out/").splitlines()) == 50 - done
    assert digests(shell.folder / "out") == digests(lost.folder / "bucket" / "data")


def test_an_independent_server_may_be_killed_and_started_again(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    with seaweedfs(tmp_path / "weed") as server:
        assert server.process is not None
        shell = Shell(folder, environment_of(options_of(server)))
        shell.check(f"longshore mb {BUCKET}")
        shell.check("longshore put files/ --count 120 --size 1MiB")
        shell.check(f"longshore -q cp files/ {BUCKET}/down/")
        home = os.readlink(f"/proc/{server.process.pid}/cwd")
        # Both at once, because it takes that server long to come back.
        with (
            shell.start(f"longshore -j2 cp {BUCKET}/down/ out/") as down,
            shell.start(f"longshore -j2 sync files/ {BUCKET}/up/") as up,
        ):
            lines: dict[str, list[str]] = {}
            for process in (down, up):
                assert process.stdout is not None
                lines[str(process.args)] = [process.stdout.readline() for _ in range(10)]
            base.stop(server.process)
            again = subprocess.Popen(
                server.process.args,
                cwd=home,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            try:
                # Processes that are waited for while their output is read.
                readers = [
                    threading.Thread(target=lambda process=process: lines[str(process.args)].extend(process.stdout))
                    for process in (down, up)
                ]
                for reader in readers:
                    reader.start()
                for process, reader in zip((down, up), readers, strict=True):
                    assert process.wait(120) == 0, process.stderr.read() if process.stderr else ""
                    reader.join()
                shell.check(f"longshore -q cp {BUCKET}/up/ back/")
            finally:
                base.stop(again)
        assert [len(each) for each in lines.values()] == [120, 120]
        assert digests(folder / "out") == digests(folder / "back") == digests(folder / "files")
