"""`longshore doctor` as a user types it: what it prints, as text and as JSON, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import longshore as s3
from command_line import Shell
from longshore import testing


@pytest.fixture
def shell(tmp_path: Path, server: testing.Server) -> Shell:
    """A shell whose variables lead to the server."""
    folder = tmp_path / "here"
    folder.mkdir()
    return Shell(folder, server.environment)


@pytest.fixture(scope="module")
def server() -> Iterator[testing.Server]:
    with testing.server() as running:
        s3.create_bucket("s3://bucket", store=running.store_for("bucket"))
        s3.put_bytes("s3://bucket/key", b"data", store=running.store_for("bucket"))
        yield running


def lines(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def test_it_says_where_settings_come_from_and_that_all_is_well(server: testing.Server, shell: Shell) -> None:
    out = shell.check("longshore --region us-east-1 doctor s3://bucket/key")
    rows = [line.split() for line in out.splitlines()]
    assert ["region", "us-east-1", "keyword"] in rows
    assert ["endpoint", server.endpoint, "AWS_ENDPOINT_URL_S3"] in rows
    assert ["secret_access_key", "****", "AWS_SECRET_ACCESS_KEY"] in rows
    assert ["max_retries", "8", "default"] in rows
    states = [row[:2] for row in rows if row[0] in {"ok", "failed", "skipped"}]
    names = ["settings", "dns", "tcp", "tls", "http", "clock", "credentials", "bucket", "list", "get"]
    assert states == [["skipped" if name == "tls" else "ok", name] for name in names]
    assert server.options["secret_access_key"] not in out


def test_its_lines_of_json_have_stable_keys(shell: Shell) -> None:
    found = lines(shell.check("longshore --json doctor --short s3://bucket"))
    settings = [line for line in found if "setting" in line]
    steps = [line for line in found if "step" in line]
    assert settings
    assert all(line["origin"] != "default" for line in settings)
    assert all(set(line) == {"operation", "setting", "value", "origin"} for line in settings)
    assert all(set(line) == {"operation", "step", "state", "said", "seconds"} for line in steps)
    assert steps[-1]["step"] == "get"
    assert {line["operation"] for line in found} == {"doctor"}


def test_the_exit_code_is_that_of_the_first_failure(shell: Shell, closed_port: str) -> None:
    for options, place, code, step in (
        (f"--endpoint-url {closed_port}", "s3://bucket", 5, "tcp"),
        ("", "s3://nowhere", 3, "bucket"),
        ("--profile nobody", "s3://bucket", 2, "settings"),
        ("", "file:///nowhere/at/all", 3, "path"),
    ):
        ended = shell.run(f"longshore --json {options} doctor {place}")
        failed = [line for line in lines(ended.out) if line.get("state") == "failed"]
        assert (ended.code, failed[0]["step"]) == (code, step), ended
    ended = shell.run("AWS_SECRET_ACCESS_KEY=wrong longshore doctor s3://bucket")
    assert ended.code == 4
    assert "SignatureDoesNotMatch" in ended.out
    assert "-> the secret does not belong to the key" in ended.out


def test_a_local_path_is_looked_at(shell: Shell) -> None:
    (shell.folder / "file").write_bytes(b"data")
    out = shell.check("longshore doctor file")
    assert "readable, 4 bytes" in out
    assert "MiB free" in out
    assert "a folder of 1 entries" in shell.check("longshore doctor .")
