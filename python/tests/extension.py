"""An extension module of somebody else: `crates/longshore-store/examples/third_party.rs`, built for the tests."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@cache
def library() -> Path:
    """The compiled module. It is built unless `LONGSHORE_THIRD_PARTY` names one."""
    if given := os.environ.get("LONGSHORE_THIRD_PARTY"):
        return Path(given)
    cargo = shutil.which("cargo")
    if cargo is None:
        if os.environ.get("CI") == "true":
            pytest.fail("cargo is not installed, and the example of an extension module cannot be built")
        pytest.skip("cargo is not installed")
    # The whole workspace is chosen, as in `make test-rust`, so that this builds little besides the example.
    subprocess.run([cargo, "build", "--quiet", "--workspace", "--example", "third_party"], cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    names = ["libthird_party.so", "libthird_party.dylib"]
    return next(path for name in names if (path := target / "debug" / "examples" / name).exists())


@cache
def load() -> ModuleType:
    """The module, imported as `third_party`."""
    loader = importlib.machinery.ExtensionFileLoader("third_party", str(library()))
    spec = importlib.util.spec_from_loader("third_party", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["third_party"] = module
    loader.exec_module(module)
    return module


def install(folder: Path) -> None:
    """Puts the module into `folder`, from which another process can import it."""
    shutil.copy(library(), folder / "third_party.abi3.so")
