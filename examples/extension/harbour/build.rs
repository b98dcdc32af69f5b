//! Writes the type hints of `harbour.store` and `harbour.exceptions` into the package.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    longshore_stubs::write("python/harbour", "harbour", "store", "exceptions").expect("the stubs can be written");
}
