"""What the file system is made of.

fsspec has no types, and pyright calls a package incomplete whose classes have bases without. So checkers see bases here that
allow everything, and the interpreter sees fsspec's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import builtins
    from collections.abc import Iterator
    from typing import Any, Self

    class Cached(builtins.type):
        """fsspec's metaclass, which keeps instances."""

    class AsyncFileSystem:
        """fsspec's file system."""

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...

    class AbstractBufferedFile:
        """fsspec's file."""

        closed: bool
        cache: Any

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...
        def __iter__(self) -> Iterator[bytes]: ...
        def __next__(self) -> bytes: ...

    class AbstractAsyncStreamedFile:
        """fsspec's file for coroutines."""

        closed: bool
        loc: int

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...
        async def __aenter__(self) -> Self: ...
else:
    from fsspec.asyn import AbstractAsyncStreamedFile, AsyncFileSystem
    from fsspec.spec import AbstractBufferedFile
    from fsspec.spec import _Cached as Cached

__all__ = ["AbstractAsyncStreamedFile", "AbstractBufferedFile", "AsyncFileSystem", "Cached"]
