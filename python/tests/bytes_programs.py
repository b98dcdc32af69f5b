"""Programs about the end of the interpreter, for `test_bytes_probe`. Each is given the path of the extension module."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import bytes_probe_built
import children


def load(path: str) -> Any:
    return bytes_probe_built.load(Path(path))


def let_go_after_the_interpreter(path: str) -> None:
    probe = load(path)
    probe.keep(bytearray(b"abcd"))
    assert probe.let_go_at_the_end()
    print("the interpreter ends", flush=True)


def drop_while_the_interpreter_ends(path: str) -> None:
    """Foreign threads drop hundreds of buffers, of which only a few can be given back."""
    probe = load(path)
    for _ in range(4):
        probe.drop_one_by_one([bytearray(16) for _ in range(2000)])
    time.sleep(0.01)


def let_go_in_a_child(path: str) -> None:
    probe = load(path)
    source = bytearray(b"abcd")
    probe.keep(source)
    probe.drop_one_by_one([bytearray(16) for _ in range(2000)])
    child = os.fork()
    if child == 0:
        probe.let_go()
        source.append(0)
        probe.drop_on_a_thread_and_wait_attached(bytearray(b"abcd"))
        threading.Thread(target=lambda: probe.drop_detached(bytearray(b"abcd"))).start()
        sys.exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"the child ended with {status}"
    print("the child ended well")


if __name__ == "__main__":
    children.main(globals())
