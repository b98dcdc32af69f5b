import tempfile
import warnings
from pathlib import Path

import harbour
import obstore.store

import longshore

with tempfile.TemporaryDirectory() as folder:
    Path(folder, "crate").write_bytes(b"oranges")
    print(harbour.total_size(harbour.store.LocalStore(folder)))
    print(harbour.total_size(Path(folder)))
    print(harbour.total_size(f"file://{folder}"))

    with warnings.catch_warnings(record=True) as caught:
        print(harbour.total_size(longshore.LocalStore(folder)))
        print(harbour.total_size(obstore.store.LocalStore(folder)))
    for warning in caught:
        print(str(warning.message).partition(":")[0])

    try:
        harbour.read(obstore.store.LocalStore(folder), "crate")  # type: ignore[arg-type]
    except TypeError as error:
        print(str(error).partition(",")[0])
    try:
        harbour.total_size(obstore.store.MemoryStore())  # type: ignore[arg-type]
    except harbour.exceptions.NotSupportedError as error:
        print(str(error).partition(";")[0])
