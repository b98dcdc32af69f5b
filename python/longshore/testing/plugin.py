"""The pytest fixture ``longshore_server``. pytest finds this module by itself where longshore is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from longshore.testing import Server


@pytest.fixture
def longshore_server() -> Iterator[Server]:
    """A fresh S3 server with nothing in it; it stops when the test ends."""
    from longshore.testing import server

    with server() as running:
        yield running
