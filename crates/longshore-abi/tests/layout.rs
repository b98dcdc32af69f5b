//! The layout in memory is what it was when version 1.0 was released, to rustc and to a C compiler alike.
#![cfg(target_pointer_width = "64")]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use longshore_abi::layout::STRUCTS;
use longshore_abi::raw;

const GOLDEN: &str = include_str!("../golden/osc_v1_0.txt");

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn rust_says() -> String {
    let mut says = String::new();
    for each in STRUCTS {
        writeln!(says, "struct {} size {} align {}", each.name, each.size, each.align).unwrap();
        for field in each.fields {
            writeln!(says, "  {} offset {} size {}", field.name, field.offset, field.size).unwrap();
        }
    }
    macro_rules! numbers {
        ($($name:ident)*) => { $(writeln!(says, "{} {}", stringify!($name), raw::$name).unwrap();)* };
    }
    numbers!(MAGIC MAJOR MINOR);
    writeln!(says, "CAPSULE_NAME {:?}\nMETHOD_NAME {:?}", raw::CAPSULE_NAME, raw::METHOD_NAME).unwrap();
    numbers!(FEATURE_PANIC_SAFE FEATURE_INLINE FEATURE_FORK_SAFE PENDING DONE);
    numbers!(ERROR_GENERIC ERROR_NOT_FOUND ERROR_ALREADY_EXISTS ERROR_PRECONDITION ERROR_NOT_MODIFIED);
    numbers!(ERROR_PERMISSION_DENIED ERROR_UNAUTHENTICATED ERROR_INVALID_PATH ERROR_NOT_SUPPORTED ERROR_NOT_IMPLEMENTED);
    numbers!(ERROR_INVALID_ARGUMENT ERROR_TIMEOUT ERROR_THROTTLED ERROR_CANCELLED ERROR_PANICKED ERROR_SHUTDOWN);
    numbers!(ERROR_FORKED ERROR_BUSY RETRYABLE);
    numbers!(KIND_NONE KIND_GET KIND_BUFFERS KIND_PUT KIND_UPLOAD KIND_LIST KIND_DELETE KIND_SIGN END);
    numbers!(ALLOW_INLINE GET_HEAD LIST_DELIMITER COPY_IF_ABSENT COPY_RENAME);
    numbers!(RANGE_ALL RANGE_BOUNDED RANGE_OFFSET RANGE_SUFFIX PUT_OVERWRITE PUT_CREATE PUT_UPDATE);
    numbers!(DESCRIBE_NAME DESCRIBE_URL DESCRIBE_CONFIG_JSON DESCRIBE_STATS_JSON);
    writeln!(says, "METADATA_PREFIX {:?}", raw::METADATA_PREFIX).unwrap();
    says
}

/// Compiles `source` over the header, with all warnings as errors, and runs it.
fn c_says(source: &Path, output: &str) -> String {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(output);
    let compiled = Command::new("gcc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-DOSC_WITH_WAIT", "-pthread", "-I"])
        .arg(here("include"))
        .arg(source)
        .arg("-o")
        .arg(&program)
        .output()
        .expect("gcc is there");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let run = Command::new(program).output().expect("the program starts");
    assert!(run.status.success());
    String::from_utf8(run.stdout).unwrap()
}

/// `LONGSHORE_WRITE_TABLES=1` writes the file of a version that is not released yet; that of a released one never changes.
#[test]
fn rust_lays_everything_out_as_the_golden_file_says() {
    let says = rust_says();
    if std::env::var_os("LONGSHORE_WRITE_TABLES").is_some() {
        std::fs::write(here("golden/osc_v1_0.txt"), &says).unwrap();
        return;
    }
    assert_eq!(says, GOLDEN);
}

#[test]
fn c_lays_everything_out_as_the_golden_file_says() {
    assert_eq!(c_says(&here("tests/layout.c"), "layout"), GOLDEN);
}

#[test]
fn a_header_with_another_layout_is_noticed() {
    // The control: with one field of another size, what C says differs, if it compiles at all.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("another");
    std::fs::create_dir_all(&folder).unwrap();
    let header = std::fs::read_to_string(here("include/object_store_c.h")).unwrap();
    let other = header.replace("  int32_t status; /* 0, or", "  int64_t status; /* 0, or");
    assert_ne!(header, other);
    let source = std::fs::read_to_string(here("tests/layout.c")).unwrap();
    std::fs::write(folder.join("object_store_c.h"), other).unwrap();
    std::fs::write(folder.join("layout.c"), source).unwrap();
    std::fs::copy(here("tests/layout_facts.h"), folder.join("layout_facts.h")).unwrap();
    let compiled = Command::new("gcc")
        .args(["-std=c11", "-fsyntax-only"])
        .arg(folder.join("layout.c"))
        .output()
        .expect("gcc is there");
    let complaint = String::from_utf8_lossy(&compiled.stderr);
    assert!(!compiled.status.success() && complaint.contains("osc_result"), "{complaint}");
}

#[test]
fn the_header_is_clean_in_cpp() {
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("header.cpp");
    std::fs::write(
        &source,
        "#include \"object_store_c.h\"\nint main() { OSC_ARGS(osc_get_args, args); return (int)args.flags; }\n",
    )
    .unwrap();
    let compiled = Command::new("g++")
        .args(["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-DOSC_WITH_WAIT", "-fsyntax-only", "-I"])
        .arg(here("include"))
        .arg(source)
        .output()
        .expect("g++ is there");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
}
