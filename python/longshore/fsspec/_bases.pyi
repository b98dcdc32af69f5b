"""What checkers see of fsspec, which has no types; pyright calls a package incomplete whose classes have bases without.

The names exist for checkers only. The interpreter gets fsspec's own classes, where each is used.
"""

import abc
from collections.abc import Iterator
from typing import Any, Self

class _Cached(type):
    """fsspec's metaclass, which keeps instances."""

class _AsyncFileSystem(metaclass=_Cached):
    """fsspec's file system."""

    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def __getattr__(self, name: str) -> Any: ...

class _AbstractBufferedFile(metaclass=abc.ABCMeta):
    """fsspec's file."""

    closed: bool
    cache: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def __getattr__(self, name: str) -> Any: ...
    def __iter__(self) -> Iterator[bytes]: ...
    def __next__(self) -> bytes: ...

class _AbstractAsyncStreamedFile(metaclass=abc.ABCMeta):
    """fsspec's file for coroutines."""

    closed: bool
    loc: int

    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def __getattr__(self, name: str) -> Any: ...
    async def __aenter__(self) -> Self: ...
