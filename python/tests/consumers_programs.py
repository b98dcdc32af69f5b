"""Programs with the modules of `examples/consumers`. They exit with 0 where all went well, and otherwise say what did not."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import consumers_built
import longshore
from children import main
from consumers_built import Consumer, everybody
from fork_programs import fork, reap


def attached(folder: str) -> None:
    """The main thread holds on to the interpreter while operations of each module complete, which are all waited for."""
    # No other thread of Python gets a turn, either.
    sys.setswitchinterval(1000)
    for store in (consumers_built.exporter().Folder(folder), consumers_built.exporter().Memory()):
        for module in everybody():
            module.put(store, "a", b"x" * 1000)
            assert module.gather(store, "a", 64, True) == 64_000, module.__name__
            assert module.gather(store, "a", 64, False) == 64_000, module.__name__


def forked(folder: str) -> None:
    """A child is told at once that what its parent kept is not its own, and works with what it asks for again."""
    store = consumers_built.exporter().Folder(folder)
    capsule = store.__object_store_capsule__()
    for module in everybody():
        module.put(store, module.__name__, b"of the parent")
        module.keep(store)

    def child() -> None:
        for module in everybody():
            _is_refused(module, capsule)
        for module in everybody():
            assert module.get(store, module.__name__)[0] == b"of the parent"
            module.keep(store)
            assert module.get_kept(module.__name__) == b"of the parent"
            module.put(store, f"{module.__name__}-of-a-child", b"", create=True)
        reap(fork(grandchild))

    def grandchild() -> None:
        for module in everybody():
            _is_refused(module, capsule)
            assert module.get(store, module.__name__)[0] == b"of the parent"

    for _ in range(3):
        reap(fork(child))
        for module in everybody():
            assert module.get_kept(module.__name__) == b"of the parent"
            os.unlink(os.path.join(folder, f"{module.__name__}-of-a-child"))


def _is_refused(module: Consumer, capsule: Any) -> None:
    began = time.monotonic()
    for said in (_refusal(lambda: module.get_kept("a")), _refusal(lambda: module.get(capsule, "a"))):
        assert re.search(r"consumers\.exporter 0\.1\.0.*forked", said), said
    assert time.monotonic() - began < 5, module.__name__


def _refusal(work: Callable[[], object]) -> str:
    """What the refusal says."""
    try:
        found = work()
    except RuntimeError as error:
        return str(error)
    raise AssertionError(f"this works, and should not: {found!r}")


def memory_forked() -> None:
    store = consumers_built.exporter().Memory()
    consumers_built.consumer("c").put(store, "a", b"content")

    def child() -> None:
        for module in everybody():
            assert "its own process" in _refusal(functools.partial(module.get, store, "a"))

    reap(fork(child))
    assert consumers_built.consumer("c").get(store, "a")[0] == b"content"


def ends_with_requests_in_flight(folder: str, way: str) -> None:
    """Every module waits for something that never comes when the program ends. Each is told before."""
    told: list[str] = []
    # The last registered runs first: this one after the exporter's.
    atexit.register(lambda: _say_who_was_told(told))
    store = consumers_built.exporter().Folder(folder)
    os.mkfifo(os.path.join(folder, "never"))
    _wait_in_threads(store, "never", told)
    if way == "error":
        sys.exit(3)


def ends_amid_calls(name: str) -> None:
    """The program ends while threads that do not keep it from that call the module over and over."""
    module, store = consumers_built.consumer(name), consumers_built.exporter().Memory()
    module.put(store, "a", b"x" * 100)

    def calls() -> None:
        while True:
            with contextlib.suppress(RuntimeError):
                module.gather(store, "a", 8, False)

    for _ in range(8):
        threading.Thread(target=calls, daemon=True).start()
    time.sleep(0.2)


def _wait_in_threads(store: Any, path: str, told: list[str]) -> None:
    """Every module waits for `path`, in a thread that does not keep the program from ending."""
    begun = threading.Barrier(len(everybody()) + 1)

    def waits(module: Consumer) -> None:
        begun.wait(20)
        try:
            module.gather(store, path, 8, False)
        except RuntimeError:
            told.append(module.__name__)

    for module in everybody():
        threading.Thread(target=waits, args=[module], daemon=True).start()
    begun.wait(20)
    time.sleep(0.3)


def _say_who_was_told(told: list[str]) -> None:
    deadline = time.monotonic() + 5
    while len(told) < len(everybody()) and time.monotonic() < deadline:
        time.sleep(0.005)
    print(len(told), "were told")


def attached_to_server() -> None:
    """As `attached`, with longshore's store of a server."""
    sys.setswitchinterval(1000)
    store = longshore.store_for("s3://bucket")
    for module in everybody():
        module.put(store, "attached", b"x" * 1000)
        assert module.gather(store, "attached", 64, True) == 64_000, module.__name__


def forked_from_server() -> None:
    """As `forked`, with longshore's store of a server."""
    store = longshore.store_for("s3://bucket")
    for module in everybody():
        module.put(store, "forked", b"of the parent")
        module.keep(store)

    def child() -> None:
        for module in everybody():
            assert re.search("longshore.*forked", _refusal(functools.partial(module.get_kept, "forked")))
            assert module.get(store, "forked")[0] == b"of the parent"
            module.keep(store)
            assert module.get_kept("forked") == b"of the parent"

    for _ in range(2):
        reap(fork(child))
        for module in everybody():
            assert module.get_kept("forked") == b"of the parent"


def ends_while_a_server_is_silent() -> None:
    """As `ends_with_requests_in_flight`, with longshore's store of a server that does not answer."""
    told: list[str] = []
    # The last registered runs first: this one after longshore's.
    atexit.register(lambda: _say_who_was_told(told))
    _wait_in_threads(longshore.store_for("s3://bucket"), "a", told)


def uses_at_exit(folder: str) -> None:
    """A store is asked for something after its exporter has shut down, and says so."""

    def late() -> None:
        for module in everybody():
            assert "shut down" in _refusal(functools.partial(module.get_kept, "a"))
        print("all of them say so")

    # The last registered runs first: this one after the exporter's.
    atexit.register(late)
    store = consumers_built.exporter().Folder(folder)
    for module in everybody():
        module.put(store, "a", b"content")
        module.keep(store)


def stays_flat() -> None:
    """Every function, and every error, over and over: what is handed over is given back."""
    for module in everybody():
        store, content = consumers_built.exporter().Memory(), bytes(20_000)

        def work(module: Consumer = module, store: Any = store, content: bytes = content) -> None:
            module.put(store, "a", content)
            module.put(store, "a", content)
            module.upload(store, "b", [content, content])
            module.get(store, "a")
            module.get_ranges(store, "a", [(0, 9_000), (9_000, 20_000)])
            module.stream_length(store, "b")
            module.gather(store, "a", 3, True)
            module.list_objects(store, "")
            module.describe(store)
            module.keep(store)
            module.get_kept("a")
            with contextlib.suppress(FileExistsError):
                module.put(store, "a", content, create=True)
            with contextlib.suppress(FileNotFoundError):
                module.gather(store, "none", 3, True)
            with contextlib.suppress(TypeError):
                module.get(store.__class__, "a")

        for _ in range(100):
            work()
        before = _resident()
        for _ in range(400):
            work()
        grown = _resident() - before
        # One buffer a round would be 8 MB.
        assert grown < 4 << 20, f"{module.__name__}: {grown} bytes more"


def _resident() -> int:
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main(globals())
