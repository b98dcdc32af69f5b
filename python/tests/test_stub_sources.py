"""The hints of this package are those that every package with its classes gets: there is one source for each.

`LONGSHORE_WRITE_STUBS=1 pytest python/tests/test_stub_sources.py` writes them anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "python/longshore"
HINTS = ROOT / "crates/longshore-stubs/hints"


def bytes_hints() -> str:
    """Those of the class `Bytes`, as the crate has them that has the class."""
    return (ROOT / "crates/longshore-bytes/bytes.pyi").read_text("utf-8")


def store_hints() -> str:
    """Those of the stores, as `longshore stubs` writes them, with the methods that only ours have."""
    hints = (HINTS / "store.pyi").read_text("utf-8")
    for theirs, ours in [
        ("my_module.store", "longshore._stores"),
        ("my_module.exceptions", "longshore.exceptions"),
        ("\n__all__ = ", "\nfrom longshore.store import ObjectStoreMethods\n\n__all__ = "),
        ("\nclass Store:\n", "\nclass Store(ObjectStoreMethods):\n"),
    ]:
        assert theirs in hints, theirs
        hints = hints.replace(theirs, ours)
    return hints


@pytest.mark.parametrize(("name", "source"), [("_bytes.pyi", bytes_hints), ("_stores.pyi", store_hints)])
def test_the_hints_of_the_package_are_those_of_the_crates(name: str, source: object) -> None:
    assert callable(source)
    if os.environ.get("LONGSHORE_WRITE_STUBS"):
        (PACKAGE / name).write_text(source(), "utf-8")
    assert (PACKAGE / name).read_text("utf-8") == source(), "write them anew: see the head of this file"


def test_the_command_writes_the_hints_of_the_crate_that_has_the_class() -> None:
    link = HINTS / "bytes.pyi"
    assert link.is_symlink()
    assert link.resolve() == ROOT / "crates/longshore-bytes/bytes.pyi"
    assert "class Bytes(" in link.read_text("utf-8")
