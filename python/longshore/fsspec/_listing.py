"""What is where: the folders that fsspec wants to see in the keys of a store, and a cache of them for who asks for one."""

# pyright: basic
from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING, Any

from fsspec.asyn import _run_coros_in_chunks  # type: ignore[import-untyped]

from longshore import Store, obs
from longshore.exceptions import NotFoundError
from longshore.fsspec._paths import Paths

if TYPE_CHECKING:
    from longshore.fsspec._bases import _AsyncFileSystem as AsyncFileSystem
else:
    from fsspec.asyn import AsyncFileSystem

__all__ = ["Entry", "Listing"]

Entry = dict[str, Any]
"""What ``info`` says of an object: ``name``, ``size``, ``type``, ``e_tag``, ``last_modified`` and ``version``. A folder has the
first three."""


class Listing(AsyncFileSystem):
    """A folder is what has keys below it. Keys that end in a slash, with which some programs mark folders, are folders too."""

    _paths: Paths

    def _split_path(self, path: Any) -> tuple[str, str]:
        """The bucket and the key of a path."""
        return self._paths.split(path)

    def _construct_store(self, bucket: str) -> Store:
        """The store of a bucket."""
        raise NotImplementedError

    @property
    def _is_local(self) -> bool:
        """Whether there are real folders, which can be empty."""
        return self._paths.protocol == "file"

    # One object or folder

    async def _info(self, path: str, refresh: bool = False, **_: Any) -> Entry:
        """Says what is at a path, with one request for an object and two for a folder.

        Parameters
        ----------
        path
            The path.
        refresh
            Asks the store also where a listing is cached.
        """
        path = self._paths.strip(path)
        bucket, key = self._split_path(path)
        known = None if refresh else self._known(path)
        if known is not None:
            return known
        if key and not (self._is_local and os.path.isdir(path)):
            try:
                return self._entry(bucket, await obs.head_async(self._construct_store(bucket), key))
            except FileNotFoundError:
                pass
            except PermissionError:
                # What some web servers say of folders.
                if not self._paths.is_web or not await self._is_folder(bucket, key):
                    raise
        if await self._is_folder(bucket, key):
            return _folder(self._paths.join(bucket, key))
        raise self._missing("info", path)

    async def _is_folder(self, bucket: str, key: str) -> bool:
        if self._is_local:
            return os.path.isdir(self._paths.join(bucket, key))
        if not key and not self._paths.has_buckets:
            return True
        try:
            async for chunk in obs.list(self._construct_store(bucket), key or None):
                if chunk:
                    return True
        except (FileNotFoundError, NotImplementedError):
            # There is no such bucket, or a web server that does not say what it has.
            return False
        return not key

    def _known(self, path: str) -> Entry | None:
        """What a cached listing says of a path. One of its folder without it says that it is not there."""
        if not self.dircache.use_listings_cache:
            return None
        try:
            found = self._ls_from_cache(path)
        except FileNotFoundError:
            raise self._missing("info", path) from None
        if found is None:
            return None
        return next((dict(each) for each in found if each["name"] == path), _folder(path))

    def _missing(self, operation: str, path: str) -> NotFoundError:
        uri = self.unstrip_protocol(path)
        return NotFoundError(f"{operation} {uri}: there is no such object or folder", uri=uri, operation=operation)

    def _entry(self, bucket: str, meta: Any) -> Entry:
        return {
            "name": self._paths.join(bucket, meta["path"]),
            "size": meta["size"],
            "type": "directory" if meta["path"].endswith("/") else "file",
            "e_tag": meta["e_tag"],
            "last_modified": meta["last_modified"],
            "version": meta["version"],
        }

    # One folder

    async def _ls(self, path: str, detail: bool = False, refresh: bool = False, **_: Any) -> list[Any]:
        """Lists a folder, or the object at that path.

        Parameters
        ----------
        path
            The path.
        detail
            Gives what ``info`` does of each, rather than names.
        refresh
            Asks the store also where the listing is cached.

        Raises
        ------
        FileNotFoundError
            There is nothing at or below that path.
        """
        path = self._paths.strip(path)
        entries: list[Entry] | None = None
        if self.dircache.use_listings_cache and not refresh:
            entries = self.dircache.get(path)
        if entries is None:
            entries = await self._entries(path)
        if not detail:
            return [each["name"] for each in entries]
        return [dict(each) for each in entries] if self.dircache.use_listings_cache else entries

    async def _entries(self, path: str) -> list[Entry]:
        bucket, key = self._split_path(path)
        store = self._construct_store(bucket)
        listing = await obs.list_with_delimiter_async(store, key or None)
        below = f"{key}/" if key else ""
        entries = [_folder(self._paths.join(bucket, prefix)) for prefix in listing["common_prefixes"]]
        entries += [self._entry(bucket, meta) for meta in listing["objects"] if meta["path"] not in (key, below)]
        entries.sort(key=lambda entry: str(entry["name"]))
        if not entries and not listing["objects"]:
            found = await self._info(path, refresh=True)
            if found["type"] == "file":
                return [found]
        self.dircache[path] = entries
        return entries

    async def _walk(
        self,
        path: str,
        maxdepth: int | None = None,
        topdown: bool = True,
        on_error: str | Callable[[OSError], Any] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[tuple[str, Any, Any]]:
        """Lists folder after folder, as ``os.walk`` does.

        A folder that is not there is empty, and any other error is raised. fsspec's own way, with which a listing can be too
        short without a word, is ``on_error="omit"``.
        """
        base: Any = super()
        handle = _unless_missing if on_error is None else on_error
        async for each in base._walk(path, maxdepth, topdown, handle, **kwargs):
            yield each

    # Everything below

    async def _find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,
        detail: bool = False,
        prefix: str = "",
        **_: Any,
    ) -> Any:
        """Finds everything below a path, with one listing; with `maxdepth`, one for each folder.

        Parameters
        ----------
        path
            Where to look. An object there is found itself.
        maxdepth
            How many levels; ``None`` is all.
        withdirs
            Finds folders too, and the one at the path itself.
        detail
            Gives a dict of what ``info`` says, rather than names.
        prefix
            How the names below `path` begin.
        """
        if maxdepth is not None and maxdepth < 1:
            raise ValueError(f"maxdepth must be at least 1, not {maxdepth}")
        path = self._paths.strip(path)
        if maxdepth is None and not (self._is_local and withdirs):
            found = await self._deep(path, prefix, withdirs)
        else:
            found = await self._levels(path, prefix, maxdepth)
        if not prefix and path != self._paths.root:
            if not found:
                # An object at the path itself, or an empty folder.
                with contextlib.suppress(FileNotFoundError):
                    found[path] = await self._info(path)
            elif withdirs:
                found[path] = _folder(path)
        names = sorted(name for name, entry in found.items() if withdirs or entry["type"] == "file")
        return {name: found[name] for name in names} if detail else names

    async def _deep(self, path: str, prefix: str, withdirs: bool) -> dict[str, Entry]:
        """All objects below, of one listing."""
        bucket, key = self._split_path(path)
        begin = f"{key}/{prefix}" if key else prefix
        found: dict[str, Entry] = {}
        try:
            async for chunk in obs.list(self._construct_store(bucket), begin or None, string_prefix=True):
                for meta in chunk:
                    entry = self._entry(bucket, meta)
                    found[entry["name"]] = entry
        except FileNotFoundError:
            return {}
        # A key that marks the folder itself.
        found.pop(path, None)
        if withdirs:
            for name in list(found):
                while (name := name.rpartition("/")[0]) and name not in found and len(name) > len(path):
                    found[name] = _folder(name)
        return found

    async def _levels(self, path: str, prefix: str, maxdepth: int | None) -> dict[str, Entry]:
        """What is in one folder after another."""
        found: dict[str, Entry] = {}
        folders = [path]
        begin = f"{path.rstrip('/')}/{prefix}" if path else prefix
        depth = 0
        while folders and (maxdepth is None or depth < maxdepth):
            depth += 1
            levels: Any = await _run_coros_in_chunks(
                [self._below(each) for each in folders], batch_size=self.batch_size
            )
            entries = {entry["name"]: entry for level in levels for entry in level if entry["name"].startswith(begin)}
            found.update(entries)
            folders = [name for name, entry in entries.items() if entry["type"] == "directory"]
        return found

    async def _below(self, path: str) -> list[Entry]:
        try:
            return [entry for entry in await self._ls(path, detail=True) if entry["name"] != path]
        except FileNotFoundError:
            return []

    async def _du(
        self, path: str, total: bool = True, maxdepth: int | None = None, withdirs: bool = False, **_: Any
    ) -> int | dict[str, int]:
        """Adds up sizes, from the listing alone; with ``total=False`` gives each."""
        found = await self._find(path, maxdepth=maxdepth, withdirs=withdirs, detail=True)
        sizes = {name: int(entry["size"]) for name, entry in found.items()}
        return sum(sizes.values()) if total else sizes

    # The cache

    def invalidate_cache(self, path: str | None = None) -> None:
        """Forgets listings: all of them, or those that an object or a folder at `path` could be in."""
        base: Any = super()
        base.invalidate_cache(path)
        if path is None:
            self.dircache.clear()
            return
        changed: str = self._paths.strip(path)
        for known in list(self.dircache):
            if known == changed or _holds(known, changed) or _holds(changed, known):
                self.dircache.pop(known, None)

    def _changed(self, paths: Iterable[str]) -> None:
        if self.dircache.use_listings_cache:
            for path in paths:
                self.invalidate_cache(path)


def _folder(name: str) -> Entry:
    return {"name": name, "size": 0, "type": "directory"}


def _holds(folder: str, path: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
