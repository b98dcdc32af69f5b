//! Lets the example of this crate be linked without an interpreter, which it finds in the process that loads it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("macos") {
        println!("cargo::rustc-link-arg-examples=-Wl,-undefined,dynamic_lookup");
    }
}
