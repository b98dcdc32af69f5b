"""The command line on a terminal: the progress line, Ctrl-C, and what a shell does with completions."""

from __future__ import annotations

import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import longshore as s3
import packages
from backends import environment_of
from command_line import Shell
from longshore.testing import Server
from servers.base import require

BUCKET = "s3://bucket"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        s3.create_bucket(BUCKET, store=running.store_for("bucket"))
        yield running


@pytest.fixture
def shell(server: Server, tmp_path: Path) -> Shell:
    folder = tmp_path / "here"
    folder.mkdir()
    return Shell(folder, environment_of(server.options))


def fill(server: Server, num: int, size: int, template: str = "k{}") -> None:
    s3.put(f"{BUCKET}/data/", num=num, size=size, template=template, store=server.store_for("bucket"))


def unfinished_uploads(server: Server) -> list[str]:
    boto3 = packages.module("boto3")
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=server.region,
    )
    return [upload["Key"] for upload in client.list_multipart_uploads(Bucket="bucket").get("Uploads", [])]


class TestNames:
    def test_a_key_gives_a_terminal_no_orders_and_a_pipe_the_key(self, shell: Shell) -> None:
        name = "evil\x1b]0;title\x07"
        (shell.folder / name).write_text("body")
        for line in ("longshore ls ./", "longshore --dry-run rm ./"):
            with shell.on_terminal(line) as terminal:
                assert terminal.end() == 0
            assert "evil\\u{1b}]0;title\\u{7}" in terminal.seen, terminal.seen
            assert not {"\x1b", "\x07"} & set(terminal.seen), terminal.seen
            assert name in shell.check(line)
        with shell.on_terminal(f"longshore stat 'no{name}'") as terminal:
            assert terminal.end() == 3
        assert not {"\x1b", "\x07"} & set(terminal.seen), terminal.seen


class TestProgress:
    def test_a_terminal_sees_objects_bytes_rate_and_the_time_to_go(self, server: Server, shell: Shell) -> None:
        fill(server, 40, 50_000)
        slow = server.faults.latency(0.1, method="GET", path="/bucket/data/k")
        with shell.on_terminal(f"longshore -j2 cp --show-progress {BUCKET}/data/ out/") as terminal:
            terminal.wait_for("/40 objects")
            terminal.wait_for("ETA")
            assert terminal.end() == 0
        assert slow.hits == 40
        assert re.search(r"[1-9]\d*/40 objects +[\d.]+ \w+/1\.91 MiB +[\d.]+ \w+/s +ETA \d+s", terminal.seen), (
            terminal.seen
        )
        # Nothing stays of the line when it is over.
        assert re.search(r"\x1b\[2K\s*$", terminal.seen), terminal.seen[-100:]
        assert "cp s3" not in terminal.seen

    def test_lines_and_the_progress_line_do_not_mix(self, server: Server, shell: Shell) -> None:
        fill(server, 30, 1000)
        server.faults.latency(0.05, method="GET", path="/bucket/data/k")
        with shell.on_terminal(f"longshore -j2 cp {BUCKET}/data/ out/") as terminal:
            assert terminal.end() == 0
        # The progress line is wiped before a line is written, and drawn again after it.
        lines = re.findall(r"\x1b\[2K\r?cp s3://bucket/data/k\d+ out/k\d+\r\n", terminal.seen)
        assert len(lines) == 30, terminal.seen
        assert "objects" in terminal.seen

    @pytest.mark.parametrize("option", ["--json", "--quiet"])
    def test_there_is_none_where_it_is_not_wanted(self, server: Server, shell: Shell, option: str) -> None:
        fill(server, 10, 1000)
        server.faults.latency(0.1, method="GET", path="/bucket/data/k")
        with shell.on_terminal(f"longshore {option} -j2 cp {BUCKET}/data/ out/") as terminal:
            assert terminal.end() == 0
        assert "objects" not in terminal.seen
        assert "ETA" not in terminal.seen

    def test_there_is_none_in_a_pipe(self, server: Server, shell: Shell) -> None:
        fill(server, 10, 1000)
        server.faults.latency(0.1, method="GET", path="/bucket/data/k")
        ended = shell.run(f"longshore -j2 cp --show-progress {BUCKET}/data/ out/")
        assert (ended.code, ended.out, ended.err) == (0, "", "")


class TestInterrupts:
    def test_ctrl_c_ends_a_download_and_leaves_no_file(self, server: Server, shell: Shell) -> None:
        fill(server, 2, 40 << 20)
        stall = server.faults.stall(1 << 20, method="GET", path="/bucket/data/k")
        with shell.on_terminal(f"longshore cp {BUCKET}/data/ out/") as terminal:
            while not stall.hits:
                terminal.look(0.02)
            began = time.monotonic()
            terminal.type("\x03")
            assert terminal.end() == 130
        assert time.monotonic() - began < 3
        assert [path for path in shell.folder.rglob("*") if path.is_file()] == []

    def test_ctrl_c_ends_an_upload_and_leaves_no_parts(self, server: Server, shell: Shell) -> None:
        (shell.folder / "large").write_bytes(bytes(100 << 20))
        slow = server.faults.latency(0.5, method="PUT", query="partNumber", skip=2)
        with shell.on_terminal(f"longshore cp large {BUCKET}/large") as terminal:
            while not slow.hits:
                terminal.look(0.02)
            assert unfinished_uploads(server) == ["large"]
            terminal.type("\x03")
            assert terminal.end() == 130
        deadline = time.monotonic() + 5
        while unfinished_uploads(server) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert unfinished_uploads(server) == []
        assert not s3.exists(f"{BUCKET}/large", store=server.store_for("bucket"))

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_a_signal_is_an_exit_code_and_no_traceback(
        self, server: Server, shell: Shell, number: signal.Signals, code: int
    ) -> None:
        fill(server, 1, 1000)
        late = server.faults.latency(30, method="GET", path="/bucket/data/k0")
        with shell.start(f"longshore cat {BUCKET}/data/k0") as process:
            while not late.hits:
                time.sleep(0.02)
            process.send_signal(number)
            out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (code, "", "")

    def test_a_second_ctrl_c_does_not_wait_for_anything(self, server: Server, shell: Shell) -> None:
        (shell.folder / "large").write_bytes(bytes(100 << 20))
        slow = server.faults.latency(30, method="PUT", query="partNumber", skip=2)
        server.faults.latency(30, method="DELETE")
        with shell.start(f"longshore cp large {BUCKET}/large") as process:
            while not slow.hits:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=10)
        assert (process.returncode, err) == (130, "")


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_a_shell_takes_the_completions(shell: Shell, name: str) -> None:
    script = shell.check(f"longshore completions {name}")
    assert "max-in-flight" in script
    if shutil.which(name):
        (shell.folder / "script").write_text(script)
        shell.check(f"{name} -n script")


def test_bash_completes_a_command_and_an_option(shell: Shell) -> None:
    require(shutil.which("bash"), "bash, which `longshore completions bash` is for,")
    ask = "COMP_WORDS=(longshore {}); COMP_CWORD={}; _longshore longshore '{}' ''; echo ${{COMPREPLY[@]}}"
    (shell.folder / "script").write_text(
        shell.check("longshore completions bash")
        + ask.format("sy", 1, "sy").replace("''", "longshore")
        + "\n"
        + ask.format("rm --incl", 2, "--incl").replace("''", "rm")
        + "\n"
    )
    assert shell.check("bash script").split() == ["sync", "--include"]
