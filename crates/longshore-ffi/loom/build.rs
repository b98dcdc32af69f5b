//! Has the files of `longshore-ffi` use loom's locks. By this and not by `RUSTFLAGS`, other crates are built as ever.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(loom)");
    println!("cargo::rustc-cfg=loom");
    println!("cargo::rerun-if-changed=build.rs");
}
