//! What must not be done, for `make check-unsafe`, which has to find each of these: a check that finds nothing may be one that does not
//! look. Without its tools they mean nothing, so nothing else runs them.

use std::hint::black_box;

use longshore_abi::{OwnedBuffer, raw};
use object_store_014::memory::InMemory;

use crate::calls::{get, get_args};
use crate::doubles::World;

/// Bytes of the exporter's, ours to give back.
fn bytes(world: &World) -> OwnedBuffer {
    world.export(InMemory::new()).describe(raw::DESCRIBE_NAME).expect("every store has a name")
}

#[test]
#[ignore = "a control of make check-unsafe, which must find it"]
fn control_bytes_are_read_after_they_were_given_back() {
    let bytes = bytes(&World::new());
    let start = bytes.as_slice().as_ptr();
    drop(bytes);
    // SAFETY: there is none. This is what must be found.
    black_box(unsafe { start.read_volatile() });
}

#[test]
#[ignore = "a control of make check-unsafe, which must find it"]
fn control_bytes_are_given_back_twice() {
    let bytes = bytes(&World::new());
    let raw = bytes.into_raw();
    let again = longshore_abi::Buffer { ptr: raw.ptr, len: raw.len, owner: raw.owner, release: raw.release };
    // SAFETY: there is none. This is what must be found.
    drop(unsafe { (OwnedBuffer::from_raw(raw), OwnedBuffer::from_raw(again)) });
}

#[test]
#[ignore = "a control of make check-unsafe, which must find it"]
fn control_an_answer_is_never_given_back() {
    let world = World::new();
    let answer = get(&world.export(InMemory::new()), &get_args("k")).answer();
    assert_eq!(answer.status(), raw::ERROR_NOT_FOUND);
    std::mem::forget(answer);
}
