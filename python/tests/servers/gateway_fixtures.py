"""pytest plugin: fixtures for the cases that boto3 puts to our gateway.

`LONGSHORE_BOTO3_TARGET=seaweedfs` (or `moto`) puts the same cases to another server. Each fails
some, by its own deviations from S3; that comparison is how a case is checked, not a test.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from servers.base import Server
from servers.gateway import gateway
from servers.moto import moto
from servers.s3 import S3, Box, client, new_box
from servers.seaweedfs import seaweedfs

_TARGETS: dict[str, Callable[[Path], AbstractContextManager[Server]]] = {
    "gateway": gateway,
    "moto": moto,
    "seaweedfs": seaweedfs,
}


@pytest.fixture(scope="session")
def gateway_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server under test, one for the whole run."""
    run = _TARGETS[os.environ.get("LONGSHORE_BOTO3_TARGET", "gateway")]
    with run(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="session")
def gateway_s3(gateway_server: Server) -> S3:
    """A boto3 client of the server under test. Clients are slow to make and safe to share."""
    return client(gateway_server)


@pytest.fixture
def box(gateway_s3: S3, gateway_server: Server) -> Box:
    """A new, empty bucket."""
    return new_box(gateway_s3, gateway_server)


@pytest.fixture
def other_box(gateway_s3: S3, gateway_server: Server) -> Box:
    """Another new, empty bucket."""
    return new_box(gateway_s3, gateway_server)
