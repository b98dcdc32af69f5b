//! Which builds of PyO3 the crate takes. Each is tried by a real build.

use std::process::{Command, Output};

fn check(features: &str) -> Output {
    Command::new(env!("CARGO"))
        .args(["check", "--package", "longshore-bytes", "--features", features])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TERM_COLOR", "never")
        .output()
        .expect("cargo runs")
}

#[test]
fn a_stable_abi_without_buffers_stops_the_build_with_the_features_that_have_them() {
    let old = check("pyo3/abi3-py39");
    let said = String::from_utf8_lossy(&old.stderr);
    assert!(!old.status.success(), "{said}");
    for part in ["needs the buffer protocol", "abi3-py39", "`abi3-py311` or a newer one, or no `abi3` feature"] {
        assert!(said.contains(part), "{part} is missing in: {said}");
    }
    assert!(!said.contains("error[E"), "the compiler has begun: {said}");
}

#[test]
fn the_stable_abi_of_3_11_is_new_enough() {
    let new = check("pyo3/abi3-py311");
    assert!(new.status.success(), "{}", String::from_utf8_lossy(&new.stderr));
}
