"""What `Bytes` is beside what it shares with `bytes`: no copies, short reprs, pickling, copying, classes of its own."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import weakref
from collections import abc
from typing import Any

import numpy as np
import pytest

import longshore
from longshore import Bytes

LARGE = bytes(range(256)) * 4096


def address(value: object) -> int:
    return int(np.frombuffer(value, np.uint8).ctypes.data)  # type: ignore[call-overload]


class Named(Bytes):
    """A subclass with attributes."""

    label: str


def test_parts_are_in_the_same_memory() -> None:
    whole = Bytes(b"  key: value  ")
    start = address(whole)
    assert address(whole[3:]) == start + 3
    assert address(whole[-4:-2]) == start + 10
    assert address(whole.strip()) == start + 2
    assert [address(part) - start for part in whole.split()] == [2, 7]
    assert [address(part) - start for part in whole.rsplit(b":")] == [0, 6]
    assert [address(part) - start for part in whole.partition(b": ")] == [0, 5, 7]
    assert address(whole.removeprefix(b"  ")) == start + 2
    assert address(whole.removesuffix(b"  ")) == start
    assert address(whole.splitlines()[0]) == start
    assert address(whole[:]) == address(Bytes(whole)) == start


def test_a_slice_with_another_step_is_a_copy() -> None:
    whole = bytearray(b"abcd")
    part = Bytes(whole)[::-1]
    whole.append(0)  # nothing holds it
    assert part == b"dcba"


def test_repr_shows_a_short_value_and_bounds_a_long_one() -> None:
    assert repr(Bytes(b"hello")) == str(Bytes(b"hello")) == "Bytes(b'hello')"
    assert repr(Bytes()) == "Bytes(b'')"
    assert repr(Bytes(b"x" * 32)) == f"Bytes(b'{'x' * 32}')"
    assert repr(Bytes(b"x" * 33)) == f"<Bytes of 33 bytes: b'{'x' * 32}'...>"
    assert len(repr(Bytes(bytes(1 << 20)))) < 200
    assert repr(Named(b"x")) == "Named(b'x')"


def test_to_bytes_is_a_copy_in_bytes() -> None:
    value = Bytes(bytearray(b"abc"))
    assert type(value.to_bytes()) is type(bytes(value)) is bytes
    assert value.to_bytes() == bytes(value) == b"abc"


def test_the_constructor_takes_a_buffer_and_nothing_else() -> None:
    assert Bytes() == Bytes(b"") == Bytes(buf=bytearray()) == b""
    with pytest.raises(TypeError, match=r"expected bytes or another object with a buffer, not str; encode the text"):
        Bytes("text")  # type: ignore[arg-type]
    for wrong in (5, None, [1, 2], 1.5):
        with pytest.raises(TypeError, match=f"not {type(wrong).__name__}"):
            Bytes(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Bytes(b"", True)  # type: ignore[call-arg]


def test_it_is_known_by_its_public_name() -> None:
    assert (Bytes.__module__, Bytes.__qualname__) == ("longshore", "Bytes")
    assert longshore.Bytes is Bytes


def test_abstract_classes_know_it_but_sequence_patterns_do_not_take_it_apart() -> None:
    value: Any = Bytes(b"ab")
    assert isinstance(value, abc.Hashable)
    assert isinstance(value, abc.Collection)
    if sys.version_info >= (3, 12):
        assert isinstance(value, abc.Buffer)
    match value:
        case [_, _]:
            pytest.fail("a Bytes is no list of numbers")
        case b"ab":
            pass
        case _:
            pytest.fail("a Bytes is what it is equal to")


def test_equal_keys_find_each_other() -> None:
    table = {b"key": 1}
    assert table[Bytes(bytearray(b"key"))] == 1  # type: ignore[index]
    assert {Bytes(b"key"), b"key"} == {b"key"}


def test_it_compares_with_the_memory_of_an_array() -> None:
    numbers = np.arange(3, dtype=np.float32)
    assert Bytes(numbers) == numbers.tobytes()
    assert Bytes(numbers) == memoryview(numbers.tobytes())
    assert (Bytes(b"a") == "a") is False
    assert Bytes(b"a") != 97


def test_bytes_and_bytearrays_take_it() -> None:
    assert b"a" + Bytes(b"b") == b"ab"
    assert bytearray(b"a") + Bytes(b"b") == bytearray(b"ab")
    assert b"-".join([Bytes(b"a"), b"b"]) == b"a-b"
    assert Bytes(b"b") in b"abc"
    assert b"abc".find(Bytes(b"c")) == 2
    assert int(Bytes(b"12")) == 12


def test_weak_references_do_not_keep_it() -> None:
    value = Bytes(b"abc")
    reference = weakref.ref(value)
    assert reference() is value
    del value
    gc.collect()
    assert reference() is None


def test_it_does_not_change() -> None:
    value: Any = Bytes(b"abc")
    with pytest.raises(TypeError):
        value[0] = 1
    with pytest.raises(TypeError):
        del value[0]
    with pytest.raises(AttributeError):
        value.label = "new"


class TestPickling:
    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    @pytest.mark.parametrize("data", [b"", b"abc", LARGE])
    def test_it_comes_back_equal_under_every_protocol(self, protocol: int, data: bytes) -> None:
        back = pickle.loads(pickle.dumps(Bytes(bytearray(data)), protocol))
        assert type(back) is Bytes
        assert back == data

    def test_with_protocol_5_the_memory_stays_where_it_is(self) -> None:
        value = Bytes(bytearray(LARGE))
        buffers: list[pickle.PickleBuffer] = []
        stream = pickle.dumps(value, 5, buffer_callback=buffers.append)
        assert len(stream) < 200
        assert len(buffers) == 1
        back = pickle.loads(stream, buffers=buffers)
        assert type(back) is Bytes
        assert address(back) == address(value)
        assert back == LARGE

    def test_a_buffer_that_the_loader_provides_is_taken_without_a_copy(self) -> None:
        buffers: list[pickle.PickleBuffer] = []
        stream = pickle.dumps(Bytes(LARGE), 5, buffer_callback=buffers.append)
        arrived = bytearray(buffers[0].raw())
        back = pickle.loads(stream, buffers=[arrived])
        assert address(back) == address(arrived)

    @pytest.mark.parametrize("protocol", [2, 5])
    def test_a_subclass_keeps_its_class_and_attributes(self, protocol: int) -> None:
        value = Named(b"abc")
        value.label = "first"
        back = pickle.loads(pickle.dumps(value, protocol))
        assert type(back) is Named
        assert (bytes(back), back.label) == (b"abc", "first")


class TestCopying:
    def test_a_copy_is_the_object_itself(self) -> None:
        value = Bytes(b"abc")
        assert copy.copy(value) is value

    def test_a_deep_copy_has_memory_of_its_own(self) -> None:
        source = bytearray(b"abc")
        deep = copy.deepcopy([Bytes(source)])[0]
        source[0] = 0
        assert type(deep) is Bytes
        assert deep == b"abc"
        source.append(0)

    def test_a_copy_of_a_subclass_has_its_own_attributes(self) -> None:
        value = Named(b"abc")
        value.label = "first"
        shallow, deep = copy.copy(value), copy.deepcopy(value)
        value.label = "second"
        for other in (shallow, deep):
            assert type(other) is Named
            assert (bytes(other), other.label) == (b"abc", "first")
        assert address(shallow) == address(value) != address(deep)


def test_copy_true_is_the_way_out_of_memory_that_changes() -> None:
    source = bytearray(b"abc")
    shared, own = Bytes(source), Bytes(source, copy=True)
    source[0] = ord("x")
    assert (bytes(shared), bytes(own)) == (b"xbc", b"abc")
    del shared
    source.append(0)  # the copy does not hold it
