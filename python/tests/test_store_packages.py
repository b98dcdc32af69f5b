"""Released packages that take the stores of obstore take ours: by building them anew, by their methods, or through obstore."""

from __future__ import annotations

import asyncio
import json
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import longshore as s3
import packages
from longshore import obs, testing
from longshore.store import LocalStore, MemoryStore, S3Store, Store


@pytest.fixture(scope="module")
def aws() -> Iterator[testing.Server]:
    with testing.server() as server:
        s3.create_bucket("s3://bucket", store=server.store_for("bucket"))
        yield server


def store_below(aws: testing.Server, prefix: str) -> S3Store:
    """A store below a prefix, with all that another library needs to be told."""
    options: dict[str, Any] = {**aws.options, "client_options": {"allow_http": True}}
    return S3Store("bucket", prefix=prefix, **options)


@pytest.mark.parametrize("kind", ["s3", "file"])
def test_rustac_reads_and_writes_a_store_of_ours(kind: str, aws: testing.Server, tmp_path: Path) -> None:
    rustac = packages.module("rustac")
    item: dict[str, Any] = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": "an-item",
        "geometry": None,
        "properties": {"datetime": "2026-11-20T00:00:00Z"},
        "links": [],
        "assets": {},
    }
    store = store_below(aws, "elsewhere") if kind == "s3" else LocalStore(tmp_path)

    async def there_and_back() -> Any:
        await rustac.write("item.json", item, store=store)
        return await rustac.read("item.json", store=store)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert asyncio.run(there_and_back())["id"] == "an-item"
    assert json.loads(obs.get(store, "item.json").bytes().to_bytes())["id"] == "an-item"


@pytest.mark.parametrize("kind", ["s3", "file"])
def test_zarrs_own_class_takes_what_obstore_builds_of_a_store_of_ours(
    kind: str, aws: testing.Server, tmp_path: Path
) -> None:
    zarr = packages.module("zarr")
    theirs = packages.module("obstore.store")
    ours: Store = store_below(aws, "zarr") if kind == "s3" else LocalStore(tmp_path)
    with pytest.raises(TypeError, match="expected ObjectStore class"):
        zarr.storage.ObjectStore(ours)
    positional, keywords = ours.__getnewargs_ex__()
    rebuilt = zarr.storage.ObjectStore(getattr(theirs, type(ours).__name__)(*positional, **keywords))
    written = zarr.create_array(rebuilt, name="a", shape=(10,), chunks=(5,), dtype="i4")
    written[:] = range(10)
    again = packages.module("longshore.zarr").ObjectStore(ours)
    assert zarr.open_array(again, path="a", mode="r")[:].tolist() == list(range(10))
    assert sorted(meta["path"] for meta in obs.list(ours).collect()) == [
        "a/c/0",
        "a/c/1",
        "a/zarr.json",
        "zarr.json",
    ]


@pytest.mark.parametrize("kind", ["memory", "file", "s3"])
def test_async_tiff_reads_from_a_store_of_ours(kind: str, aws: testing.Server, tmp_path: Path) -> None:
    """It takes stores by their methods, and those that it can build anew."""
    async_tiff = packages.module("async_tiff")
    store: Any = LocalStore(tmp_path) if kind == "file" else MemoryStore()
    if kind == "s3":
        store = store_below(aws, "elsewhere")
    store.put("image.tif", small_image())

    async def look() -> tuple[int, object]:
        image = await async_tiff.TIFF.open("image.tif", store=store)
        return image.ifds[0].image_width, await image.fetch_tile(0, 0, 0)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        width, tile = asyncio.run(look())
    assert width == 16
    assert tile is not None


def small_image() -> bytes:
    """A TIFF of 16 by 16 grey pixels, in one tile."""
    pixels = bytes(range(256))
    # Width, length, bits, compression, meaning, samples, arrangement, tile width and length, where the tile is, its size.
    tags = [(256, 3, 16), (257, 3, 16), (258, 3, 8), (259, 3, 1), (262, 3, 1), (277, 3, 1), (284, 3, 1)]
    tags += [(322, 3, 16), (323, 3, 16), (324, 4, 0), (325, 4, len(pixels))]
    start = 8 + 2 + 12 * len(tags) + 4
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    for tag, kind, value in tags:
        number = start if tag == 324 else value
        head += struct.pack("<HHI", tag, kind, 1) + number.to_bytes(4, "little")
    return head + bytes(4) + pixels
