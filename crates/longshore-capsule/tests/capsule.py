"""Capsules as Python sees them. Run by capsule.rs, with the probe's path as the argument."""

import ctypes
import gc
import os
import sys
from typing import Any

probe = ctypes.PyDLL(sys.argv[1])
probe.probe_capsule.restype = probe.probe_strange_capsule.restype = ctypes.py_object
probe.probe_capsule.argtypes = [ctypes.py_object]
probe.probe_round_trip.argtypes = probe.probe_keep.argtypes = [ctypes.py_object]
probe.probe_round_trip.restype = probe.probe_keep.restype = probe.probe_live.restype = ctypes.c_int64
probe.probe_use_kept.restype = ctypes.c_char_p


class Store:
    asked: Any = "never"

    def __object_store_capsule__(self, *, max_abi: tuple[int, int] | None = None) -> object:
        Store.asked = max_abi
        return probe.probe_capsule(max_abi)


class Derived(Store):
    """A Python subclass crosses as its base does."""


def refused(kind: type[BaseException], *words: str, of: object) -> None:
    try:
        probe.probe_round_trip(of)
    except kind as error:
        said = str(error)
    else:
        raise AssertionError(f"accepted: {of!r}")
    for word in words:
        assert word in said, (word, said)


def a_store_crosses_live_and_says_which_version_it_is_asked_for() -> None:
    assert probe.probe_round_trip(Store()) == 5
    assert Store.asked == (1, 0)
    assert probe.probe_round_trip(Derived()) == 5


def a_capsule_can_be_read_any_number_of_times() -> None:
    capsule = probe.probe_capsule(None)
    assert "object_store_v1" in repr(capsule), repr(capsule)
    assert [probe.probe_round_trip(capsule) for _ in range(3)] == [5, 5, 5]


def what_is_no_store_is_refused_by_name() -> None:
    refused(TypeError, "consumer 4.5.6", "__object_store_capsule__", "int has none", of=5)
    instance = type("Late", (), {})()
    instance.__object_store_capsule__ = Store().__object_store_capsule__
    refused(TypeError, "Late has none", of=instance)
    refused(TypeError, "type has none", of=Store)


def what_the_method_gives_instead_is_named() -> None:
    class Wrong:
        def __object_store_capsule__(self, *, max_abi: object = None) -> object:
            return [max_abi]

    class Raises:
        def __object_store_capsule__(self, *, max_abi: object = None) -> object:
            raise LookupError("not today")

    class Old:
        def __object_store_capsule__(self) -> object:
            return probe.probe_capsule(None)

    refused(TypeError, "Wrong returned list", of=Wrong())
    refused(LookupError, "not today", of=Raises())
    refused(TypeError, "max_abi", of=Old())


def a_table_that_does_not_fit_is_refused_with_both_names() -> None:
    strange = probe.probe_strange_capsule
    refused(BufferError, "consumer 4.5.6", "unknown name", "no such table", of=strange(0))
    refused(BufferError, "consumer 4.5.6", "probe 1.2.3", "version 2, and version 1 is needed", of=strange(1))
    refused(BufferError, "consumer 4.5.6", "probe 1.2.3", "56 bytes, and 200 are needed", of=strange(2))
    assert probe.probe_round_trip(strange(3)) == -2
    refused(BufferError, "object_store_v1", "object_store_v2", of=strange(4))
    refused(BufferError, "consumer 4.5.6", "arrow_schema", of=strange(5))


def an_importer_that_is_too_old_is_told_so() -> None:
    for max_abi in [(1, 0), (1, 9), (2, 0), None]:
        assert probe.probe_round_trip(probe.probe_capsule(max_abi)) == 5
    try:
        probe.probe_capsule((0, 9))
    except BufferError as error:
        said = str(error)
    else:
        raise AssertionError("accepted")
    assert "knows version 0" in said, said
    assert "probe 1.2.3 has version 1.0" in said, said
    for wrong in ["ab", 1, ()]:
        try:
            probe.probe_capsule(wrong)
        except (TypeError, IndexError):
            pass
        else:
            raise AssertionError(f"accepted: {wrong!r}")


def every_reference_is_given_back() -> None:
    store = Store()

    def thousand_times() -> tuple[int, int, int]:
        for _ in range(1000):
            probe.probe_round_trip(probe.probe_capsule(None))
            probe.probe_round_trip(store)
            for bad in [5, Store]:
                refused(TypeError, of=bad)
        gc.collect()
        return probe.probe_live(), sys.getrefcount(store), sys.getrefcount(Store)

    # The first time, Python itself makes some references that it keeps.
    thousand_times()
    assert thousand_times() == thousand_times()


def what_is_kept_outlives_the_capsule() -> None:
    store = Store()
    probe.probe_keep(store)
    del store
    gc.collect()
    assert probe.probe_use_kept() == b"ok"


def a_forked_child_is_refused_at_once_and_the_parent_goes_on() -> None:
    probe.probe_keep(Store())
    child = os.fork()
    if child == 0:
        try:
            said = probe.probe_use_kept().decode()
            assert "of probe 1.2.3 belongs to the process that this one was forked from" in said, said
            refused(RuntimeError, "consumer 4.5.6", "probe 1.2.3", "forked", of=Store())
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(42)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
    assert probe.probe_use_kept() == b"ok"


for name, test in list(globals().items()):
    if "_" in name and callable(test) and getattr(test, "__module__", "") == "__main__":
        test()
        print(name)
