//! Stops a build that cannot have Python's buffer protocol, and names the features that can.

use pyo3_build_config::{PythonAbiKind, get};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let abi = get().target_abi();
    let version = abi.version();
    if matches!(abi.kind(), PythonAbiKind::Stable(_)) && (version.major, version.minor) < (3, 11) {
        println!(
            "cargo::error=longshore-bytes needs the buffer protocol, which is part of Python's stable ABI from 3.11 on, \
             and pyo3 is built for abi3-py{}{}; give pyo3 the feature `abi3-py311` or a newer one, or no `abi3` feature \
             at all for a build per version of Python",
            version.major, version.minor,
        );
    }
    // The example is an extension module, whose symbols are the interpreter's.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "macos") {
        println!("cargo::rustc-link-arg-examples=-undefined");
        println!("cargo::rustc-link-arg-examples=dynamic_lookup");
    }
}
