"""Deletes, copies and renames by key, on every kind of store that writes."""

from __future__ import annotations

import asyncio

import pytest

import longshore as s3
from backends import Place
from longshore import exceptions, obs


def test_one_object_is_deleted_and_a_missing_one_is_deleted_already(place: Place) -> None:
    place.fill("a", "b")
    store = place.store()
    obs.delete(store, place.key("a"))
    obs.delete(store, place.key("a"))
    assert place.names() == ["b"]
    obs.delete(store, [])
    assert place.names() == ["b"]


def test_many_objects_are_deleted(place: Place) -> None:
    names = [f"{number:04}" for number in range(60)]
    place.fill(*names, "kept")
    obs.delete(place.store(), [place.key(name) for name in [*names, "missing"]])
    assert place.names() == ["kept"]


def test_a_bulk_delete_is_one_request(gateway_place: Place) -> None:
    names = [f"{number:04}" for number in range(900)]
    gateway_place.fill(*names)
    gateway_place.reset()
    obs.delete(gateway_place.store(), [gateway_place.key(name) for name in names])
    assert gateway_place.count("DeleteObjects") == 1
    assert gateway_place.count("DeleteObject") == 0
    assert gateway_place.names() == []


def test_a_delete_tells_which_objects_it_could_not_delete(gateway_place: Place) -> None:
    gateway_place.fill("a", "b", "c")
    gateway = gateway_place.backend.gateway
    assert gateway is not None
    key = gateway_place.key("b")
    error = f"<Error><Key>{key}</Key><Code>AccessDenied</Code><Message>held</Message></Error>"
    fault = gateway.faults.reply(200, f"<DeleteResult>{error}</DeleteResult>", method="POST", query="delete", times=1)
    with pytest.raises(exceptions.PermissionDeniedError, match="held") as caught:
        obs.delete(gateway_place.store(), [gateway_place.key(name) for name in "abc"])
    assert fault.hits == 1
    [(uri, code, _)] = caught.value.failures
    assert (uri, code) == (gateway_place.uri("b"), "AccessDenied")


def test_failures_of_a_delete_name_each_key() -> None:
    store = s3.store_for("file:///")
    with pytest.raises(exceptions.BaseError) as caught:
        obs.delete(store, ["proc/1/environ", "proc/1/cmdline"])
    assert len(caught.value.failures) == 2
    assert {uri for uri, _, _ in caught.value.failures} == {"file:///proc/1/environ", "file:///proc/1/cmdline"}


def test_an_object_is_copied(place: Place) -> None:
    place.write({"a": b"body", "taken": b"old"})
    store = place.store()
    obs.copy(store, place.key("a"), place.key("deep/b"))
    obs.copy(store, place.key("a"), place.key("taken"))
    assert place.bodies() == {"a": b"body", "deep/b": b"body", "taken": b"body"}
    with pytest.raises(exceptions.NotFoundError):
        obs.copy(store, place.key("missing"), place.key("c"))


def test_a_copy_without_overwrite_replaces_nothing(place: Place) -> None:
    place.write({"a": b"body", "empty": b"", "taken": b"old"})
    store = place.store()
    with pytest.raises(exceptions.AlreadyExistsError):
        obs.copy(store, place.key("a"), place.key("taken"), overwrite=False)
    for name in ("a", "empty"):
        obs.copy(store, place.key(name), place.key(f"new-{name}"), overwrite=False)
    assert place.bodies() == {"a": b"body", "empty": b"", "taken": b"old", "new-a": b"body", "new-empty": b""}


def test_an_object_is_renamed(place: Place) -> None:
    place.write({"a": b"body", "taken": b"old", "b": b"other"})
    store = place.store()
    obs.rename(store, place.key("a"), place.key("deep/a"))
    obs.rename(store, place.key("b"), place.key("taken"))
    assert place.bodies() == {"deep/a": b"body", "taken": b"other"}
    with pytest.raises(exceptions.NotFoundError):
        obs.rename(store, place.key("missing"), place.key("c"))


def test_a_rename_without_overwrite_replaces_nothing(place: Place) -> None:
    place.write({"a": b"body", "taken": b"old"})
    store = place.store()
    with pytest.raises(exceptions.AlreadyExistsError):
        obs.rename(store, place.key("a"), place.key("taken"), overwrite=False)
    assert place.bodies() == {"a": b"body", "taken": b"old"}
    obs.rename(store, place.key("a"), place.key("new"), overwrite=False)
    assert place.bodies() == {"new": b"body", "taken": b"old"}


def test_an_object_that_is_renamed_to_itself_stays(place: Place) -> None:
    place.write({"a": b"body"})
    obs.rename(place.store(), place.key("a"), place.key("a"))
    assert place.bodies() == {"a": b"body"}
    with pytest.raises(exceptions.AlreadyExistsError):
        obs.rename(place.store(), place.key("a"), place.key("a"), overwrite=False)
    with pytest.raises(exceptions.NotFoundError):
        obs.rename(place.store(), place.key("missing"), place.key("missing"))
    assert place.bodies() == {"a": b"body"}


def test_the_same_for_asyncio(place: Place) -> None:
    place.write({"a": b"body"})
    store = place.store()

    async def main() -> None:
        await obs.copy_async(store, place.key("a"), place.key("b"))
        await obs.rename_async(store, place.key("b"), place.key("c"))
        await obs.delete_async(store, [place.key("a")])

    asyncio.run(main())
    assert place.bodies() == {"c": b"body"}


def test_a_copy_within_a_server_moves_no_bytes(gateway_place: Place) -> None:
    gateway_place.write({"a": b"body"})
    gateway_place.reset()
    obs.copy(gateway_place.store(), gateway_place.key("a"), gateway_place.key("b"))
    assert (gateway_place.count("CopyObject"), gateway_place.count("GetObject")) == (1, 0)


def test_nothing_is_written_to_a_web_server(read_only_place: Place) -> None:
    read_only_place.write({"a": b"body"})
    store, key = read_only_place.store(), read_only_place.key("a")
    for write in (
        lambda: obs.put(store, key, b""),
        lambda: obs.put(store, key, iter([b""])),
        lambda: obs.open_writer(store, key),
        lambda: obs.delete(store, key),
        lambda: obs.delete(store, [key, key]),
        lambda: obs.copy(store, key, key + "b"),
        lambda: obs.rename(store, key, key + "b"),
    ):
        with pytest.raises(exceptions.NotSupportedError, match="read-only"):
            write()
