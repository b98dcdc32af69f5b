//! Loads the example into an interpreter, which then does what `capsule.py` says.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

#[test]
fn capsules_are_what_python_expects() {
    let folder = std::env::current_exe().expect("this program has a path");
    let folder = folder.ancestors().nth(2).expect("it is in target/<profile>/deps").join("examples");
    let name = format!("{}capsule_probe{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let probe = folder.join(name);
    assert!(probe.exists(), "{} is not there: `cargo test -p longshore-capsule` builds it", probe.display());
    let output = Command::new(std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into()))
        .arg("-B")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/capsule.py"))
        .arg(probe)
        .output()
        .expect("there is a python3");
    let (said, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complaint}");
    // Each of its tests says its name when it is done.
    assert_eq!(said.lines().count(), 9, "{said}");
}
