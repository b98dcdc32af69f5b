"""Imports packages that some tests need, and that whoever runs them may not have."""

from __future__ import annotations

import importlib
from typing import Any

from servers.base import missing


def module(name: str, installed_by: str = "pip install -r python/requirements-dev.txt") -> Any:
    """The module of that name; without it a test, or a file of tests, is skipped, and fails where CI is true.

    One that is there and cannot be imported for another reason is an error in any case.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        why = f"{error.name} ({installed_by})"
    return missing(why)
