"""fsspec's own suite for file systems, over memory, files and S3."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.tests.abstract import (  # type: ignore[import-untyped]
    AbstractCopyTests,
    AbstractFixtures,
    AbstractGetTests,
    AbstractOpenTests,
    AbstractPipeTests,
    AbstractPutTests,
)

import longshore as s3
from longshore import testing
from longshore.fsspec import FsspecStore


class Fixtures(AbstractFixtures):  # type: ignore[misc]
    """What holds for each of them."""

    @pytest.fixture
    def fs_join(self) -> Callable[..., str]:
        return posixpath.join

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return False


class Memory(Fixtures):
    @pytest.fixture
    def fs(self) -> FsspecStore:
        return FsspecStore("memory", skip_instance_cache=True)

    @pytest.fixture
    def fs_path(self) -> str:
        return "/tests"


class Files(Fixtures):
    @pytest.fixture
    def fs(self) -> FsspecStore:
        return FsspecStore("file")

    @pytest.fixture
    def fs_path(self, tmp_path: Path) -> str:
        folder = tmp_path / "remote"
        folder.mkdir()
        return str(folder)

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return True


class S3(Fixtures):
    @pytest.fixture(scope="class")
    @staticmethod
    def aws() -> Iterator[testing.Server]:
        with testing.server() as running:
            s3.create_bucket("s3://bucket", store=running.store_for("bucket"))
            yield running

    @pytest.fixture
    def fs(self, aws: testing.Server) -> FsspecStore:
        options: dict[str, Any] = {**aws.options, "client_options": {"allow_http": True}}
        return FsspecStore("s3", **options)

    @pytest.fixture
    def fs_path(self) -> str:
        return "bucket/tests"


SUITES = (AbstractCopyTests, AbstractGetTests, AbstractPutTests, AbstractOpenTests, AbstractPipeTests)


class TestMemory(Memory, *SUITES):  # type: ignore[misc]
    pass


class TestFiles(Files, *SUITES):  # type: ignore[misc]
    pass


class TestS3(S3, *SUITES):  # type: ignore[misc]
    pass
