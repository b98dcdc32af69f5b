"""Builds and loads `crates/longshore-bytes/examples/bytes_probe.rs`, an extension module as an outside author has it."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

NAME = "bytes_probe"
ROOT = Path(__file__).parents[2]
# Its own folder: another Python than the last one makes Cargo build PyO3 anew, and only here.
TARGET = ROOT / "target" / "probe"


def library() -> Path:
    """The built module. Building it takes a minute the first time."""
    cargo = shutil.which("cargo")
    if cargo is None:
        message = "cargo is not installed, so there is no extension module to test"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    command = [cargo, "build", "--quiet", "-p", "longshore-bytes", "--example", NAME, "--target-dir", str(TARGET)]
    environment = {**os.environ, "PYO3_PYTHON": sys.executable}
    done = subprocess.run(
        [*command, "--message-format=json-render-diagnostics"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-artifact" and message["target"]["name"] == NAME:
            return Path(message["filenames"][0])
    raise AssertionError(f"cargo built no {NAME}")


def load(path: Path) -> ModuleType:
    """Imports the module from where it was built."""
    if NAME not in sys.modules:
        loader = importlib.machinery.ExtensionFileLoader(NAME, str(path))
        spec = importlib.util.spec_from_loader(NAME, loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
        sys.modules[NAME] = module
    return sys.modules[NAME]
