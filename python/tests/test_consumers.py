"""Extension modules of others, in one process, on one store that none of them opened: `examples/consumers`.

They differ in PyO3, in `object_store`, in language. What a store is, here, is what `consumers.exporter` exports.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import consumers_built
from consumers_built import NAMES, Consumer

GUIDE = consumers_built.ROOT / "docs" / "guides" / "accept-a-store.md"


@pytest.fixture(params=NAMES)
def consumer(request: pytest.FixtureRequest) -> Consumer:
    """Each of the modules in turn."""
    return consumers_built.consumer(request.param)


@pytest.fixture(params=["Memory", "Folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """An empty store of each kind that `consumers.exporter` has."""
    exporter = consumers_built.exporter()
    return exporter.Memory() if request.param == "Memory" else exporter.Folder(tmp_path)


def test_what_one_module_writes_every_other_reads(consumer: Consumer, store: Any) -> None:
    content = bytes(range(256)) * 20
    consumer.put(store, "from/here", content)
    for other in consumers_built.everybody():
        assert other.get(store, "from/here")[0] == content, other.__name__
        assert other.get_ranges(store, "from/here", [(0, 3), (5000, 5120), (7, 8)]) == [
            b"\0\1\2",
            content[5000:],
            b"\7",
        ]
        assert other.list_objects(store, "from") == [("from/here", len(content))], other.__name__


def test_empty_objects_and_long_ones_arrive_whole(consumer: Consumer, store: Any) -> None:
    parts = [bytes([number]) * (6 << 20) for number in range(3)] + [b"the end"]
    consumer.put(store, "empty", b"")
    consumer.upload(store, "long", parts)
    for other in consumers_built.everybody():
        assert other.get(store, "empty")[0] == b""
        assert other.stream_length(store, "empty") == 0
        assert other.stream_length(store, "long") == sum(map(len, parts)), other.__name__
    assert consumer.get(store, "long")[0] == b"".join(parts)


def test_a_listing_of_many_pages_arrives_whole(consumer: Consumer) -> None:
    store = consumers_built.exporter().Memory()
    writer = consumers_built.consumer("c")
    for number in range(2_345):
        writer.put(store, f"many/{number:05}", b"x")
    assert consumer.list_objects(store, "many") == [(f"many/{number:05}", 1) for number in range(2_345)]
    assert consumer.list_objects(store, "none") == []


def test_everybody_describes_the_store_and_who_exports_it(consumer: Consumer, store: Any) -> None:
    assert consumer.describe(store) == consumers_built.consumer("cpp").describe(store)
    assert "of consumers.exporter 0.1.0" in consumer.describe(store)


def test_the_kind_of_an_error_crosses(consumer: Consumer, store: Any) -> None:
    consumer.put(store, "taken", b"first")
    with pytest.raises(FileExistsError, match="taken"):
        consumer.put(store, "taken", b"second", create=True)
    with pytest.raises(FileNotFoundError, match="nothing/here"):
        consumer.get(store, "nothing/here")
    with pytest.raises(FileNotFoundError, match="nothing/here"):
        consumer.gather(store, "nothing/here", 5, False)
    with pytest.raises(OSError, match=r"[Rr]ange"):
        consumer.get_ranges(store, "taken", [(100, 200)])
    with pytest.raises(ValueError, match="//"):
        consumer.get(store, "not//a path")
    assert consumer.get(store, "taken")[0] == b"first"


def test_arguments_that_make_no_sense_are_refused_before_anything_is_asked(consumer: Consumer, store: Any) -> None:
    wrong: list[Callable[[], object]] = [
        lambda: consumer.get_ranges(store, "a", [3]),  # type: ignore[list-item]
        lambda: consumer.upload(store, "b", [b"a part", "no part"]),  # type: ignore[list-item]
        lambda: consumer.put(store, "b", "no bytes"),  # type: ignore[arg-type]
        lambda: consumer.get(store, 5),  # type: ignore[arg-type]
    ]
    for each in wrong:
        with pytest.raises(TypeError):
            each()
    assert consumer.list_objects(store, "") == []


def test_bytes_cross_without_a_copy_both_ways(consumer: Consumer) -> None:
    """The address that a writer hands over is the one at which the store keeps it, and every reader receives it."""
    store = consumers_built.exporter().Memory()
    written = consumer.put(store, "here", b"these very bytes")
    assert store.address("here") == written
    for other in consumers_built.everybody():
        assert other.get(store, "here") == (b"these very bytes", written), other.__name__


def test_a_conditional_put_has_one_winner_among_modules(store: Any) -> None:
    modules = consumers_built.everybody()
    together = threading.Barrier(len(modules))

    def tries(module: Consumer, path: str) -> str | None:
        together.wait(20)
        try:
            module.put(store, path, module.__name__.encode(), create=True)
        except FileExistsError:
            return None
        return module.__name__

    with ThreadPoolExecutor(len(modules)) as threads:
        for number in range(20):
            path = f"race/{number}"
            winners = [name for name in threads.map(tries, modules, [path] * len(modules)) if name]
            assert len(winners) == 1, winners
            assert modules[0].get(store, path)[0] == winners[0].encode()


def test_all_modules_work_at_once_from_many_threads(store: Any) -> None:
    def works(number: int) -> None:
        module = consumers_built.consumer(NAMES[number % len(NAMES)])
        for turn in range(20):
            path, content = f"of/{number}/{turn}", bytes([number]) * (turn * 1000 + 1)
            module.put(store, path, content)
            assert module.get(store, path)[0] == content
            assert module.gather(store, path, 4, False) == 4 * len(content)
        assert len(module.list_objects(store, f"of/{number}")) == 20

    with ThreadPoolExecutor(3 * len(NAMES)) as threads:
        assert len(list(threads.map(works, range(3 * len(NAMES))))) == 3 * len(NAMES)


def test_a_python_subclass_crosses_as_itself(consumer: Consumer) -> None:
    class Named(consumers_built.exporter().Memory):  # type: ignore[misc]
        pass

    store = Named()
    consumer.put(store, "a", b"in the subclass")
    assert consumers_built.consumer("pyo3_0_30_object_store_0_14").get(store, "a")[0] == b"in the subclass"


def test_a_module_keeps_a_store_whose_object_and_capsule_are_gone(consumer: Consumer) -> None:
    consumer.put(store := consumers_built.exporter().Memory(), "kept", b"still here")
    consumer.keep(store)
    del store
    assert consumer.get_kept("kept") == b"still here"


# What is no store, or none that the module knows. Capsules are made by hand, of copies of a good table.

Change = Callable[[ctypes.Array[ctypes.c_char]], None]

MAGIC, MAJOR, MINOR, SIZE, FIRST_SLOT = 0, 8, 10, 12, 48
LENGTH = 200
"""Bytes of a table of version 1.0, and where in it there is what."""
SLOTS = [
    *["retain", "release", "describe", "operation_cancel", "operation_release", "get", "get_ranges", "put"],
    *["upload_start", "upload_part", "upload_complete", "upload_abort", "upload_release"],
    *["list", "stream_next", "stream_release", "delete", "copy", "sign"],
]

_new = ctypes.pythonapi.PyCapsule_New
_new.restype, _new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]

_alive: list[Any] = []
"""Tables live as long as the process, as they must."""


def doctored(store: Any, change: Change, name: bytes = b"object_store_v1") -> Any:
    """A capsule with the store's own data, and a changed copy of its table."""
    capsule = store.__object_store_capsule__()
    found = (ctypes.c_void_p * 2).from_address(_pointer(capsule, b"object_store_v1"))
    table = ctypes.create_string_buffer(ctypes.string_at(found[0] or 0, LENGTH) + bytes(64), LENGTH + 64)
    change(table)
    pair = (ctypes.c_void_p * 2)(ctypes.addressof(table), found[1])
    _alive.extend([capsule, table, pair, name])
    return _new(ctypes.addressof(pair), name, None)


def written(at: int, value: int, size: int) -> Change:
    def change(table: ctypes.Array[ctypes.c_char]) -> None:
        ctypes.memmove(ctypes.addressof(table) + at, value.to_bytes(size, sys.byteorder), size)

    return change


def slot(number: int) -> Change:
    return written(FIRST_SLOT + 8 * number, 0, 8)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (written(MAGIC, 0x1234, 8), "table"),
        (written(MAJOR, 2, 2), "version"),
        (written(SIZE, LENGTH - 8, 4), "table"),
        (slot(SLOTS.index("retain")), "function"),
        (slot(SLOTS.index("release")), "function"),
        (slot(SLOTS.index("stream_next")), "function"),
    ],
    ids=["another magic", "another major version", "a short table", "no retain", "no release", "no stream_next"],
)
def test_a_table_of_another_kind_is_refused_by_name(consumer: Consumer, change: Change, said: str) -> None:
    capsule = doctored(consumers_built.exporter().Memory(), change)
    with pytest.raises(BufferError, match=rf"{consumer.__name__.rpartition('.')[2][:4]}.*{said}"):
        consumer.get(capsule, "a")


def test_a_capsule_of_another_name_is_refused(consumer: Consumer) -> None:
    capsule = doctored(consumers_built.exporter().Memory(), lambda table: None, b"object_store_v2")
    with pytest.raises(BufferError, match=r"object_store_v1.*object_store_v2"):
        consumer.get(capsule, "a")


def test_a_newer_minor_version_with_a_longer_table_is_as_good(consumer: Consumer) -> None:
    def newer(table: ctypes.Array[ctypes.c_char]) -> None:
        written(MINOR, 7, 2)(table)
        written(SIZE, LENGTH + 64, 4)(table)

    store = consumers_built.exporter().Memory()
    consumer.put(doctored(store, newer), "a", b"from the future")
    assert consumer.get(store, "a")[0] == b"from the future"


@pytest.mark.parametrize(
    "missing", ["get", "get_ranges", "put", "upload_start", "upload_part", "upload_complete", "list"]
)
def test_what_a_store_cannot_do_is_an_error_and_the_rest_works(consumer: Consumer, missing: str) -> None:
    store = consumers_built.exporter().Memory()
    consumer.put(store, "a", b"content")
    capsule = doctored(store, slot(SLOTS.index(missing)))
    works: dict[str, Callable[[], object]] = {
        "get": lambda: consumer.get(capsule, "a"),
        "get_ranges": lambda: consumer.get_ranges(capsule, "a", [(0, 1)]),
        "put": lambda: consumer.put(capsule, "b", b""),
        "upload": lambda: consumer.upload(capsule, "c", [b"part"]),
        "list": lambda: consumer.list_objects(capsule, "a"),
    }
    affected = works.pop("upload" if missing.startswith("upload") else missing)
    with pytest.raises(OSError, match=r"refuses|no such operation|not.*implemented"):
        affected()
    for work in works.values():
        work()


@pytest.mark.parametrize("given", [None, 5, "memory://", object()], ids=repr)
def test_what_is_no_store_is_refused(consumer: Consumer, given: object) -> None:
    with pytest.raises(TypeError, match="__object_store_capsule__"):
        consumer.get(given, "a")


class Gives:
    """An object whose method gives anything."""

    def __init__(self, given: object) -> None:
        self.given = given
        self.asked: list[object] = []

    def __object_store_capsule__(self, *, max_abi: tuple[int, int] | None = None) -> object:
        self.asked.append(max_abi)
        if isinstance(self.given, Exception):
            raise self.given
        return self.given


def test_a_method_that_gives_no_capsule_is_refused(consumer: Consumer) -> None:
    with pytest.raises((TypeError, BufferError), match="capsule"):
        consumer.get(Gives(7), "a")


def test_what_the_method_raises_arrives(consumer: Consumer) -> None:
    with pytest.raises(LookupError, match="not today"):
        consumer.get(Gives(LookupError("not today")), "a")


def test_a_module_says_what_it_knows_and_a_store_of_a_proxy_is_taken(consumer: Consumer) -> None:
    store = consumers_built.exporter().Memory()
    proxy = Gives(store.__object_store_capsule__())
    consumer.put(proxy, "a", b"by way of a proxy")
    assert consumer.get(store, "a")[0] == b"by way of a proxy"
    assert proxy.asked == [(1, 0)]


def test_an_exporter_refuses_a_module_that_knows_too_little_by_both_names() -> None:
    store = consumers_built.exporter().Memory()
    with pytest.raises(BufferError, match=r"version 0.*consumers\.exporter 0\.1\.0.*1\.0"):
        store.__object_store_capsule__(max_abi=(0, 9))
    with pytest.raises(TypeError):
        store.__object_store_capsule__((1, 0))
    with pytest.raises(TypeError):
        store.__object_store_capsule__(another=1)


def test_the_table_in_the_guide_is_what_was_built() -> None:
    """`LONGSHORE_WRITE_TABLES=1 pytest python/tests/test_consumers.py` writes it anew."""
    before, begin, rest = GUIDE.read_text(encoding="utf-8").partition("<!-- built with -->\n")
    _, end, after = rest.partition("<!-- until here -->\n")
    assert (begin != "", end != "") == (True, True), "the guide has no place for the table"
    found = f"{before}{begin}\n{consumers_built.table()}\n{end}{after}"
    if os.environ.get("LONGSHORE_WRITE_TABLES") == "1":
        GUIDE.write_text(found, encoding="utf-8")
    assert GUIDE.read_text(encoding="utf-8") == found


def test_no_two_modules_were_built_with_the_same() -> None:
    pairs = [(module.BUILT_WITH["binding"], module.BUILT_WITH["store"]) for module in consumers_built.everybody()]
    rust = [pair for pair in pairs if pair[0].startswith("PyO3")]
    assert len(set(rust)) == len(rust) == 6
    folders = [path.parent.name for path in consumers_built.FOLDER.glob("pyo3-*/Cargo.toml")]
    assert sorted(re.sub(r"[-.]", "_", name) for name in folders) == [
        name for name in NAMES if name.startswith("pyo3_")
    ]
