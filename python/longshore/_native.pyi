"""The native module. Private: import from `longshore`."""

from typing import Any, List, final

from typing_extensions import disjoint_base

__version__: str

__all__ = [
    "Bridge",
    "Gateway",
    "LocalStore",
    "MemoryStore",
    "S3Store",
    "Store",
    "__version__",
    "cli",
    "copy",
    "create_bucket",
    "delete",
    "exists",
    "get",
    "get_many",
    "get_many_stats",
    "head",
    "list",
    "put",
    "put_bytes",
    "put_many",
    "read_npz",
    "store_for",
]

@disjoint_base
class Store:
    """A live store: one configuration, one connection pool. Equal when it is the same one."""

    @property
    def bucket(self) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class S3Store(Store):
    """A bucket on S3 or on a server that speaks its protocol."""

    @property
    def region(self) -> str: ...
    @property
    def endpoint(self) -> str | None: ...

@final
class LocalStore(Store):
    """The local file system, from its root."""

@final
class MemoryStore(Store):
    """Objects in this process's memory."""

@final
class Bridge:
    """Connects one event loop with the runtime."""

    def __new__(cls) -> Bridge: ...
    def fileno(self) -> int: ...
    def is_ours(self) -> bool: ...
    def drain(self) -> None: ...
    def abort(self, slot: int) -> None: ...
    def pending(self) -> int: ...

@final
class Gateway:
    """A running S3 server. It stops when this object goes away."""

    def __new__(
        cls,
        *,
        folder: Any,
        credentials: tuple[str, str],
        anonymous: bool,
        region: str,
        host: str,
        port: int,
    ) -> Gateway: ...
    @property
    def endpoint(self) -> str: ...
    def stop(self) -> None: ...
    def add_fault(
        self,
        kind: str,
        *,
        value: float,
        code: str,
        method: str | None,
        path: str | None,
        query: str | None,
        skip: int,
        times: int | None,
    ) -> int: ...
    def fault_hits(self, fault: int) -> int: ...
    def clear_faults(self) -> None: ...
    def stats(self) -> dict[str, Any]: ...
    def reset_stats(self) -> None: ...

def cli(arguments: List[str]) -> int: ...
def copy(how: Any, source: Any, target: Any, store: Store | None) -> Any: ...
def create_bucket(how: Any, uri: Any, store: Store | None) -> Any: ...
def delete(how: Any, uri: Any, whole_bucket: Any, store: Store | None, listener: Any) -> Any: ...
def exists(how: Any, uri: Any, store: Store | None) -> Any: ...
def get(how: Any, uri: Any, store: Store | None, listener: Any) -> Any: ...
def get_many(how: Any, uris: Any, max_in_flight: Any, store: Store | None, listener: Any) -> Any: ...
def get_many_stats(how: Any, uris: Any, max_in_flight: Any, store: Store | None, listener: Any) -> Any: ...
def head(how: Any, uri: Any, store: Store | None) -> Any: ...
def list(how: Any, uri: Any, store: Store | None, listener: Any) -> Any: ...
def put(
    how: Any,
    prefix: Any,
    names: Any,
    max_in_flight: Any,
    should_create_bucket: Any,
    data: Any,
    store: Store | None,
    listener: Any,
) -> Any: ...
def put_bytes(how: Any, uri: Any, data: Any, store: Store | None, listener: Any) -> Any: ...
def put_many(how: Any, items: Any, max_in_flight: Any, store: Store | None, listener: Any) -> Any: ...
def read_npz(how: Any, uri: Any, array_name: Any, store: Store | None, listener: Any) -> Any: ...
def store_for(uri: Any, options: dict[str, Any]) -> Any: ...
