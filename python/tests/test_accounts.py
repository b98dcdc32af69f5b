"""Tests see no account of whoever runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import accounts

HERE = Path(__file__).parent
SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "x",
    "AZURE_STORAGE_ACCOUNT_KEY": "x",
    "GOOGLE_APPLICATION_CREDENTIALS": "/x",
    "GCE_METADATA_HOST": "x",
    "IDENTITY_ENDPOINT": "x",
    "STORAGE_EMULATOR_HOST": "x",
}


def test_no_variable_and_no_file_of_an_account_is_seen() -> None:
    assert accounts.found() == []
    assert list(Path.home().iterdir()) == []


@pytest.mark.parametrize(("options", "status"), [([], 0), (["--noconftest"], 1)], ids=["hidden", "control"])
def test_accounts_are_hidden_from_every_test(options: list[str], status: int, tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    name = f"{Path(__file__).name}::{test_no_variable_and_no_file_of_an_account_is_seen.__name__}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, name]
    surroundings = {**os.environ, **SECRETS, "HOME": str(tmp_path)}
    ended = subprocess.run(command, cwd=HERE, env=surroundings, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == status, ended.stdout
    assert [name for name in SECRETS if (name in ended.stdout) == (status == 0)] == []


def test_the_makefile_keeps_out_the_same_variables() -> None:
    lines = (HERE.parents[1] / "Makefile").read_text().splitlines()
    words = {word for line in lines if line.startswith("unexport") for word in re.split(r"[ ,()]+", line)}
    assert {f"{prefix}%" for prefix in accounts.PREFIXES} | {"STORAGE_EMULATOR_HOST"} <= words
