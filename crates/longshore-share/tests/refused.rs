//! What cannot be shared is refused while compiling, with a message that says what to do instead.

use std::process::Command;

/// The rustc whose own words are in `bindings.stderr`, around ours.
const WRITTEN_BY: &str = "rustc 1.95.";

#[test]
fn what_cannot_cross_is_refused_with_a_message_that_says_what_to_do() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/refused/declarations.rs");
    let version = Command::new("rustc").arg("--version").output().expect("rustc runs").stdout;
    if String::from_utf8_lossy(&version).starts_with(WRITTEN_BY) {
        cases.compile_fail("tests/refused/bindings.rs");
    }
}
