"""`longshore.fsspec` over every kind of store that there is a server for."""

from __future__ import annotations

import pytest

from backends import Ability, Place, kinds
from longshore.fsspec import FsspecStore

CONTENTS = {"set/a": b"aaa", "set/b c/d": b"d", "set/b c/e#1": b"", "setting": b"no part of it"}


def shared(*abilities: Ability) -> list[str]:
    """The kinds that can do all that, but for memory: a file system in memory has a memory of its own."""
    return [name for name in kinds(*abilities) if name != "memory"]


def file_system(place: Place) -> FsspecStore:
    """A file system that reaches the place. Never one of another place: they differ in variables, which are no arguments."""
    return FsspecStore(place.backend.scheme, skip_instance_cache=True)


@pytest.mark.parametrize("readable_place", shared(Ability.LIST), indirect=True)
def test_what_others_have_written_is_listed_and_read(readable_place: Place) -> None:
    place = readable_place
    place.write(CONTENTS)
    fs = file_system(place)

    def path(name: str) -> str:
        stripped: str = fs._strip_protocol(place.uri(name))
        return stripped

    below = [path(name) for name in ("set/a", "set/b c/d", "set/b c/e#1")]
    assert fs.find(path("set")) == below
    assert fs.find(path("set"), maxdepth=1) == below[:1]
    assert fs.ls(path("set")) == [below[0], path("set/b c")]
    assert fs.glob(path("set/*/d")) == [below[1]]
    assert fs.du(path("set")) == 4
    assert fs.cat(path("set"), recursive=True) == {path(name): CONTENTS[name] for name in CONTENTS if "set/" in name}
    assert (fs.isdir(path("set/b c")), fs.isfile(path("set/a"))) == (True, True)
    assert [fs.exists(path(name)) for name in ("set/a", "set/b c", "se", "set/a/b")] == [True, True, False, False]
    with fs.open(path("set/a")) as file:
        assert (file.size, file.read(2), file.seek(-1, 2), file.read()) == (3, b"aa", 2, b"a")


@pytest.mark.parametrize("place", shared(Ability.WRITE, Ability.LIST), indirect=True)
def test_what_is_written_is_there_for_others(place: Place) -> None:
    fs = file_system(place)
    for name, content in CONTENTS.items():
        with fs.open(place.uri(name), "wb") as file:
            file.write(content)
    assert place.bodies() == CONTENTS
    fs.mv(place.uri("set"), place.uri("moved"), recursive=True)
    fs.cp(place.uri("setting"), place.uri("copied"))
    fs.rm([place.uri("setting"), place.uri("moved/a")])
    assert place.bodies() == {
        "moved/b c/d": b"d",
        "moved/b c/e#1": b"",
        "copied": b"no part of it",
    }
    fs.rm(place.uri("moved"), recursive=True)
    assert place.bodies() == {"copied": b"no part of it"}
    assert not fs.exists(place.uri("moved"))


def test_a_web_server_that_lists_nothing_is_read(unlisted_place: Place) -> None:
    place = unlisted_place
    place.write(CONTENTS)
    fs = file_system(place)
    assert fs.cat_file(place.uri("set/a")) == b"aaa"
    assert fs.cat_file(place.uri("set/b c/d"), start=0, end=1) == b"d"
    assert fs.cat([place.uri("set/a")]) == {fs._strip_protocol(place.uri("set/a")): b"aaa"}
    assert fs.info(place.uri("set/a"))["size"] == 3
    assert not fs.exists(place.uri("set/missing"))
    with pytest.raises(FileNotFoundError):
        fs.cat_file(place.uri("set/missing"))
    with pytest.raises(NotImplementedError):
        fs.find(place.uri("set"))
