//! Writes the type hints of `harbour.store`, `harbour.exceptions` and the class `Bytes` into the package.

fn main() {
    longshore_stubs::write("python/harbour", "harbour", "store", "exceptions").expect("the stubs can be written");
    longshore_stubs::write_bytes("python/harbour", "_bytes").expect("the stub of Bytes can be written");
}
