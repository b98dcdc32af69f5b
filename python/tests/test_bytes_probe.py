"""An extension module of somebody else: buffers that Rust keeps and drops on any thread, and a class `Bytes` of its own."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import bytes_probe_built
import children
import longshore


@pytest.fixture(scope="module")
def library() -> Path:
    return bytes_probe_built.library()


@pytest.fixture(scope="module")
def probe(library: Path) -> Any:
    return bytes_probe_built.load(library)


def is_locked(source: bytearray) -> bool:
    try:
        source.append(0)
        source.pop()
    except BufferError:
        return True
    return False


def is_released(view: memoryview) -> bool:
    """Whether `view` was given back as often as it was lent. CPython counts, and complains when that was too often."""
    try:
        view.release()
    except BufferError:
        return False
    return True


class Array(np.ndarray):
    """Runs Python code at its end, which is where a release may come to."""

    ended_on: ClassVar[list[threading.Thread]] = []

    def __del__(self) -> None:
        self.ended_on.append(threading.current_thread())


class TestArguments:
    def test_rust_sees_the_memory_of_python(self, probe: Any) -> None:
        numbers = np.arange(6, dtype=np.float32).reshape(2, 3)
        assert probe.memory(numbers) == (numbers.ctypes.data, 24)
        assert probe.memory(longshore.Bytes(numbers)) == (numbers.ctypes.data, 24)

    def test_what_is_no_buffer_is_refused(self, probe: Any) -> None:
        with pytest.raises(TypeError, match="encode the text"):
            probe.memory("text")
        with pytest.raises(BufferError, match="ascontiguousarray"):
            probe.memory(np.arange(4)[::2])

    def test_a_message_in_rust_is_bounded(self, probe: Any) -> None:
        assert probe.debug(b"ab") == 'PyBytes(b"ab")'
        assert len(probe.debug(bytes(1 << 20))) < 200


class TestLettingGo:
    def test_the_last_clone_gives_the_buffer_back(self, probe: Any) -> None:
        source = bytearray(b"abcd")
        probe.keep(source)
        gc.collect()
        assert is_locked(source)
        probe.let_go()
        assert not is_locked(source)

    @pytest.mark.parametrize(
        "drop",
        ["memory", "echo", "drop_detached", "drop_on_a_thread_and_wait_attached", "drop_later", "drop_one_by_one"],
    )
    def test_a_buffer_is_given_back_exactly_once(self, probe: Any, drop: str) -> None:
        view = memoryview(b"abcd")
        others: dict[str, list[Any]] = {"drop_later": [view, 1], "drop_one_by_one": [[view, view, view]]}
        arguments = others.get(drop, [view])
        getattr(probe, drop)(*arguments)
        deadline = time.monotonic() + 10
        while not is_released(view):
            assert time.monotonic() < deadline, "the buffer was not given back"
            time.sleep(0.001)

    def test_python_code_at_the_end_of_the_memory_runs_attached(self, probe: Any) -> None:
        Array.ended_on.clear()
        probe.keep(np.zeros(64, np.uint8).view(Array))
        assert Array.ended_on == []
        probe.let_go()
        probe.drop_later(np.zeros(64, np.uint8).view(Array), 10)
        deadline = time.monotonic() + 10
        while len(Array.ended_on) < 2:
            assert time.monotonic() < deadline, "the memory was not given back"
            time.sleep(0.001)
        assert Array.ended_on == [threading.main_thread()] * 2

    def test_a_detached_thread_gives_it_back_when_it_returns(self, probe: Any) -> None:
        source = bytearray(b"abcd")
        probe.drop_detached(source)
        assert not is_locked(source)

    def test_dropping_never_waits_for_the_interpreter(self, probe: Any) -> None:
        # A drop that needed to attach would wait for this thread, which waits for it.
        source = bytearray(b"abcd")
        assert probe.drop_on_a_thread_and_wait_attached(source)
        probe.debug(b"")  # any use of the module
        assert not is_locked(source)

    def test_what_a_foreign_thread_drops_is_given_back_without_any_use_of_the_module(self, probe: Any) -> None:
        source = bytearray(b"abcd")
        probe.drop_later(source, 50)
        assert is_locked(source)
        deadline = time.monotonic() + 10
        while is_locked(source):
            assert time.monotonic() < deadline, "the buffer was not given back"
            time.sleep(0.001)  # before 3.13 CPython looks for pending calls when the main thread has waited
        assert not is_locked(source)

    def test_many_threads_give_back_everything(self, probe: Any) -> None:
        sources = [bytearray(16) for _ in range(400)]

        def work(mine: list[bytearray]) -> None:
            for index, source in enumerate(mine):
                (probe.drop_detached, probe.drop_on_a_thread_and_wait_attached, probe.memory)[index % 3](source)
                probe.drop_later(source, index % 3)

        threads = [threading.Thread(target=work, args=(sources[start::4],)) for start in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        deadline = time.monotonic() + 10
        while left := sum(map(is_locked, sources)):
            assert time.monotonic() < deadline, f"{left} buffers were not given back"
            time.sleep(0.001)

    @pytest.mark.parametrize("program", ["let_go_after_the_interpreter", "drop_while_the_interpreter_ends"])
    def test_the_end_of_the_interpreter_is_no_end_of_the_program(self, library: Path, program: str) -> None:
        for _ in range(5):
            ended = children.run("bytes_programs", program, str(library))
            printed = ended.check()
            if program == "let_go_after_the_interpreter":
                assert printed == "the interpreter ends\nlet go of 2 after the end\n"

    def test_a_forked_child_lets_go_too(self, library: Path) -> None:
        # From 3.12 on CPython warns of every fork beside threads.
        flags = ("-W", "ignore::DeprecationWarning")
        ended = children.run("bytes_programs", "let_go_in_a_child", str(library), flags=flags)
        assert ended.check() == "the child ended well\n"


class TestItsClass:
    def test_it_is_a_class_of_its_own(self, probe: Any) -> None:
        value = probe.return_bytes()
        assert type(value) is probe.Bytes
        assert probe.Bytes is not longshore.Bytes
        assert value == b"hello"
        assert repr(value) == "Bytes(b'hello')"

    def test_two_such_classes_share_memory_and_are_equal(self, probe: Any) -> None:
        ours = longshore.Bytes(bytearray(b"abcd"))
        theirs = probe.echo(ours)
        assert type(theirs) is probe.Bytes
        assert probe.memory(theirs) == probe.memory(ours)
        assert ours == theirs
        assert hash(ours) == hash(theirs)
        assert ours + theirs == b"abcdabcd"
        assert ours.find(theirs) == 0

    def test_it_pickles_as_its_own(self, probe: Any) -> None:
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            back = pickle.loads(pickle.dumps(probe.return_bytes(), protocol))
            assert type(back) is probe.Bytes
            assert back == b"hello"

    def test_without_a_module_it_says_why_it_cannot_be_pickled(self, probe: Any) -> None:
        value = probe.return_bytes()
        probe.Bytes.__module__ = "builtins"
        try:
            with pytest.raises(TypeError, match="longshore_bytes::register"):
                pickle.dumps(value)
            assert copy.deepcopy(value) == value
        finally:
            probe.Bytes.__module__ = "bytes_probe"
