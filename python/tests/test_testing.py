"""The embedded server, in a program and from the command line."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import longshore as s3
from longshore.testing import Server, server


def serve(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `python -m longshore serve` to its end, which must be soon."""
    command = [sys.executable, "-m", "longshore", "serve", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_an_anonymous_server_takes_unsigned_and_signed_requests() -> None:
    with server(anonymous=True) as aws:
        signed = aws.store_for("bucket")
        s3.create_bucket("s3://bucket", store=signed)
        s3.put_bytes("s3://bucket/key", b"data", store=signed)
        unsigned = s3.store_for("s3://bucket", endpoint=aws.endpoint, skip_signature=True)
        assert s3.get("s3://bucket/key", store=unsigned) == b"data"


def test_a_server_with_keys_refuses_unsigned_requests() -> None:
    with server() as aws:
        unsigned = s3.store_for("s3://bucket", endpoint=aws.endpoint, skip_signature=True)
        with pytest.raises(PermissionError):
            s3.list("s3://bucket", store=unsigned)


def test_a_folder_is_served_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "bucket" / "deep").mkdir(parents=True)
    (tmp_path / "bucket" / "deep" / "file").write_bytes(b"body")
    with Server(tmp_path) as aws:
        store = aws.store_for("bucket")
        assert s3.list("s3://bucket", store=store) == ["deep/file"]
        s3.put_bytes("s3://bucket/new/file", b"more", store=store)
    assert (tmp_path / "bucket" / "new" / "file").read_bytes() == b"more"


def test_a_missing_folder_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        Server(tmp_path / "typo")
    assert not (tmp_path / "typo").exists()


def test_a_stopped_server_says_so() -> None:
    aws = Server()
    aws.stop()
    with pytest.raises(RuntimeError, match="stopped"):
        aws.stats()


def test_the_fixture_is_a_fresh_server(longshore_server: Server) -> None:
    assert longshore_server.stats()["operations"] == {}
    s3.create_bucket("s3://bucket", store=longshore_server.store_for("bucket"))


def test_a_reply_stands_in_for_the_server() -> None:
    with server() as aws:
        store = aws.store_for("bucket")
        s3.create_bucket("s3://bucket", store=store)
        s3.put_many([("s3://bucket/f/a", b""), ("s3://bucket/f/b", b"")], store=store)
        body = (
            "<DeleteResult><Error><Key>f/b</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>"
        )
        aws.faults.reply(200, body, query="delete")
        with pytest.raises(s3.exceptions.PermissionDeniedError, match="f/b") as caught:
            s3.delete("s3://bucket/f/", store=store)
        assert caught.value.failures == (("s3://bucket/f/b", "AccessDenied", "no"),)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--port", "99999"], 2), (["--port", "-1"], 2), (["/no/such/folder"], 3), (["--host", "256.1.1.1"], 2)],
)
def test_what_cannot_be_served_is_one_line_and_the_exit_code_of_its_reason(arguments: list[str], code: int) -> None:
    ended = serve(*arguments)
    assert ended.returncode == code, ended
    assert ended.stderr.startswith("cannot serve: "), ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr


def test_help_says_what_is_printed() -> None:
    ended = serve("--help")
    assert ended.returncode == 0
    assert "endpoint" in ended.stdout
    assert "--access-key" in ended.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_variables_for_a_shell_and_ends_on_a_signal(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "longshore", "serve", "--secret-key", "a b$c;x"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        endpoint = process.stdout.readline().strip()
        lines = [process.stdout.readline() for _ in range(6)]
        process.send_signal(number)
        assert process.wait(10) == 0
    variables = dict(shlex.split(line)[1].split("=", 1) for line in lines)
    assert variables["AWS_ENDPOINT_URL"] == endpoint
    assert variables["AWS_SECRET_ACCESS_KEY"] == "a b$c;x"


def test_a_proxy_in_the_environment_is_not_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with server() as aws:
        # A timeout of its own makes a client of its own, which reads the environment as it is now.
        s3.create_bucket("s3://bucket", store=aws.store_for("bucket", max_retries=0, timeout=7.25))
