"""Imports the modules of `examples`, as targets of the Makefile install them."""

from __future__ import annotations

import importlib
import os
from typing import Any

import pytest

BUILT_ANEW = "ignore:.*was built anew:RuntimeWarning"
"""The warning about stores of other libraries, for tests that are about something else."""


def module(name: str, target: str = "make extension") -> Any:
    """The module of that name; without it a test is skipped, and fails where CI is true."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        message = f"{error}; `{target}` installs it"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
