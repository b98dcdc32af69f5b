"""Memory goes into `Bytes` and out of it without copies, whatever it is made of."""

from __future__ import annotations

import array
import ctypes
import io
import mmap
import pickle
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from longshore import Bytes


def address(value: object) -> int:
    return int(np.frombuffer(value, np.uint8).ctypes.data)  # type: ignore[call-overload]


def an_mmap() -> mmap.mmap:
    memory = mmap.mmap(-1, 4096)
    memory[:4] = b"abcd"
    return memory


def read_only() -> Any:
    numbers = np.arange(6)
    numbers.flags.writeable = False
    return numbers


SOURCES: dict[str, Callable[[], Any]] = {
    "bytes": lambda: b"abcd",
    "bytearray": lambda: bytearray(b"abcd"),
    "memoryview": lambda: memoryview(b"abcd")[1:3],
    "memoryview of numbers": lambda: memoryview(bytes(16)).cast("I"),
    "memoryview of two dimensions": lambda: memoryview(bytes(16)).cast("B", [2, 8]),
    "array of floats": lambda: array.array("d", [1.5, 2.5]),
    "ctypes array": lambda: (ctypes.c_int * 3)(1, 2, 3),
    "ctypes structure": lambda: type("Pair", (ctypes.Structure,), {"_fields_": [("a", ctypes.c_int)]})(7),
    "mmap": an_mmap,
    "BytesIO": lambda: io.BytesIO(b"abcd").getbuffer(),
    "PickleBuffer": lambda: pickle.PickleBuffer(b"abcd"),
    "float32": lambda: np.arange(5, dtype=np.float32),
    "two dimensions": lambda: np.arange(6, dtype=np.int16).reshape(2, 3),
    "no dimension": lambda: np.array(7.0),
    "records": lambda: np.zeros(3, dtype=[("a", "<i4"), ("b", "<f8")]),
    "records with names like a code": lambda: np.zeros(2, dtype=[("Offset", "<i4"), ("O", "<f8")]),
    "dates": lambda: np.array(["2026-11-20"], dtype="datetime64[D]"),
    "complex": lambda: np.ones(2, dtype=np.complex128),
    "read-only": read_only,
    "scalar": lambda: np.float64(1.5),
    "a row": lambda: np.arange(6).reshape(2, 3)[1],
    "Fortran order, one column": lambda: np.asfortranarray(np.arange(3).reshape(3, 1)),
}

EMPTY: dict[str, Callable[[], Any]] = {
    "bytes": lambda: b"",
    "bytearray": bytearray,
    "array": lambda: array.array("d"),
    "no rows": lambda: np.zeros((0, 3), dtype=np.float32),
    "no columns, in steps": lambda: np.zeros((4, 0))[::2],
    "memoryview": lambda: memoryview(b""),
}

SCATTERED: dict[str, Callable[[], Any]] = {
    "Fortran order": lambda: np.asfortranarray(np.arange(6).reshape(2, 3)),
    "transposed": lambda: np.arange(6).reshape(2, 3).T,
    "steps": lambda: np.arange(6)[::2],
    "backwards": lambda: np.arange(6)[::-1],
    "a column": lambda: np.arange(6).reshape(2, 3)[:, 1],
    "memoryview": lambda: memoryview(b"abcdef")[::2],
}


def raw(source: Any) -> bytes:
    return bytes(source.tobytes()) if hasattr(source, "tobytes") else bytes(memoryview(source))


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES.keys())
def test_contiguous_memory_of_any_kind_is_taken_without_a_copy(make: Callable[[], Any]) -> None:
    source = make()
    value = Bytes(source)
    assert bytes(value) == raw(source)
    try:
        flat = np.frombuffer(source, np.uint8)
    except (ValueError, BufferError, TypeError):
        # NumPy does not describe its own dates to itself.
        flat = np.asarray(source).reshape(-1).view(np.uint8)
    if not isinstance(source, np.generic):  # a scalar makes its memory anew for each who asks
        assert address(value) == flat.ctypes.data


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES.keys())
def test_a_copy_is_made_where_it_is_wanted(make: Callable[[], Any]) -> None:
    source = make()
    value = Bytes(source, copy=True)
    assert bytes(value) == raw(source)
    assert address(value) != address(Bytes(source))


@pytest.mark.parametrize("make", EMPTY.values(), ids=EMPTY.keys())
def test_nothing_is_taken_from_an_empty_source(make: Callable[[], Any]) -> None:
    value = Bytes(make())
    assert value == Bytes(make(), copy=True) == b""
    assert np.frombuffer(memoryview(value), np.uint8).size == 0


@pytest.mark.parametrize("make", SCATTERED.values(), ids=SCATTERED.keys())
def test_scattered_memory_is_refused_with_two_ways_out(make: Callable[[], Any]) -> None:
    source = make()
    with pytest.raises(BufferError, match=r"not C-contiguous; pass np\.ascontiguousarray.* copy=True"):
        Bytes(source)
    assert Bytes(source, copy=True) == raw(source)
    if isinstance(source, np.ndarray):
        assert Bytes(np.ascontiguousarray(source)) == raw(source)


def test_python_objects_are_not_memory() -> None:
    for copied in (False, True):
        records = np.zeros(2, dtype=[("a", "<i4"), ("b", "O")])
        # The buffer of one with dates says nothing of what is in it.
        dated = np.zeros(2, dtype=[("when", "M8[s]"), ("what", "O")])
        nested = np.zeros(2, dtype=[("when", "M8[s]"), ("inner", [("what", "O", 2)])])
        for objects in (np.array([{}, 1], object), np.array([{}, 1, 2], object)[::2], records, dated, nested):
            with pytest.raises(TypeError, match="holds Python objects"):
                Bytes(objects, copy=copied)


def test_a_released_memoryview_says_so_itself() -> None:
    view = memoryview(b"abc")
    view.release()
    with pytest.raises(ValueError, match="released"):
        Bytes(view)


def test_a_bytearray_is_locked_while_anything_refers_to_it() -> None:
    source = bytearray(b"abcd")
    whole = Bytes(source)
    part = whole[1:2]
    del whole
    with pytest.raises(BufferError):
        source.append(0)
    del part
    source.append(0)


def test_an_mmap_can_be_closed_afterwards() -> None:
    source = an_mmap()
    value = Bytes(source)
    with pytest.raises(BufferError):
        source.close()
    assert value[:4] == b"abcd"
    del value
    source.close()


def test_our_own_class_is_unwrapped_not_wrapped() -> None:
    source = bytearray(b"abcd")
    inner = Bytes(source)
    outer = Bytes(inner)
    assert address(outer) == address(inner)
    del inner
    with pytest.raises(BufferError):
        source.append(0)
    del outer
    source.append(0)


class TestTheBuffer:
    def test_it_is_read_only_and_bytes(self) -> None:
        view = memoryview(Bytes(b"abc"))
        described = (view.readonly, view.format, view.shape, view.strides, view.c_contiguous, view.itemsize)
        assert described == (True, "B", (3,), (1,), True, 1)
        assert isinstance(view.obj, Bytes)

    def test_simple_requests_are_answered(self) -> None:
        assert struct.unpack("<H", Bytes(b"\x01\x02")) == (0x0201,)
        assert io.BytesIO(Bytes(b"abc")).read() == b"abc"
        assert bytes(Bytes(b"abc")) == b"abc"

    def test_writing_is_refused(self) -> None:
        value: Any = Bytes(bytearray(b"abc"))
        with pytest.raises((BufferError, TypeError)):
            io.BytesIO(b"xyz").readinto(value)
        with pytest.raises(TypeError):
            (ctypes.c_char * 3).from_buffer(value)
        with pytest.raises(TypeError):
            memoryview(value)[0] = 1

    def test_numpy_sees_the_same_memory(self) -> None:
        source = np.arange(4, dtype=np.float64)
        value = Bytes(source)
        back = np.frombuffer(memoryview(value), np.float64)
        assert back.ctypes.data == source.ctypes.data
        assert not back.flags.writeable
        assert np.asarray(value).ctypes.data == source.ctypes.data
        assert np.asarray(value).dtype == np.uint8

    def test_the_array_keeps_the_memory(self) -> None:
        source = bytearray(b"abcd")
        back = np.asarray(Bytes(source))
        with pytest.raises(BufferError):
            source.append(0)
        del back
        source.append(0)


def test_the_array_interface_tells_where_the_memory_is() -> None:
    class OnlyTheInterface:
        """Has no buffer, so that NumPy uses what is tested."""

        def __init__(self, value: Bytes) -> None:
            self.value = value
            self.__array_interface__ = value.__array_interface__

    value = Bytes(bytearray(b"abcd"))
    seen = np.asarray(OnlyTheInterface(value))
    assert seen.dtype == np.uint8
    assert seen.tolist() == [97, 98, 99, 100]
    assert not seen.flags.writeable
    assert seen.ctypes.data == address(value)
    assert np.asarray(OnlyTheInterface(Bytes())).shape == (0,)


class TestDLPack:
    def test_numpy_takes_it_without_a_copy_and_may_not_write(self) -> None:
        value = Bytes(bytearray(b"abcd"))
        seen = np.from_dlpack(value)
        assert seen.dtype == np.uint8
        assert seen.tolist() == [97, 98, 99, 100]
        assert seen.ctypes.data == address(value)
        assert not seen.flags.writeable

    def test_the_tensor_keeps_the_memory_until_it_is_gone(self) -> None:
        source = bytearray(b"abcd")
        seen = np.from_dlpack(Bytes(source))
        with pytest.raises(BufferError):
            source.append(0)
        del seen
        source.append(0)

    def test_a_capsule_that_nobody_takes_lets_go_of_the_memory(self) -> None:
        source = bytearray(b"abcd")
        capsule = Bytes(source).__dlpack__(max_version=(1, 0))
        assert "dltensor_versioned" in repr(capsule)
        with pytest.raises(BufferError):
            source.append(0)
        del capsule
        source.append(0)

    def test_a_copy_may_be_written_to(self) -> None:
        value = Bytes(b"abcd")
        seen = np.from_dlpack(value, copy=True)
        assert seen.flags.writeable
        seen[0] = 0
        assert value == b"abcd"

    def test_an_old_consumer_is_refused_but_for_a_copy(self) -> None:
        value = Bytes(b"abcd")
        for version in (None, (0, 8)):
            with pytest.raises(BufferError, match=r"max_version=\(1, 0\)"):
                value.__dlpack__(max_version=version)
            assert '"dltensor"' in repr(value.__dlpack__(max_version=version, copy=True))

    def test_it_is_where_the_cpu_is(self) -> None:
        value = Bytes(b"abcd")
        assert value.__dlpack_device__() == np.zeros(1).__dlpack_device__() == (1, 0)
        value.__dlpack__(max_version=(1, 0), dl_device=(1, 0))
        with pytest.raises(BufferError, match=r"device \(2, 0\)"):
            value.__dlpack__(max_version=(1, 0), dl_device=(2, 0))
        with pytest.raises(RuntimeError, match="stream"):
            value.__dlpack__(stream=1, max_version=(1, 0))  # type: ignore[arg-type]

    def test_nothing_is_a_tensor_too(self) -> None:
        for copied in (None, True):
            assert np.from_dlpack(Bytes(), copy=copied).shape == (0,)
