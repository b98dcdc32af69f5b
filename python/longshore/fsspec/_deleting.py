"""Deleting, of objects and of folders. Links are deleted, and not what they lead to."""

# pyright: basic
from __future__ import annotations

import asyncio
import os
import shutil
from collections import defaultdict
from collections.abc import Mapping
from glob import has_magic
from typing import Any

from longshore import obs
from longshore.exceptions import InvalidArgumentError
from longshore.fsspec._listing import Listing

__all__ = ["Deleting"]


class Deleting(Listing):
    """What deletes. What changes objects forgets the listings that they are in."""

    async def _rm_file(self, path: str, **_: Any) -> None:
        """Deletes an object."""
        await self._delete([path])

    async def _rm(
        self,
        path: str | list[str],
        recursive: bool = False,
        batch_size: int | None = None,
        maxdepth: int | None = None,
        **_: Any,
    ) -> None:
        """Deletes objects, as many in a request as the store takes.

        Parameters
        ----------
        path
            A path, a pattern, or a list of them.
        recursive
            Deletes what is below folders too.
        batch_size
            Not used.
        maxdepth
            How many levels deep.
        """
        given = [path] if isinstance(path, str) else list(path)
        if not recursive:
            await self._delete(await self._files(given, recursive=False) if given else [])
            return
        for each in self._paths.strip(given):
            if each == self._paths.root and self._is_local:
                raise InvalidArgumentError("rm('/', recursive=True) would delete everything on this machine")
        if self._is_local and maxdepth is None:
            await self._rm_trees(given)
            return
        if not self._is_local:
            await self._rm_keys(given, maxdepth)
            return
        await self._delete(
            [
                file
                for file in await self._below_all(given, maxdepth)
                if not _through_link(file, given, self._paths.strip)
            ]
        )

    async def _rm_keys(self, given: list[str], maxdepth: int | None) -> None:
        """Deletes what is at each path and below it: an object of that very name and the keys that mark folders too."""
        keys: dict[str, dict[str, None]] = defaultdict(dict)
        for each in self._paths.strip(given):
            roots: Any = {each: None}
            if has_magic(each):
                roots = {name: entry["type"] for name, entry in (await self._glob(each, detail=True)).items()}
                if not roots:
                    raise self._missing("rm", each)
            for root, kind in roots.items():
                bucket, key = self._split_path(root)
                found = await self._keys_below(bucket, key, maxdepth)
                if kind == "file" or (kind is None and await self._is_object(bucket, key, known=bool(found))):
                    found.append(key)
                if not found:
                    # It says so where there is nothing; a bucket may be empty.
                    await self._info(root, refresh=True)
                keys[bucket].update(dict.fromkeys(found))
        await self._delete_keys({bucket: list(some) for bucket, some in keys.items()})

    async def _keys_below(self, bucket: str, key: str, maxdepth: int | None) -> list[str]:
        below = f"{key}/" if key else ""
        keys: list[str] = []
        try:
            async for chunk in obs.list(self._construct_store(bucket), below or None, string_prefix=True):
                keys += [meta["path"] for meta in chunk]
        except FileNotFoundError:
            return []
        if maxdepth is None:
            return keys
        return [each for each in keys if each.removeprefix(below).rstrip("/").count("/") < maxdepth]

    async def _is_object(self, bucket: str, key: str, known: bool) -> bool:
        """Whether there is an object of that key, where it is `known` whether there are keys below it."""
        if not key or (known and self._paths.is_web):
            # What is a folder of a web server is no object.
            return False
        try:
            await obs.head_async(self._construct_store(bucket), key)
        except FileNotFoundError:
            return False
        return True

    async def _rm_trees(self, given: list[str]) -> None:
        """Deletes folders of this machine with all that is in them. Links are deleted, and not what they lead to."""
        for each in self._paths.strip(given):
            roots: list[str] = await self._glob(each) if has_magic(each) else [each]
            if not roots:
                raise self._missing("rm", each)
            for root in roots:
                if has_magic(each) and (not os.path.lexists(root) or _through_link(root, [each], self._paths.strip)):
                    continue
                if not os.path.lexists(root):
                    raise self._missing("rm", root)
                if os.path.isdir(root) and not os.path.islink(root):
                    await asyncio.to_thread(shutil.rmtree, root)
                else:
                    os.unlink(root)
            self._changed(roots)

    async def _below_all(self, given: list[str], maxdepth: int | None) -> list[str]:
        """The files at and below each path."""
        found: dict[str, None] = {}
        for each in self._paths.strip(given):
            roots: Any = await self._glob(each) if has_magic(each) else [each]
            below: dict[str, Any] = {}
            for root in roots:
                below |= await self._find(root, maxdepth=maxdepth, withdirs=True, detail=True)
            if not below:
                raise self._missing("rm", each)
            found.update((name, None) for name, entry in below.items() if entry["type"] == "file")
        return list(found)

    async def _delete(self, paths: list[str]) -> None:
        keys: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            bucket, key = self._split_path(path)
            if not key:
                raise InvalidArgumentError(
                    f"rm {self.unstrip_protocol(path)}: this is no object; buckets are not deleted here"
                )
            keys[bucket].append(f"{key}/" if path.endswith("/") else key)
        await self._delete_keys(keys)

    async def _delete_keys(self, keys: Mapping[str, list[str]]) -> None:
        try:
            for bucket, some in keys.items():
                if some:
                    await obs.delete_async(self._construct_store(bucket), some)
        finally:
            self._changed(self._paths.join(bucket, key) for bucket, some in keys.items() for key in some)

    # Folders, which only files have

    async def _mkdir(self, path: str, create_parents: bool = True, **_: Any) -> None:
        """Makes a folder of files. Elsewhere folders come and go with their objects, and this does nothing."""
        if self._is_local:
            path = self._paths.strip(path)
            if create_parents:
                os.makedirs(path, exist_ok=False)
            else:
                os.mkdir(path)

    async def _makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Makes a folder of files and those that it is in. Elsewhere this does nothing."""
        if self._is_local:
            os.makedirs(self._paths.strip(path), exist_ok=exist_ok)

    def rmdir(self, path: str) -> None:
        """Removes an empty folder of files. Elsewhere this does nothing."""
        if self._is_local:
            os.rmdir(self._paths.strip(path))


def _through_link(path: str, given: list[str], strip: Any) -> bool:
    """Whether a link leads to a path from the folder that it was found below, which is as far as its owner has said."""
    for each in strip(given):
        base = each.split("*")[0].split("?")[0].split("[")[0].rpartition("/")[0] if has_magic(each) else each
        if path == base or path.startswith(f"{base}/"):
            parent = os.path.dirname(path)
            while len(parent) > len(base):
                if os.path.islink(parent):
                    return True
                parent = os.path.dirname(parent)
            if not has_magic(each) and path != base and os.path.islink(base):
                return True
    return False
