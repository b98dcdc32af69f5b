"""An object as a local file: what is there of that name keeps what it is, and has all of the object or none of it."""

# pyright: basic
from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import stat
from typing import Any

__all__ = ["CHUNK", "into_file", "pour"]

CHUNK = 4 << 20


async def into_file(result: Any, path: Any, callback: Any) -> None:
    """Puts an object where a path leads: through links, into what is no regular file, and with the mode of what is there."""
    try:
        there = os.stat(path)
    except FileNotFoundError:
        there = None
    if there is not None and not stat.S_ISREG(there.st_mode):
        # A pipe has no half, and a device must stay one. Whoever is at the other end may need the loop, so it is not held up.
        with await asyncio.to_thread(open, path, "wb", buffering=0) as file:
            async for chunk in result.stream(CHUNK):
                await asyncio.to_thread(_write_all, file, chunk)
                callback.relative_update(len(chunk))
        return
    target = os.path.realpath(path)
    # A name of its own, because one made of the target's can be longer than names may be.
    half = os.path.join(os.path.dirname(target), f".{secrets.token_hex(8)}.part")
    mode = 0o666 if there is None else stat.S_IMODE(there.st_mode)
    try:
        # Who may not read what is replaced must not read the new content either, not even while it comes.
        with open(half, "xb", opener=lambda name, flags: os.open(name, flags, mode & 0o700 if there else mode)) as file:
            await pour(result, file, callback)
        if there is not None:
            _belong(half, there)
        os.replace(half, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(half)
        raise


def _belong(path: str, other: os.stat_result) -> None:
    """Gives a file the owner, as far as this process may, and the mode of another."""
    if hasattr(os, "chown"):
        with contextlib.suppress(PermissionError):
            os.chown(path, other.st_uid, other.st_gid)
    os.chmod(path, stat.S_IMODE(other.st_mode))


def _write_all(file: Any, data: Any) -> None:
    view = memoryview(data)
    while len(view):
        view = view[file.write(view) :]


async def pour(result: Any, file: Any, callback: Any) -> None:
    async for chunk in result.stream(CHUNK):
        file.write(chunk)
        callback.relative_update(len(chunk))
