//! Tells the module which versions it is built with: those of its lock file.

fn main() {
    let folder = std::env::var("CARGO_MANIFEST_DIR").expect("Cargo says where the package is");
    let path = format!("{folder}/Cargo.lock");
    let lock = std::fs::read_to_string(&path).expect("Cargo has written the lock file");
    for (package, variable) in [("pyo3", "PYO3_VERSION"), ("object_store", "OBJECT_STORE_VERSION")] {
        let version = lock.split(&format!("name = \"{package}\"\nversion = \"")).nth(1);
        if let Some((version, _)) = version.and_then(|rest| rest.split_once('"')) {
            println!("cargo:rustc-env={variable}={version}");
        }
    }
    println!("cargo:rerun-if-changed={path}");
}
