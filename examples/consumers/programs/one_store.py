"""A store is opened once, and modules in C, C++ and Rust work on it."""

from consumers import c, cpp, pyo3_0_23_object_store_0_11, pyo3_0_30_object_store_0_14, rust_without_pyo3

from longshore.store import MemoryStore

# Or an S3Store, a GCSStore, … of longshore's, or a store of any library that exports its own.
store = MemoryStore()
print(cpp.describe(store))

c.put(store, "notes/first", b"written in C")
cpp.upload(store, "notes/second", [b"written in C++, ", b"in two parts"])
for path, size in rust_without_pyo3.list_objects(store, "notes"):
    print(path, size, pyo3_0_23_object_store_0_11.get(store, path)[0])

try:
    pyo3_0_30_object_store_0_14.put(store, "notes/first", b"too late", create=True)
except FileExistsError:
    print("notes/first exists already")
