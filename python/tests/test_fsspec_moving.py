"""Moves and recursive deletes of the fsspec file system lose nothing that they were not told to delete."""

from __future__ import annotations

from pathlib import Path

import pytest

from longshore.fsspec import FsspecStore


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "n/sub").mkdir(parents=True)
    for name in ("f", "n/a", "n/sub/b"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


ALL = ["f", "n/a", "n/sub/b"]


@pytest.mark.parametrize(
    ("source", "target", "recursive"),
    [
        ("file://{}/f", "{}/f", False),
        ("{}/f", "{}/", False),
        ("{}/n/", "{}/n", True),
        ("{}/n", "{}", True),
        ("{}/n", "{}/", True),
    ],
)
def test_what_is_moved_to_where_it_is_stays(tree: Path, source: str, target: str, recursive: bool) -> None:
    FsspecStore("file").mv(source.format(tree), target.format(tree), recursive=recursive)
    assert files(tree) == ALL


def test_a_folder_is_not_moved_into_itself(tree: Path) -> None:
    with pytest.raises(ValueError, match="inside"):
        FsspecStore("file").mv(f"{tree}/n", f"{tree}/n/sub", recursive=True)
    assert files(tree) == ALL


def test_a_folder_is_moved_with_all_that_is_in_it(tree: Path) -> None:
    FsspecStore("file").mv(f"{tree}/n", f"{tree}/m", recursive=True)
    assert files(tree) == ["f", "m/a", "m/sub/b"]
    assert not (tree / "n").exists()


def test_moves_in_memory_lose_nothing() -> None:
    fs = FsspecStore("memory", skip_instance_cache=True)
    fs.pipe({"/moving/f": b"f", "/moving/n/a": b"a"})
    fs.mv("memory:///moving/f", "/moving/f")
    fs.mv("/moving/n/", "/moving/n", recursive=True)
    assert fs.find("/moving") == ["/moving/f", "/moving/n/a"]
    fs.mv("/moving/n", "/moving/m", recursive=True)
    assert fs.find("/moving") == ["/moving/f", "/moving/m/a"]


@pytest.mark.parametrize("given", ["{}/tree", "{}/tree/*", "{}/tree/**", "{}/tree/link"])
def test_deleting_a_tree_deletes_links_and_not_what_they_lead_to(tmp_path: Path, given: str) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/precious").write_bytes(b"x")
    (tmp_path / "tree/own").write_bytes(b"x")
    (tmp_path / "tree/link").symlink_to(tmp_path / "outside")
    FsspecStore("file").rm(given.format(tmp_path), recursive=True)
    assert (tmp_path / "outside/precious").exists()
    assert not (tmp_path / "tree/link").is_symlink()
    if not given.endswith("link"):
        assert not (tmp_path / "tree/own").exists()
