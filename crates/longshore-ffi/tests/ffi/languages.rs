//! Programs in C and C++, over the header alone, use a store of this process.
#![cfg(unix)]

use std::ffi::{CStr, CString, c_char, c_int};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use longshore_abi::raw;
use longshore_ffi::Settings;
use object_store_014::memory::InMemory;

use crate::doubles::World;

type Consume = unsafe extern "C" fn(store: *const raw::Store, message: *mut c_char, size: usize) -> c_int;

static FORKS: AtomicU64 = AtomicU64::new(0);
static WATCH: Once = Once::new();

/// A number that is another one in a forked child.
fn fork_generation() -> u64 {
    unsafe extern "C" fn in_child() {
        FORKS.fetch_add(1, Ordering::SeqCst);
    }
    // SAFETY: the handler touches a static, and does not unwind.
    WATCH.call_once(|| unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    });
    FORKS.load(Ordering::SeqCst)
}

/// Compiles the consumer as a shared library, with all warnings as errors.
fn compiled(compiler: &str, options: &[&str], name: &str) -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let output = Command::new(compiler)
        .args(options)
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-g", "-fPIC", "-shared", "-pthread", "-I"])
        .arg(crates.join("../longshore-abi/include"))
        .arg("-o")
        .arg(&library)
        .arg(crates.join("tests/c/consumer.c"))
        .output()
        .expect("the compiler is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

fn loaded(library: &Path) -> Consume {
    let path = CString::new(library.to_str().unwrap()).unwrap();
    // SAFETY: the library was compiled above, and is never unloaded; `consume` has this type in it.
    unsafe {
        let handle = libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        assert!(!handle.is_null(), "{:?}", CStr::from_ptr(libc::dlerror()));
        let consume = libc::dlsym(handle, c"consume".as_ptr());
        assert!(!consume.is_null());
        std::mem::transmute::<*mut libc::c_void, Consume>(consume)
    }
}

fn consumes(consume: Consume) {
    let settings = Settings { fork_generation: Some(fork_generation), ..Settings::default() };
    let world = World::with(settings);
    let store = world.export(InMemory::new());
    let mut message = [0; 200];
    // SAFETY: the store is alive, and the message as large as is said.
    let code = unsafe { consume(&store.as_raw(), message.as_mut_ptr(), message.len()) };
    // SAFETY: the message ends with a zero.
    assert_eq!(code, 0, "{:?}", unsafe { CStr::from_ptr(message.as_ptr()) });
    world.settles(0);
}

#[test]
fn a_program_in_c_uses_a_store() {
    consumes(loaded(&compiled("gcc", &["-std=gnu11"], "consumer_c.so")));
}

#[test]
fn a_program_in_cpp_uses_a_store() {
    consumes(loaded(&compiled("g++", &["-x", "c++", "-std=gnu++17"], "consumer_cpp.so")));
}

/// Some systems' headers have templates in them, which cannot have the linkage of C.
#[test]
fn the_header_includes_others_with_the_linkage_of_their_language() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["pthread.h", "stddef.h", "stdint.h", "string.h"];
    for (number, name) in names.iter().enumerate() {
        let wrapper = format!(
            "#pragma GCC system_header\n#ifndef WRAPPED_{number}\n#define WRAPPED_{number}\n\
             template <class T> struct wrapped_{number} {{}};\n#endif\n#include_next <{name}>\n"
        );
        std::fs::write(folder.path().join(name), wrapper).unwrap();
    }
    let wrapped = format!("-I{}", folder.path().display());
    compiled("g++", &["-x", "c++", "-std=gnu++17", &wrapped], "consumer_wrapped.so");
}
