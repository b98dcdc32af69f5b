"""`file://`: what a tree of folders has that a bucket has not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import longshore as s3
from longshore.exceptions import NotFoundError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one file and one empty folder in it."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_bytes(b"body")
    return tmp_path


@pytest.mark.parametrize("name", ["empty", "file/below", "file/deep/below", "missing/deep"])
def test_what_is_no_file_is_no_object(folder: Path, name: str) -> None:
    uri = f"file://{folder}/{name}"
    calls: list[Callable[[], object]] = [
        lambda: s3.get(uri),
        lambda: s3.get_many([uri]),
        lambda: s3.head(uri),
        lambda: s3.copy(uri, f"file://{folder}/copy"),
        lambda: s3.copy(uri, "memory://files/copy"),
    ]
    for call in calls:
        with pytest.raises(NotFoundError):
            call()
    assert not s3.exists(uri)
    assert sorted(path.name for path in folder.iterdir()) == ["empty", "file"]


@pytest.mark.parametrize("name", ["empty", "file/below", "file/deep/below", "missing/deep"])
def test_deleting_what_is_no_file_is_success_and_changes_nothing(folder: Path, name: str) -> None:
    s3.delete(f"file://{folder}/{name}")
    s3.delete(f"file://{folder}/file/")
    assert sorted(path.name for path in folder.iterdir()) == ["empty", "file"]


def test_empty_folders_are_not_listed(folder: Path) -> None:
    assert s3.list(f"file://{folder}/") == [f"{folder}/file".lstrip("/")]
    assert s3.list(f"file://{folder}/empty/") == []
    assert s3.list(f"file://{folder}/file/") == []
    assert s3.list(f"file://{folder}/missing/") == []


def test_only_regular_files_are_listed(folder: Path) -> None:
    os.mkfifo(folder / "file-like")
    (folder / "file-broken").symlink_to("nowhere")
    for uri in (f"file://{folder}/", f"file://{folder}/file", f"file://{folder}/f*"):
        assert s3.list(uri) == [f"{folder}/file".lstrip("/")], uri


def test_a_linked_file_is_an_object_and_writing_leaves_its_target_alone(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "file")
    assert s3.get(f"file://{folder}/link") == b"body"
    s3.put_bytes(f"file://{folder}/link", b"new")
    assert ((folder / "link").read_bytes(), (folder / "file").read_bytes()) == (b"new", b"body")


def test_a_failed_write_leaves_no_file_behind(folder: Path) -> None:
    with pytest.raises(RuntimeError):
        s3.put_bytes(f"file://{folder}/empty", b"a folder is in the way")
    with pytest.raises(RuntimeError):
        s3.put_bytes(f"file://{folder}/{'n' * 300}", b"too long a name")
    assert sorted(path.name for path in folder.rglob("*")) == ["empty", "file"]


def test_a_name_that_ends_in_a_number_sign_and_digits_is_a_name_like_any_other(folder: Path) -> None:
    s3.put_bytes(f"file://{folder}/a#1", b"body")
    assert s3.list(f"file://{folder}/a") == [f"{folder}/a#1".lstrip("/")]
    assert s3.get(f"file://{folder}/a#1") == b"body"
    s3.delete(f"file://{folder}/a#1")
    assert not (folder / "a#1").exists()


def test_two_slashes_in_a_path_are_one(folder: Path) -> None:
    assert s3.get(f"file://{folder}//file") == b"body"
    s3.put_bytes(f"file://{folder}//new///file", b"x")
    assert s3.list(f"file://{folder}//new//") == [f"{folder}/new/file".lstrip("/")]


def test_a_relative_path_is_refused_with_what_to_write_instead() -> None:
    with pytest.raises(ValueError, match="file:///data/x"):
        s3.get("file://data/x")
