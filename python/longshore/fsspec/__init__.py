"""A file system of fsspec, on top of the stores.

>>> from longshore.fsspec import FsspecStore, register
>>> fs = FsspecStore("memory")
>>> fs.pipe("/set/a", b"data")
>>> fs.cat("/set/a"), fs.find("/set")
(b'data', ['/set/a'])

:func:`register` makes it the one that ``fsspec.open("s3://…")`` uses, and with it pandas, dask, pyarrow and others. Programs
that can use :mod:`longshore` or :mod:`longshore.obs` directly are better off: an object store has no folders, and an fsspec
file system has to look for them.
"""

# pyright: basic
from __future__ import annotations

import asyncio
import functools
import hashlib
import os
import secrets
import weakref
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import fsspec  # type: ignore[import-untyped]
from fsspec.asyn import get_loop  # type: ignore[import-untyped]

from longshore import Store, obs
from longshore.exceptions import InvalidArgumentError, NotSupportedError
from longshore.fsspec._async_file import AsyncFile
from longshore.fsspec._file import BufferedFile, TextFile
from longshore.fsspec._paths import PROTOCOLS, Paths
from longshore.fsspec._transfer import Transfer
from longshore.store import from_url

if TYPE_CHECKING:
    from longshore.fsspec._bases import _Cached as Cached
else:
    from fsspec.spec import _Cached as Cached

__all__ = ["SUPPORTED_PROTOCOLS", "AsyncFile", "BufferedFile", "FsspecStore", "register"]

SUPPORTED_PROTOCOLS: frozenset[str] = PROTOCOLS
"""The schemes that a file system can be for."""


class _ByProtocol(Cached):
    """Makes ``FsspecStore("s3")`` an instance of a class for that protocol, as fsspec's own code expects of a file system."""

    protocol: Any
    asynchronous: bool

    def __call__(cls, protocol: str | None = None, *args: Any, **options: Any) -> Any:  # noqa: N805
        kind: Any = cls if protocol is None else cls._for(protocol)
        if kind.asynchronous:
            options.setdefault("asynchronous", True)
        # fsspec tells instances apart by the text of their arguments, and a masked secret has the text of any other.
        return Cached.__call__(kind, *args, **_told_apart(options))

    def _for(cls, protocol: str, asynchronous: bool = False) -> Any:  # noqa: N805
        """The subclass for a protocol. There is one for each."""
        if cls.protocol == protocol and cls.asynchronous == asynchronous:
            return cls
        which = (cls, protocol, asynchronous)
        if which not in _SUBCLASSES:
            _SUBCLASSES[which] = _subclass(cls, protocol, asynchronous)
        return _SUBCLASSES[which]


_SUBCLASSES: dict[tuple[Any, str, bool], Any] = {}


def _subclass(base: Any, protocol: str, asynchronous: bool) -> Any:
    name = f"{base.__name__}_{protocol}" + ("_asynchronous" if asynchronous else "")
    own = {"protocol": protocol, "asynchronous": asynchronous, "_base": base}
    return type(base)(name, (base,), {**own, "__module__": base.__module__, "__doc__": base.__doc__})


class FsspecStore(Transfer, metaclass=_ByProtocol):
    """A file system for one protocol, whose buckets have a store each.

    Paths are ``bucket/key``, with or without the scheme before them; those of files and memory begin with a slash. Folders are
    seen where keys have slashes, and listings are not cached unless ``use_listings_cache=True``.
    """

    protocol = "abstract"
    asynchronous = False
    cachable = True
    root_marker: str
    _base: Any = None
    _pid: int

    def __init__(
        self,
        *args: Any,
        config: Any = None,
        client_options: Any = None,
        retry_config: Any = None,
        credential_provider: Any = None,
        asynchronous: bool = False,
        max_cache_size: int = 10,
        loop: Any = None,
        batch_size: int | None = None,
        use_listings_cache: bool = False,
        listings_expiry_time: float | None = None,
        max_paths: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Makes the file system; stores are made when their buckets are first used.

        Parameters
        ----------
        protocol
            The scheme of its URLs, one of :data:`SUPPORTED_PROTOCOLS`; its other spellings are understood as well. A class that
            :func:`register` has made knows its own.
        config, client_options, retry_config, credential_provider, **kwargs
            Settings of the stores, as :func:`longshore.store.from_url` takes them.
        asynchronous
            Makes a file system for coroutines of the caller's own loop.
        max_cache_size
            How many stores are kept.
        loop
            fsspec's, for blocking calls.
        batch_size
            How many objects an operation on many handles at the same time; ``None`` is fsspec's own number.
        use_listings_cache, listings_expiry_time, max_paths
            Keeps listings: so many, for so many seconds. What others write in the meantime is not seen.

        Raises
        ------
        ValueError
            There is no such protocol.
        """
        if not hasattr(self, "_paths"):
            raise InvalidArgumentError(f"FsspecStore needs a protocol: {', '.join(sorted(PROTOCOLS))}")
        self._settings = {
            "config": config,
            "client_options": client_options,
            "retry_config": retry_config,
            "credential_provider": credential_provider,
        }
        # Other kinds of stores do not know settings that nobody has given.
        self._settings = {name: value for name, value in self._settings.items() if value is not None} | kwargs
        keep = functools.lru_cache(maxsize=max_cache_size if self._paths.has_buckets else None)
        self._kept = keep(lambda bucket: from_url(self._paths.url(bucket), **self._settings))
        super().__init__(
            *args,
            asynchronous=asynchronous,
            loop=loop,
            batch_size=batch_size,
            use_listings_cache=use_listings_cache,
            listings_expiry_time=listings_expiry_time,
            max_paths=max_paths,
        )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "protocol" in vars(cls):
            cls._paths = Paths(cls.protocol if isinstance(cls.protocol, str) else cls.protocol[0])
            cls.root_marker = cls._paths.root

    def _construct_store(self, bucket: str) -> Store:
        store: Store = self._kept(bucket)
        return store

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if hasattr(cls, "_paths"):
            return cls._paths.strip(path)
        base: Any = super()
        return base._strip_protocol(path)

    @classmethod
    def _parent(cls, path: Any) -> str:
        return cls._paths.parent(path)

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop that blocking calls run on; in a forked child, the child's."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._loop = None if self.asynchronous else get_loop()
        loop: asyncio.AbstractEventLoop | None = self._loop
        return loop

    def __reduce__(self) -> tuple[Any, ...]:
        base, protocol = (type(self), None) if "_base" not in vars(type(self)) else (self._base, self.protocol)
        if self._paths.protocol == "memory":
            name = next((name for name, each in _memories.items() if each is self), None) or secrets.token_hex(16)
            _memories[name] = self
            return _same_memory, (name,)
        return _made_again, (base, protocol, self.storage_args, self.storage_options)

    # Files

    def open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: dict[str, Any] | None = None,
        compression: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Opens an object as a file, for bytes or for text.

        What is written becomes the object when the file is closed. Where a ``with`` block ends by an exception, the object
        stays as it was; in a compressed file that is not noticed.

        Parameters
        ----------
        path
            The path.
        mode
            ``rb``, ``wb``, ``xb`` or ``ab``, and the same without the ``b`` for text.
        block_size, cache_options, **kwargs
            See :class:`BufferedFile`; ``encoding``, ``errors`` and ``newline`` are for text.
        compression
            A name that fsspec knows, or ``"infer"``.
        """
        text = {
            name: kwargs.pop(name) for name in ("encoding", "errors", "newline") if "b" not in mode and name in kwargs
        }
        binary = mode if "b" in mode else mode.replace("t", "") + "b"
        base: Any = super()
        file = base.open(path, binary, block_size, cache_options, compression, **kwargs)
        return file if "b" in mode else TextFile(file, **text)

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> BufferedFile:
        return BufferedFile(
            self, path, mode, block_size=block_size, autocommit=autocommit, cache_options=cache_options, **kwargs
        )

    async def open_async(self, path: str, mode: str = "rb", **kwargs: Any) -> AsyncFile:
        """Opens an object as a file whose methods are coroutines, with the mode ``rb`` or ``wb``; see :class:`BufferedFile`."""
        return await AsyncFile.open(self, path, mode, **kwargs)

    # Facts

    def modified(self, path: str) -> datetime:
        """When the object was written."""
        bucket, key = self._split_path(path)
        return obs.head(self._construct_store(bucket), key)["last_modified"]

    def created(self, path: str) -> datetime:
        """When the object was made, which is when it was written: an object is replaced, and never changed."""
        if self._is_local:
            status = os.stat(self._strip_protocol(path))
            return datetime.fromtimestamp(getattr(status, "st_birthtime", status.st_ctime), UTC)
        return self.modified(path)

    def sign(self, path: str, expiration: float = 100, method: str = "GET", **_: Any) -> str:
        """Makes a URL with which anybody can do one thing with the object, for so many seconds.

        Raises
        ------
        NotImplementedError
            Such a store has no signatures.
        """
        bucket, key = self._split_path(path)
        return obs.sign(self._construct_store(bucket), method, key, timedelta(seconds=expiration))


def register(protocol: str | Iterable[str] | None = None, *, asynchronous: bool = False) -> None:
    """Makes :class:`FsspecStore` the file system that fsspec uses for URLs of a protocol, in this process.

    Parameters
    ----------
    protocol
        One of :data:`SUPPORTED_PROTOCOLS`, or several; ``None`` is all but ``file`` and ``memory``.
    asynchronous
        Registers file systems for coroutines.

    Raises
    ------
    ValueError
        There is no such protocol. None is registered then.
    """
    if protocol is None:
        protocol = PROTOCOLS - {"file", "memory"}
    names = [protocol] if isinstance(protocol, str) else list(protocol)
    kinds = {name: FsspecStore._for(name, asynchronous) for name in names}
    for name, kind in kinds.items():
        fsspec.register_implementation(name, kind, clobber=True)


class _Secret(str):
    """A secret as an argument: its text is that of no other, and does not tell what it is."""

    def __repr__(self) -> str:
        return f"<secret {hashlib.sha256(self.encode()).hexdigest()[:16]}>"


def _told_apart(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _told_apart(each) for name, each in value.items()}
    if isinstance(value, str) and repr(value) != str.__repr__(value):
        return _Secret(value)
    return value


def _made_again(base: Any, protocol: str | None, args: tuple[Any, ...], options: dict[str, Any]) -> FsspecStore:
    made: FsspecStore = base(protocol, *args, **options)
    return made


# Those that were pickled, by what their pickles call them.
_memories: weakref.WeakValueDictionary[str, FsspecStore] = weakref.WeakValueDictionary()


def _same_memory(name: str) -> FsspecStore:
    found = _memories.get(name)
    if found is None:
        raise NotSupportedError(
            "a file system in memory was pickled, and what it holds is only in the process that has it; "
            "use files or a bucket for what processes share"
        )
    return found
