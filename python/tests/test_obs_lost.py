"""Answers that get lost, batches that are refused, and readers that are closed with much under way."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backends import Place
from longshore import exceptions, obs, testing, types
from longshore._call import run_silent
from longshore.store import MemoryStore, S3Store, from_url

MIB = 1 << 20
CONTENT = b"what this very call wrote"


def gateway_of(place: Place) -> testing.Server:
    assert place.backend.gateway is not None
    return place.backend.gateway


@pytest.mark.parametrize("name", ["plain", "odd//name"])
def test_a_write_that_must_be_new_is_a_success_when_only_its_answer_was_lost(gateway_place: Place, name: str) -> None:
    store, key = gateway_place.store(), gateway_place.key(name)
    lost = gateway_of(gateway_place).faults.lose_answer(method="PUT", times=1)
    written = obs.put(store, key, CONTENT, mode="create")
    assert lost.hits == 1
    assert written["e_tag"] == obs.head(store, key)["e_tag"]
    with pytest.raises(exceptions.AlreadyExistsError) as caught:
        obs.put(store, key, CONTENT, mode="create")
    assert "this very call" not in str(caught.value)


def test_a_write_of_a_version_is_a_success_when_only_its_answer_was_lost(gateway_place: Place) -> None:
    store, key = gateway_place.store(), gateway_place.key("versioned")
    first = obs.put(store, key, b"the first content there was")
    lost = gateway_of(gateway_place).faults.lose_answer(method="PUT", times=1)

    async def again() -> types.PutResult:
        return await obs.put_async(store, key, CONTENT, mode={"e_tag": first["e_tag"]})

    second = asyncio.run(again())
    assert lost.hits == 1
    assert (second["e_tag"], bytes(obs.get(store, key).bytes())) == (obs.head(store, key)["e_tag"], CONTENT)
    with pytest.raises(exceptions.PreconditionError):
        obs.put(store, key, CONTENT, mode={"e_tag": first["e_tag"]})


def test_where_nobody_can_tell_whose_write_it_was_the_error_says_so(gateway_place: Place) -> None:
    store, key = gateway_place.store(), gateway_place.key("lock")
    lost = gateway_of(gateway_place).faults.lose_answer(method="PUT", times=1)
    with pytest.raises(exceptions.AlreadyExistsError, match="this very call may have written it"):
        obs.put(store, key, b"", mode="create")
    assert lost.hits == 1


def test_a_copy_that_must_be_new_is_a_success_when_only_its_answer_was_lost(gateway_place: Place) -> None:
    store = gateway_place.store()
    source, target = gateway_place.key("source"), gateway_place.key("target")
    obs.put(store, source, CONTENT)
    lost = gateway_of(gateway_place).faults.lose_answer(method="POST", query="uploadId", times=1)
    obs.copy(store, source, target, overwrite=False)
    assert lost.hits == 1
    assert bytes(obs.get(store, target).bytes()) == CONTENT


def test_of_a_batch_that_is_refused_every_key_is_told_and_the_others_are_gone(gateway_place: Place) -> None:
    names = [f"{number:04}" for number in range(1500)]
    gateway_place.fill(*names)
    refused = gateway_of(gateway_place).faults.status(403, "AccessDenied", method="POST", query="delete", times=1)
    with pytest.raises(exceptions.PermissionDeniedError) as caught:
        obs.delete(gateway_place.store(), [gateway_place.key(name) for name in names])
    assert refused.hits == 1
    assert len(caught.value.failures) in (500, 1000)
    assert {uri for uri, _, _ in caught.value.failures} == {gateway_place.uri(name) for name in gateway_place.names()}


@pytest.mark.parametrize("name", ["a b", "ü", "a:b", "a(b", "a/b"])
@pytest.mark.parametrize("key", ["plain", "odd//name"])
def test_an_attribute_that_no_header_can_be_called_by_is_refused_before_anything_is_sent(
    gateway_place: Place, name: str, key: str
) -> None:
    store, path = gateway_place.store(), gateway_place.key(key)
    gateway_place.reset()
    with pytest.raises(exceptions.InvalidArgumentError, match="attribute"):
        obs.put(store, path, b"body", attributes={name: "value"})
    with pytest.raises(exceptions.InvalidArgumentError, match="attribute"):
        obs.open_writer(store, path, attributes={name: "value"})
    assert gateway_place.count("PutObject") + gateway_place.count("CreateMultipartUpload") == 0


def test_a_version_is_no_option_in_memory() -> None:
    store = MemoryStore()
    obs.put(store, "k", b"body")
    with pytest.raises(exceptions.NotSupportedError, match="version"):
        obs.get(store, "k", options={"version": "nonsense"})


def test_an_object_that_is_said_to_be_empty_is_looked_at(gateway_place: Place) -> None:
    store = gateway_place.store()
    obs.put(store, gateway_place.key("full"), b"body")
    obs.put(store, gateway_place.key("empty"), b"")
    with pytest.raises(exceptions.PreconditionError, match="4 bytes"):
        obs.open_reader(store, gateway_place.key("full"), size=0)
    with pytest.raises(exceptions.NotFoundError):
        obs.open_reader(store, gateway_place.key("missing"), size=0)
    assert obs.open_reader(store, gateway_place.key("empty"), size=0).read() == b""


def test_a_native_reader_that_is_closed_answers_no_more(gateway_place: Place) -> None:
    store, key = gateway_place.store(), gateway_place.key("large")
    obs.put(store, key, os.urandom(4 * MIB))
    reader: Any = obs.open_reader(store, key)._reader
    assert len(run_silent(reader.read, "get", 0, MIB)) > 0
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        run_silent(reader.read, "get", 0, 1)
    reader.close()
    assert reader.size == 4 * MIB


class Keys:
    """Gives keys that live for so long, and says how long before their end it wants to be asked."""

    def __init__(self, server: testing.Server, refresh_threshold: Any) -> None:
        self.server, self.refresh_threshold, self.asked = server, refresh_threshold, 0

    def __call__(self) -> Any:
        self.asked += 1
        keys = {"access_key_id": self.server.access_key, "secret_access_key": self.server.secret_key, "token": None}
        return {**keys, "expires_at": datetime.now(UTC) + timedelta(seconds=3600)}


def test_a_provider_says_how_long_before_the_end_it_wants_to_be_asked() -> None:
    with testing.server() as aws:
        for threshold, asked in [(None, 1), (timedelta(minutes=5), 1), (timedelta(seconds=3599), 1)]:
            keys = Keys(aws, threshold)
            store = S3Store("bucket", endpoint=aws.endpoint, credential_provider=keys)
            for _ in range(3):
                with pytest.raises(exceptions.NotFoundError):
                    obs.head(store, "key")
            assert keys.asked == asked
        for wrong in ["soon", 5, timedelta(seconds=-1)]:
            with pytest.raises(TypeError, match="refresh_threshold"):
                S3Store("bucket", endpoint=aws.endpoint, credential_provider=Keys(aws, wrong))


def test_secrets_in_a_uri_that_takes_no_options_are_not_shown() -> None:
    for uri in ["s3://b?secret_access_key=hunter2", "az://c?sas_token=sv=1&hunter2"]:
        with pytest.raises(exceptions.BaseError) as caught:
            from_url(uri)
        assert "hunter2" not in str(caught.value)
        assert "****" in str(caught.value)


def test_a_cancelled_copy_that_must_be_new_leaves_no_upload_behind(gateway_place: Place) -> None:
    store = gateway_place.store()
    source, target = gateway_place.key("source"), gateway_place.key("target")
    obs.put(store, source, CONTENT)
    gateway = gateway_of(gateway_place)
    gateway_place.reset()

    async def cancel() -> None:
        slow = gateway.faults.latency(1.0, method="PUT", query="partNumber", times=1)
        copying = asyncio.ensure_future(obs.copy_async(store, source, target, overwrite=False))
        while not slow.hits:
            await asyncio.sleep(0.01)
        copying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await copying

    asyncio.run(cancel())
    until = time.monotonic() + 10
    while gateway_place.count("AbortMultipartUpload") == 0 and time.monotonic() < until:
        time.sleep(0.02)
    assert gateway_place.count("AbortMultipartUpload") == 1
    assert gateway_place.names() == ["source"]
