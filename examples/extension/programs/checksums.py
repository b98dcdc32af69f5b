import tempfile

import harbour
from harbour.store import LocalStore

with tempfile.TemporaryDirectory() as folder:
    store = LocalStore(folder)
    harbour.write(store, "march/crate", b"oranges")
    harbour.write(store, "march/barrel", memoryview(b"herring, salted"))
    for key, size, checksum in harbour.manifest(store, "march"):
        print(key, size, f"{checksum:08x}")

    march = harbour.below(store, "march")
    crate = harbour.read(march, "crate")
    print(crate, crate.upper(), harbour.crc32(crate[:6]) == harbour.crc32(b"orange"))
    try:
        harbour.read(march, "chest")
    except harbour.exceptions.NotFoundError as error:
        print(type(error).__name__, isinstance(error, FileNotFoundError))
