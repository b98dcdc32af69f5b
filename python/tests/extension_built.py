"""Imports the modules of `examples/extension`, as `make extension` installs them."""

from __future__ import annotations

from typing import Any

import packages

BUILT_ANEW = "ignore:.*was built anew:RuntimeWarning"
"""The warning about stores of other libraries, for tests that are about something else."""


def module(name: str) -> Any:
    """The module of that name; without it a test is skipped, and fails where CI is true."""
    return packages.module(name, "make extension")
