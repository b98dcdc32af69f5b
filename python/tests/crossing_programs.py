"""Programs in which an extension module of somebody else uses longshore's live stores; see `test_crossing.py`."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import sys
import threading
import time
from typing import Any

import longshore
from children import main
from fork_programs import fork, reap


def say(text: object) -> None:
    print(text, flush=True)


def the_module() -> Any:
    """`harbour`, of which type checkers know only where it is installed."""
    return importlib.import_module("harbour")


def store_of(options: str) -> longshore.S3Store:
    """A store of the bucket `cargo` on the server that `options` describe."""
    return longshore.S3Store("cargo", **json.loads(options))


def fork_it(options: str) -> None:
    """Uses a store in this process, in children of it, and here again; children are refused what their parent was given."""
    harbour = the_module()
    store = store_of(options)
    kept = harbour.live(store)
    check(store)
    assert harbour.read(kept, "a") == b"abc"

    def child() -> None:
        began = time.monotonic()
        try:
            harbour.read(kept, "a")
        except harbour.exceptions.BaseError:
            assert time.monotonic() - began < 2
            say("refused")
        check(store)
        assert harbour.read(harbour.live(store), "a") == b"abc"

    for _ in range(3):
        reap(fork(child))
    check(store)
    assert harbour.read(kept, "a") == b"abc"
    say("all read")


def check(store: Any) -> None:
    harbour = the_module()
    assert harbour.total_size(store) == (1, 3)
    assert bytes(store.get("a").bytes()) == b"abc"


def end_early(options: str) -> None:
    """Ends while threads of its wait for a server that does not answer, by way of another module."""
    harbour = the_module()
    store = store_of(options)

    def wait(request: Any) -> None:
        # They are told, if there is still time for it.
        with contextlib.suppress(harbour.exceptions.BaseError):
            request(store)

    for request in (harbour.total_size, harbour.manifest):
        threading.Thread(target=wait, args=(request,), daemon=True).start()
    time.sleep(0.5)
    say("ending")


def end_amid_python() -> None:
    """Ends while a store that is written in Python, and asked by the other module, does not answer."""
    harbour = the_module()

    class Stuck:
        def get(self, path: str, *, options: object = None) -> bytes:
            time.sleep(3600)
            return b""

        async def head(self, path: str) -> Any:
            await asyncio.sleep(3600)

    store = longshore.export_store(Stuck())
    live = harbour.live(store)

    def wait() -> None:
        with contextlib.suppress(harbour.exceptions.BaseError):
            harbour.read(live, "a")

    for _ in range(3):
        threading.Thread(target=wait, daemon=True).start()
        threading.Thread(target=lambda: store.head("a"), daemon=True).start()
    time.sleep(0.5)
    say("ending")


if __name__ == "__main__":
    sys.setswitchinterval(0.001)
    main(globals())
