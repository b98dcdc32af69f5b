"""Bytes in and out, copies and deletes: what a file system of fsspec does with objects, as requests of :mod:`longshore.obs`."""

# pyright: basic
from __future__ import annotations

import asyncio
import contextlib
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from glob import has_magic
from pathlib import Path
from typing import IO, Any

from fsspec.asyn import _run_coros_in_chunks, sync  # type: ignore[import-untyped]
from fsspec.callbacks import DEFAULT_CALLBACK  # type: ignore[import-untyped]
from fsspec.utils import isfilelike  # type: ignore[import-untyped]

from longshore import obs
from longshore.exceptions import ArgumentTypeError, InvalidArgumentError, InvalidPathError
from longshore.fsspec._deleting import Deleting
from longshore.fsspec._landing import CHUNK, into_file, pour

__all__ = ["Transfer"]

_moving: ContextVar[tuple[list[str], list[str]] | None] = ContextVar("_moving", default=None)
"""The objects and the folders that a move has copied so far."""


class Transfer(Deleting):
    """The operations of fsspec on objects. What changes objects forgets the listings that they are in."""

    # Reading

    async def _cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """Reads an object, or a part of it: the bytes that ``data[start:end]`` has, negative positions included."""
        bucket, key = self._split_path(path)
        store = self._construct_store(bucket)
        if (start is not None and start < 0 and end is not None) or (end is not None and end < 0):
            size = (await obs.head_async(store, key))["size"]
            start, end, _step = slice(start, end).indices(size)
        if end is not None and (start or 0) >= end:
            return b""
        wanted: Any = None
        if start is not None and start < 0:
            wanted = {"suffix": -start}
        elif end is not None:
            wanted = (start or 0, end)
        elif start:
            wanted = {"offset": start}
        if wanted is None:
            return _plain(await (await obs.get_async(store, key)).bytes_async())
        try:
            return _plain(await (await obs.get_async(store, key, options={"range": wanted})).bytes_async())
        except FileNotFoundError:
            raise
        except Exception:
            # Servers refuse a range that begins behind the end, or one of an empty object. Slices are empty there.
            size = (await obs.head_async(store, key))["size"]
            if size == 0 or (start or 0) >= size:
                return b""
            raise

    async def _cat(
        self,
        path: str | list[str],
        recursive: bool = False,
        on_error: str = "raise",
        batch_size: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Reads objects: one, as bytes; or those of a list, a pattern or a folder, as a dict by path."""
        if isinstance(path, list) or recursive or has_magic(self._paths.strip(path)):
            paths = await self._files(path, recursive)
        else:
            return await self._cat_file(path, **kwargs)
        found: Any = await _run_coros_in_chunks(
            [self._cat_file(each, **kwargs) for each in paths],
            batch_size=batch_size or self.batch_size,
            nofiles=True,
            return_exceptions=True,
        )
        failed = next((each for each in found if isinstance(each, BaseException)), None)
        if failed is not None and on_error == "raise":
            raise failed
        return {
            name: data
            for name, data in zip(paths, found, strict=True)
            if on_error != "omit" or not isinstance(data, BaseException)
        }

    async def _files(self, path: str | list[str], recursive: bool, maxdepth: int | None = None) -> list[str]:
        """The objects that are meant, without a request for each: folders are known by the listing that finds them."""
        found: dict[str, None] = {}
        for each in self._paths.strip([path] if isinstance(path, str) else list(path)):
            if has_magic(each):
                matches: Any = await self._glob(each, detail=True)
                found.update((name, None) for name, entry in matches.items() if entry["type"] == "file")
                roots = [name for name, entry in matches.items() if entry["type"] == "directory"]
            else:
                roots = [each]
            if recursive:
                for root in roots:
                    found.update((name, None) for name in await self._find(root, maxdepth=maxdepth))
            elif not has_magic(each):
                found[each] = None
        if not found:
            raise self._missing("find", str(path))
        return sorted(found)

    async def _cat_ranges(
        self,
        paths: list[str],
        starts: int | Sequence[int | None] | None,
        ends: int | Sequence[int | None] | None,
        max_gap: int | None = None,
        batch_size: int | None = None,
        on_error: str = "return",
        **_: Any,
    ) -> list[bytes]:
        """Reads a range of each path. Ranges of one object that are near each other are one request.

        Parameters
        ----------
        paths
            The paths; one can be there several times.
        starts, ends
            As in ``data[start:end]``: one for each path, or one for all.
        max_gap
            How far apart ranges are read together: bytes between them are read and dropped.
        batch_size
            How many objects are read at the same time.
        on_error
            ``"return"`` puts an exception in the place of a range that cannot be read; anything else raises it.

        Raises
        ------
        ValueError
            There are not as many starts and ends as paths.
        """
        if not isinstance(paths, list):
            raise ArgumentTypeError(f"paths must be a list, not {type(paths).__name__}")
        first = _each(starts, len(paths), "starts")
        last = _each(ends, len(paths), "ends")
        per_path: dict[str, list[int]] = defaultdict(list)
        for index, path in enumerate(paths):
            per_path[path].append(index)
        parts: Any = await _run_coros_in_chunks(
            [
                self._ranges(path, [first[each] for each in indices], [last[each] for each in indices], max_gap)
                for path, indices in per_path.items()
            ],
            batch_size=batch_size or self.batch_size,
            nofiles=True,
        )
        out: list[Any] = [b""] * len(paths)
        for indices, part in zip(per_path.values(), parts, strict=True):
            for index, data in zip(indices, part, strict=True):
                if isinstance(data, BaseException) and on_error != "return":
                    raise data
                out[index] = data
        return out

    async def _ranges(
        self, path: str, starts: list[int | None], ends: list[int | None], max_gap: int | None
    ) -> list[bytes | BaseException]:
        bucket, key = self._split_path(path)
        plain = [
            (start, end)
            for start, end in zip(starts, ends, strict=True)
            if start is not None and end is not None and 0 <= start < end
        ]
        if len(plain) == len(starts) > 1:
            first, last = zip(*plain, strict=True)
            options: Any = {} if max_gap is None else {"coalesce": max_gap}
            # A range behind the end fails all of them; one by one they get what they can.
            with contextlib.suppress(Exception):
                store = self._construct_store(bucket)
                found = await obs.get_ranges_async(store, key, starts=first, ends=last, **options)
                return [_plain(each) for each in found]
        single = [self._cat_file(path, start=start, end=end) for start, end in zip(starts, ends, strict=True)]
        return list(await asyncio.gather(*single, return_exceptions=True))

    async def _get_file(
        self, rpath: str, lpath: Any, callback: Any = DEFAULT_CALLBACK, outfile: Any = None, **_: Any
    ) -> None:
        """Writes an object into a local file, which has all of it or stays as it was."""
        if outfile is None and isfilelike(lpath):
            lpath, outfile = None, lpath
        if outfile is None and os.path.isdir(lpath):
            if await self._isdir(rpath):
                return
            raise IsADirectoryError(f"get {self.unstrip_protocol(rpath)}: {lpath} is a folder; name a file in it")
        bucket, key = self._split_path(rpath)
        try:
            if self._is_local and os.path.isdir(self._paths.strip(rpath)):
                raise self._missing("get", rpath)
            result = await obs.get_async(self._construct_store(bucket), key)
        except FileNotFoundError:
            if outfile is None and await self._isdir(rpath):
                os.makedirs(lpath, exist_ok=True)
                return
            raise
        callback.set_size(result.meta["size"])
        if outfile is not None:
            await pour(result, outfile, callback)
            return
        os.makedirs(os.path.dirname(os.path.abspath(lpath)), exist_ok=True)
        await into_file(result, lpath, callback)

    # Writing

    async def _pipe_file(self, path: str, value: Any, mode: str = "overwrite", **options: Any) -> None:
        """Makes an object of bytes.

        Parameters
        ----------
        path
            The path.
        value
            Anything with a buffer.
        mode
            ``"create"`` fails where there is such an object already.
        **options
            ``attributes``, ``tags`` and the others of :func:`longshore.obs.put`.
        """
        await self._put_body(path, value, mode, options)

    async def _put_file(
        self, lpath: Any, rpath: str, callback: Any = DEFAULT_CALLBACK, mode: str = "overwrite", **options: Any
    ) -> None:
        """Makes an object of a local file. The arguments are those of ``pipe_file``."""
        if os.path.isdir(lpath):
            await self._makedirs(rpath, exist_ok=True)
            return
        size = os.path.getsize(lpath)
        callback.set_size(size)
        if callback is DEFAULT_CALLBACK:
            await self._put_body(rpath, Path(lpath), mode, options)
            return
        with open(lpath, "rb") as file:
            await self._put_body(rpath, _told(file, callback), mode, options)

    async def _put_body(self, path: str, body: Any, mode: str, options: dict[str, Any]) -> None:
        if mode not in ("overwrite", "create"):
            raise InvalidArgumentError(f"mode must be 'overwrite' or 'create', not {mode!r}")
        bucket, key = self._split_path(path)
        await obs.put_async(
            self._construct_store(bucket), key, body, mode="create" if mode == "create" else "overwrite", **options
        )
        self._changed([path])

    async def _cp_file(self, path1: str, path2: str, **_: Any) -> None:
        """Copies an object: inside a bucket by its server, between buckets through this process."""
        source, key = self._split_path(path1)
        target, new = self._split_path(path2)
        moved, folders = _moving.get() or ([], [])
        if _moving.get() and (source, key.rstrip("/")) == (target, new.rstrip("/")):
            # It stays where it is, and must not be deleted there.
            return
        if self._is_local and os.path.isdir(self._paths.strip(path1)):
            await self._makedirs(path2, exist_ok=True)
            folders.append(path1)
            return
        try:
            if source == target:
                await obs.copy_async(self._construct_store(source), key, new)
            else:
                found = await obs.get_async(self._construct_store(source), key)
                await obs.put_async(
                    self._construct_store(target), new, found.stream(CHUNK), attributes=dict(found.attributes)
                )
        except FileNotFoundError:
            if not await self._isdir(path1):
                raise
            # A folder among what is copied: its objects come by themselves.
            await self._makedirs(path2, exist_ok=True)
            folders.append(path1)
        else:
            moved.append(path1)
        self._changed([path2])

    def mv(self, path1: Any, path2: Any, recursive: bool = False, maxdepth: int | None = None, **_: Any) -> None:
        """Moves objects: copies them, and deletes what was copied elsewhere when all of it was."""
        sync(self.loop, self._mv, path1, path2, recursive=recursive, maxdepth=maxdepth)

    async def _mv(self, path1: Any, path2: Any, recursive: bool = False, maxdepth: int | None = None, **_: Any) -> None:
        if recursive and isinstance(path1, str) and isinstance(path2, str):
            source, target = (self._paths.strip(path).rstrip("/") for path in (path1, path2))
            if target.startswith(f"{source}/"):
                raise InvalidArgumentError(f"mv: {path2!r} is inside {path1!r}, which cannot be moved into itself")
        moved: list[str] = []
        folders: list[str] = []
        state = _moving.set((moved, folders))
        try:
            await self._copy(path1, path2, recursive=recursive, maxdepth=maxdepth, on_error="raise")
        finally:
            _moving.reset(state)
        if moved:
            await self._delete(moved)
        for folder in sorted(self._paths.strip(folders), reverse=True):
            if self._is_local:
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
            else:
                # Some programs mark a folder by a key that ends in a slash. Some stores have no such keys.
                with contextlib.suppress(FileNotFoundError, InvalidPathError):
                    await self._delete([f"{folder}/"])

    async def _mv_file(self, path1: str, path2: str, **_: Any) -> None:
        """Renames an object."""
        source, key = self._split_path(path1)
        target, new = self._split_path(path2)
        if (source, key) == (target, new):
            return
        if source == target:
            await obs.rename_async(self._construct_store(source), key, new)
            self._changed([path1, path2])
        else:
            await self._cp_file(path1, path2)
            await self._rm_file(path1)


def _told(file: IO[bytes], callback: Any) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk
        callback.relative_update(len(chunk))


def _each(value: Any, count: int, name: str) -> list[int | None]:
    if value is None or isinstance(value, int):
        return [value] * count
    values = list(value)
    if len(values) != count:
        raise InvalidArgumentError(f"there are {len(values)} {name} for {count} paths")
    return values


def _plain(data: Any) -> bytes:
    return data if type(data) is bytes else bytes(data)
