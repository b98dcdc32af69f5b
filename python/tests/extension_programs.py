"""Programs that use an extension module of somebody else; see `examples/extension`."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from children import main
from fork_programs import fork, reap


def say(text: object) -> None:
    print(text, flush=True)


def the_module() -> Any:
    """`harbour`, of which type checkers know only where it is installed."""
    return importlib.import_module("harbour")


def store_of(options: str) -> Any:
    """A store of the bucket `cargo` on the server that `options` describe."""
    return the_module().store.S3Store("cargo", **json.loads(options))


def import_it() -> None:
    """Importing starts nothing: no thread, no connection."""
    harbour = the_module()
    harbour.store.S3Store("cargo", region="eu-north-1")
    tasks = Path("/proc/self/task")
    say(len(list(tasks.iterdir())) if tasks.exists() else threading.active_count())


def warn(folder: str) -> None:
    """Says each warning about stores of obstore, and one for a class derived from one of them."""
    harbour = the_module()
    obstore = importlib.import_module("obstore.store")

    class Derived(obstore.LocalStore):  # type: ignore[misc,name-defined]
        pass

    first = obstore.LocalStore(folder)
    for store in (first, first, obstore.LocalStore(folder), Derived(folder), Derived(folder)):
        with warnings.catch_warnings(record=True, action="always") as caught:
            harbour.total_size(store)
        say(json.dumps([str(one.message) for one in caught]))


def fork_it(options: str) -> None:
    """Uses one store in this process, in children of it, and here again; also while a request is under way."""
    harbour = the_module()
    store = store_of(options)
    assert harbour.read(store, "a") == b"abc"
    for _ in range(3):
        reap(fork(lambda: check(store)))
    busy = [threading.Thread(target=check, args=(store, 20), daemon=True) for _ in range(3)]
    for thread in busy:
        thread.start()
    for _ in range(5):
        reap(fork(lambda: check(store)))
    for thread in busy:
        thread.join(20)
        assert not thread.is_alive()
    say("all read")


def check(store: Any, times: int = 1) -> None:
    harbour = the_module()
    for _ in range(times):
        assert harbour.read(store, "a") == b"abc"
        assert harbour.total_size(store) == (1, 3)


def interrupt(options: str) -> None:
    """Is interrupted while it waits for a server that does not answer; then goes on."""
    harbour = the_module()
    store = store_of(options)
    waits: list[Callable[[], object]] = [
        lambda: harbour.read(store, "a"),
        lambda: harbour.manifest(store),
        lambda: harbour.total_size(store),
    ]
    for wait in waits:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        try:
            wait()
        except KeyboardInterrupt:
            seconds = time.monotonic() - began
            say("interrupted" if 0.25 < seconds < 2 else f"interrupted after {seconds:.1f} s")
    say(harbour.crc32(b"abc"))


def end_early(options: str) -> None:
    """Ends while a thread of its waits for a server that does not answer."""
    harbour = the_module()
    store = store_of(options)
    for wait in (harbour.read, harbour.manifest):
        arguments = (store, "a") if wait is harbour.read else (store,)
        threading.Thread(target=wait, args=arguments, daemon=True).start()
    time.sleep(0.3)
    say("ending")


def let_others_run(options: str) -> None:
    """Counts how often another thread ran while this one waited for a slow answer."""
    harbour = the_module()
    store, turns, stop = store_of(options), [0], threading.Event()

    def count() -> None:
        while not stop.wait(0.001):
            turns[0] += 1

    counter = threading.Thread(target=count)
    counter.start()
    assert harbour.read(store, "a") == b"abc"
    stop.set()
    counter.join()
    say("others ran" if turns[0] > 20 else f"others ran {turns[0]} times")


if __name__ == "__main__":
    sys.setswitchinterval(0.001)
    main(globals())
