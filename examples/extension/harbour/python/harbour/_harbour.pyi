import sys
from os import PathLike
from typing import Any, Protocol, TypeAlias, type_check_only

from . import exceptions as exceptions
from . import store as store
from ._bytes import Bytes as Bytes

if sys.version_info >= (3, 12):
    from collections.abc import Buffer as _Buffer
else:
    from typing_extensions import Buffer as _Buffer

__all__ = [
    "Bytes",
    "__version__",
    "below",
    "crc32",
    "exceptions",
    "manifest",
    "read",
    "settings",
    "store",
    "total_size",
    "write",
]
__version__: str

@type_check_only
class _Array(Protocol):
    """An array of NumPy. Type checkers know of its buffer from Python 3.12 on."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...

# Whatever has a buffer.
_Data: TypeAlias = _Buffer | _Array

@type_check_only
class _OtherStore(Protocol):
    """A store of another library, which says how it was made."""

    def __getnewargs_ex__(self) -> Any: ...

# What `AnyObjectStore` takes. File systems of fsspec have no types.
_AnyStore: TypeAlias = store.Store | _OtherStore | str | PathLike[str]

def crc32(buffer: _Data) -> int:
    """The CRC-32 of the memory of any object that has a buffer. Nothing is copied."""

def read(store: store.Store, key: str) -> Bytes:
    """One object. It takes stores of ``harbour.store`` only."""

def write(store: store.Store, key: str, data: _Data) -> None:
    """Writes one object from the memory of any object that has a buffer."""

def total_size(store: _AnyStore, prefix: str | None = None) -> tuple[int, int]:
    """How many objects there are under a prefix, and how many bytes."""

def manifest(store: _AnyStore, prefix: str | None = None) -> list[tuple[str, int, int]]:
    """Key, size and CRC-32 of each object under a prefix, by key."""

def below(store: store.Store, prefix: str) -> store.Store:
    """The part of a store that is below a prefix, as a store."""

def settings(store: _AnyStore) -> dict[str, str] | None:
    """What was said about a store when it was made, without secrets; None for a store that Rust made."""
