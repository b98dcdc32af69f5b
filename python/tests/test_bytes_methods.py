"""`Bytes` does what `bytes` does: the same operations on both, with arguments that fit and with any others."""

from __future__ import annotations

import operator
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from longshore import Bytes

settings.register_profile("longshore", deadline=None, derandomize=True, max_examples=200)
settings.load_profile("longshore")

# Few different bytes, so that things are found, split and stripped: white space of every kind, cases, digits, a sign, no text.
LETTERS = b"aabbAB  \t\n\r\x0b\x0c01+-\x00\xff"
VALUES = st.lists(st.sampled_from(LETTERS), max_size=24).map(bytes)
PARTS = st.lists(st.sampled_from(LETTERS), max_size=3).map(bytes)
KINDS = [bytes, Bytes, bytearray, memoryview]
LIKE_BYTES: st.SearchStrategy[Any] = st.builds(lambda kind, part: kind(part), st.sampled_from(KINDS), PARTS)
NUMBERS = st.integers(-30, 30)
BOUNDS = st.none() | NUMBERS | st.sampled_from([sys.maxsize, -sys.maxsize - 1, 1 << 70, -(1 << 70)])
NEEDLES = LIKE_BYTES | st.integers(-1, 256)
ANYTHING: st.SearchStrategy[Any] = st.one_of(
    LIKE_BYTES,
    BOUNDS,
    st.text("ab:é", max_size=3),
    st.floats(),
    st.booleans(),
    st.tuples(LIKE_BYTES, LIKE_BYTES),
    st.lists(LIKE_BYTES | st.text("a", max_size=1), max_size=2),
    st.sampled_from(["utf-8", "ascii", "latin-1", "strict", "ignore", b"x" * 256]),
)
# As wide as a line may become, and no wider.
WIDTHS = {"center", "ljust", "rjust", "zfill", "expandtabs", "__mul__", "__rmul__"}

# What `bytes` has because it is one of Python's own, or has in another form.
ELSEWHERE = {
    "__buffer__",  # on some versions of Python
    "__class__",
    "__dir__",
    "__doc__",
    "__format__",
    "__getattribute__",
    "__getnewargs__",
    "__getstate__",
    "__init__",
    "__init_subclass__",
    "__iter__",
    "__new__",
    "__reduce__",
    "__reduce_ex__",
    "__repr__",
    "__rmod__",
    "__setattr__",
    "__delattr__",
    "__sizeof__",
    "__str__",
    "__subclasshook__",
    "fromhex",
    "maketrans",
}
METHODS = sorted(set(dir(bytes)) - ELSEWHERE)
PLAIN_METHODS = [name for name in METHODS if not name.startswith("_")]


class _Method:
    """Calls a method of its first argument. Shows its name in failures."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, value: Any, *arguments: Any, **keywords: Any) -> Any:
        return getattr(value, self.name)(*arguments, **keywords)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Method) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f".{self.name}"


def plain(value: Any) -> Any:
    """`value` with `bytes` for every `Bytes`."""
    if isinstance(value, Bytes):
        return bytes(value)
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value))
    return value


def classes(value: Any) -> Any:
    """The classes of a result, with `bytes` for `Bytes`: nothing else may stand for it."""
    if isinstance(value, list | tuple):
        return [type(value), *map(classes, value)]
    return bytes if type(value) is Bytes else type(value)


def outcome(operation: Callable[..., Any], value: object, arguments: Sequence[Any]) -> Any:
    try:
        result = operation(value, *arguments)
    except Exception as error:
        return type(error)
    assert type(result) is not bytes or not isinstance(value, Bytes), "bytes were copied into bytes"
    return classes(result), plain(result)


COMPARISONS = (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)
# Here `bytes` makes a difference between `bytes` and other kinds of memory, and `Bytes` makes none.
MORE_KINDS = [*COMPARISONS, *map(_Method, ("partition", "rpartition"))]


def as_bytes(arguments: Sequence[Any]) -> list[Any]:
    return [bytes(each) if isinstance(each, bytearray | memoryview | Bytes) else each for each in arguments]


def check(operation: Callable[..., Any], value: bytes, *arguments: Any) -> None:
    expected = outcome(operation, value, as_bytes(arguments) if operation in MORE_KINDS else plain(arguments))
    # On memory of Rust's, of `bytes`, and of something else.
    for made in (Bytes(value, copy=True), Bytes(value), Bytes(bytearray(value))):
        assert outcome(operation, made, arguments) == expected


def test_every_method_of_bytes_is_there() -> None:
    assert [name for name in METHODS if not hasattr(Bytes, name)] == []


@pytest.mark.parametrize("name", PLAIN_METHODS)
@given(value=VALUES, arguments=st.lists(ANYTHING, max_size=4))
@example(value=b"ab", arguments=[])
@example(value=b"", arguments=[])
def test_any_arguments_have_the_same_result_or_the_same_error(name: str, value: bytes, arguments: list[Any]) -> None:
    if name in WIDTHS and any(isinstance(each, int) and each > 1000 for each in arguments):
        return
    check(_Method(name), value, *arguments)


@pytest.mark.parametrize("name", ["find", "rfind", "index", "rindex", "count"])
@given(value=VALUES, needle=NEEDLES, start=BOUNDS, end=BOUNDS)
@example(value=b"", needle=b"", start=None, end=None)
@example(value=b"aaa", needle=b"", start=3, end=None)
@example(value=b"aaa", needle=b"", start=4, end=None)
@example(value=b"aaaa", needle=b"aa", start=None, end=None)
def test_searching(name: str, value: bytes, needle: Any, start: Any, end: Any) -> None:
    check(_Method(name), value, needle, start, end)


@pytest.mark.parametrize("name", ["startswith", "endswith"])
@given(value=VALUES, affix=LIKE_BYTES | st.tuples(LIKE_BYTES, LIKE_BYTES), start=BOUNDS, end=BOUNDS)
@example(value=b"", affix=(), start=None, end=None)
@example(value=b"", affix=b"", start=1, end=None)
def test_beginnings_and_ends(name: str, value: bytes, affix: Any, start: Any, end: Any) -> None:
    check(_Method(name), value, affix, start, end)


@pytest.mark.parametrize("name", ["split", "rsplit"])
@given(value=VALUES, separator=st.none() | LIKE_BYTES, maxsplit=st.integers(-2, 5))
def test_splitting(name: str, value: bytes, separator: Any, maxsplit: int) -> None:
    check(_Method(name), value, separator, maxsplit)
    check(lambda this: getattr(this, name)(sep=separator, maxsplit=maxsplit), value)


@pytest.mark.parametrize("name", ["partition", "rpartition", "removeprefix", "removesuffix"])
@given(value=VALUES, part=LIKE_BYTES)
def test_cutting_at_a_part(name: str, value: bytes, part: Any) -> None:
    check(_Method(name), value, part)


@pytest.mark.parametrize("name", ["strip", "lstrip", "rstrip"])
@given(value=VALUES, strange=st.none() | LIKE_BYTES)
def test_stripping(name: str, value: bytes, strange: Any) -> None:
    check(_Method(name), value, strange)


@given(value=VALUES, keepends=st.booleans())
def test_lines(value: bytes, keepends: bool) -> None:
    check(lambda this: this.splitlines(keepends=keepends), value)


@given(value=VALUES, old=LIKE_BYTES, new=LIKE_BYTES, count=st.integers(-2, 4))
def test_replacing(value: bytes, old: Any, new: Any, count: int) -> None:
    check(_Method("replace"), value, old, new, count)


@given(value=VALUES, delete=LIKE_BYTES)
def test_translating(value: bytes, delete: Any) -> None:
    table = bytes.maketrans(b"ab", b"xy")
    check(lambda this: this.translate(table, delete=plain(delete)), value)
    assert Bytes.maketrans(Bytes(b"ab"), Bytes(b"xy")) == table
    check(_Method("translate"), value, Bytes(table), delete)
    check(_Method("translate"), value, None, delete)


@pytest.mark.parametrize("name", sorted(WIDTHS - {"expandtabs", "__mul__", "__rmul__"}))
@given(value=VALUES, width=NUMBERS, fill=st.sampled_from([b"*", Bytes(b"*"), bytearray(b"*"), b"", b"**"]))
def test_filling(name: str, value: bytes, width: int, fill: Any) -> None:
    check(_Method(name), value, width)
    check(_Method(name), value, width, fill)


@given(value=VALUES, items=st.lists(LIKE_BYTES, max_size=3))
def test_joining(value: bytes, items: list[Any]) -> None:
    check(_Method("join"), value, items)
    check(lambda this: this.join(each for each in items), value)


@given(value=st.binary(max_size=12), encoding=st.sampled_from(["utf-8", "ascii", "latin-1", "utf-16", "none such"]))
def test_decoding(value: bytes, encoding: str) -> None:
    for errors in ("strict", "ignore", "replace", "backslashreplace", "none such"):
        check(lambda this, errors=errors: this.decode(encoding, errors=errors), value)
    check(lambda this: this.decode("utf-8\0"), value)
    check(lambda this: str(this, encoding), value)


@given(
    value=st.binary(max_size=12), each=st.integers(-4, 4), separator=st.sampled_from([":", b"-", "ab", "é", "", None])
)
def test_hexadecimal(value: bytes, each: int, separator: Any) -> None:
    check(lambda this: this.hex(), value)
    check(lambda this: this.hex(separator, each), value)
    check(lambda this: this.hex(sep=":", bytes_per_sep=each), value)
    assert Bytes.fromhex(value.hex(" ")) == value
    with pytest.raises(ValueError, match="non-hexadecimal"):
        Bytes.fromhex("x")


@given(left=VALUES, right=st.one_of(LIKE_BYTES, VALUES, ANYTHING))
def test_comparing(left: bytes, right: Any) -> None:
    for compare in COMPARISONS:
        check(compare, left, right)


@given(left=VALUES, right=ANYTHING)
def test_adding(left: bytes, right: Any) -> None:
    check(operator.add, left, right)


@given(value=VALUES, times=st.one_of(st.integers(-3, 5), st.sampled_from(["a", 1.5, None, 1 << 70])))
@example(value=b"ab", times=sys.maxsize)
@example(value=b"ab", times=1 << 61)
def test_multiplying(value: bytes, times: Any) -> None:
    check(operator.mul, value, times)
    check(lambda this: times * this, value)


@given(value=VALUES, item=ANYTHING | st.integers(-1, 256))
@example(value=b"", item=b"")
@example(value=b"a", item=97)
def test_containing(value: bytes, item: Any) -> None:
    check(operator.contains, value, item)


@given(value=VALUES, key=ANYTHING)
@example(value=b"ab", key=-3)
@example(value=b"ab", key=True)
def test_items(value: bytes, key: Any) -> None:
    check(operator.getitem, value, key)


STEPS = st.none() | st.integers(-4, 4) | st.sampled_from([sys.maxsize, -sys.maxsize - 1])


@given(value=VALUES, start=BOUNDS, stop=BOUNDS, step=STEPS)
def test_slices(value: bytes, start: Any, stop: Any, step: Any) -> None:
    check(operator.getitem, value, slice(start, stop, step))


@given(value=VALUES)
def test_iterating(value: bytes) -> None:
    check(list, value)
    check(lambda this: list(reversed(this)), value)
    check(len, value)
    check(bool, value)
    check(hash, value)
    check(lambda this: {value: "found"}[this], value)


@given(
    value=st.lists(st.sampled_from([b"%d", b"%s", b"%b", b"%(a)s", b"%%", b"-"]), max_size=3).map(b"".join),
    one=ANYTHING,
)
def test_formatting(value: bytes, one: Any) -> None:
    check(operator.mod, value, one)
    check(operator.mod, value, (one,))
    check(operator.mod, value, {b"a": one})


def test_a_long_value_is_searched_like_a_short_one() -> None:
    value = bytes(range(256)) * 4096 + b"the end"
    ours = Bytes(value)
    assert ours.find(b"the end") == value.find(b"the end") == 1 << 20
    assert ours.rfind(b"\x00\x01") == value.rfind(b"\x00\x01")
    assert ours.count(b"\x00\x01") == 4096
    assert ours.split(b"\xff") == value.split(b"\xff")
    assert ours.endswith(b"end")
    assert hash(ours) == hash(value)
    assert ours == value
    assert value == ours


LARGE = Bytes(bytearray(b"some words\n" * (1 << 20)))


@pytest.mark.parametrize(
    "operation",
    [
        lambda: LARGE.find(b"no"),
        lambda: LARGE.rfind(b"no"),
        lambda: LARGE.count(b"\n"),
        lambda: b"no" in LARGE,
        lambda: LARGE.startswith((b"no", b"some")),
        lambda: LARGE.endswith(b"words\n"),
        lambda: LARGE.partition(b"words"),
        lambda: LARGE.split(None, 3),
        lambda: LARGE.rsplit(b"\n", 3),
        lambda: LARGE.strip(),
        lambda: LARGE.removeprefix(b"some"),
        lambda: LARGE[5:],
        lambda: Bytes(LARGE) == LARGE,
        lambda: hash(LARGE),
        lambda: LARGE.isascii() and LARGE.islower(),
        lambda: memoryview(LARGE),
        lambda: repr(LARGE),
    ],
)
def test_a_large_value_is_not_copied(operation: Callable[[], object]) -> None:
    operation()
    assert peak(operation) < len(LARGE) // 100


def test_decoding_makes_the_text_and_nothing_else() -> None:
    assert peak(LARGE.decode) < len(LARGE) * 5 // 4
    # The measure is one that sees a copy.
    assert peak(lambda: bytes(LARGE).decode()) > len(LARGE) * 7 // 4


def peak(operation: Callable[[], object]) -> int:
    """The most bytes of Python's memory that `operation` takes."""
    tracemalloc.start()
    try:
        result = operation()
        return tracemalloc.get_traced_memory()[1] if result is not None else 0
    finally:
        tracemalloc.stop()
