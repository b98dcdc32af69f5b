"""Object storage for Python: whole data sets in and out of buckets, many objects at once.

>>> import longshore as s3
>>> s3.put("memory://doc/set/", num=3, size=1000, object_type="npz")
>>> keys = s3.list("memory://doc/set/")
>>> keys
['set/object_0_of_3.dat', 'set/object_1_of_3.dat', 'set/object_2_of_3.dat']
>>> [len(data) for uri, data in s3.get_many(["memory://doc/" + key for key in keys])]
[1000, 1000, 1000]

URIs are ``s3://bucket/key``, ``gs://bucket/key``, ``az://container/key``, ``file:///path``, ``memory:///key``, and
``https://host/path`` to read from; a star in a key is written ``\\*``. Every function has an ``asyncio`` twin whose name ends
in ``_async``. Importing this package starts no thread and opens no socket.
"""

from __future__ import annotations

from longshore import exceptions
from longshore._buffers import get_buffer, get_buffer_async, get_many_buffers, get_many_buffers_async
from longshore._datasets import DEFAULT_OBJECT_SIZE, put, put_async, read_npz, read_npz_async
from longshore._native import Bytes, Store, __version__
from longshore._objects import (
    copy,
    copy_async,
    create_bucket,
    create_bucket_async,
    delete,
    delete_async,
    exists,
    exists_async,
    get,
    get_async,
    get_many,
    get_many_async,
    get_many_stats,
    get_many_stats_async,
    head,
    head_async,
    list,
    list_async,
    put_bytes,
    put_bytes_async,
    put_many,
    put_many_async,
    store_for,
)
from longshore._process import configure, doctor, doctor_async
from longshore._progress import Progress
from longshore.store import AzureStore, GCSStore, HTTPStore, LocalStore, MemoryStore, S3Store, export_store

__all__ = [
    "DEFAULT_OBJECT_SIZE",
    "AzureStore",
    "Bytes",
    "GCSStore",
    "HTTPStore",
    "LocalStore",
    "MemoryStore",
    "Progress",
    "S3Store",
    "Store",
    "__version__",
    "configure",
    "copy",
    "copy_async",
    "create_bucket",
    "create_bucket_async",
    "delete",
    "delete_async",
    "doctor",
    "doctor_async",
    "exceptions",
    "exists",
    "exists_async",
    "export_store",
    "get",
    "get_async",
    "get_buffer",
    "get_buffer_async",
    "get_many",
    "get_many_async",
    "get_many_buffers",
    "get_many_buffers_async",
    "get_many_stats",
    "get_many_stats_async",
    "head",
    "head_async",
    "list",
    "list_async",
    "put",
    "put_async",
    "put_bytes",
    "put_bytes_async",
    "put_many",
    "put_many_async",
    "read_npz",
    "read_npz_async",
    "store_for",
]
