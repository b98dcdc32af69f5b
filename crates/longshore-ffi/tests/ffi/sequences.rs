//! Long and random sequences of calls: every callback is counted, and memory stays flat.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use longshore_abi::raw::{self, ERROR_CANCELLED};
use longshore_abi::{StoreRef, Str, StreamHandle};
use longshore_ffi::v0_14::ForeignStore;
use longshore_ffi::{Exported, Settings};
use object_store_014::memory::InMemory;
use object_store_014::path::Path;
use object_store_014::{ObjectStore, ObjectStoreExt};

use crate::calls::{Outcome, Under, call, get_args};
use crate::doubles::{Mood, Moody, World};

/// One operation of a random kind on `store`, with flags at random, and sometimes cancelled or let go at once.
fn at_random(random: &mut fastrand::Rng, store: &StoreRef, streams: &mut Vec<StreamHandle>) -> Option<Under> {
    let table = store.vtable();
    let key = format!("k{}", random.u8(..8));
    let flags = if random.bool() { raw::ALLOW_INLINE } else { 0 };
    let outcome = match random.u8(..7) {
        0 => {
            let buffers = [longshore_abi::Buffer::from_static(b"some bytes")];
            let args = raw::PutArgs {
                flags,
                path: Str::new(&key),
                buffers: buffers.as_ptr(),
                buffer_count: 1,
                mode: random.u64(..2),
                ..raw::PutArgs::EMPTY
            };
            call(table, table.put, store.data(), &args)
        }
        1 => {
            let paths = [Str::new(&key), Str::new("never")];
            let args = raw::DeleteArgs { flags, paths: paths.as_ptr(), path_count: 2, ..raw::DeleteArgs::EMPTY };
            call(table, table.delete, store.data(), &args)
        }
        2 => {
            let args = raw::CopyArgs { flags, from: Str::new(&key), to: Str::new("copy"), ..raw::CopyArgs::EMPTY };
            call(table, table.copy, store.data(), &args)
        }
        3 => {
            let mut handle = std::ptr::null_mut();
            // SAFETY: as the interface says.
            assert_eq!(unsafe { table.list.unwrap()(store.data(), &raw::ListArgs::EMPTY, &raw mut handle) }, 0);
            // SAFETY: just made.
            streams.extend(unsafe { StreamHandle::from_raw(table, handle) });
            return None;
        }
        4 if !streams.is_empty() => {
            let index = random.usize(..streams.len());
            let args = raw::NextArgs { flags, max_items: random.u64(..3), ..raw::NextArgs::EMPTY };
            let outcome = call(table, table.stream_next, streams[index].as_ptr(), &args);
            if random.bool() {
                streams.swap_remove(index);
            }
            outcome
        }
        _ => {
            let args = raw::GetArgs { flags, prefetch_bytes: random.u64(..20), ..get_args(&key) };
            call(table, table.get, store.data(), &args)
        }
    };
    match outcome {
        // A stream that is used up or busy.
        Outcome::Refused(code) => {
            assert!(matches!(code, raw::ERROR_BUSY | raw::ERROR_INVALID_ARGUMENT), "{code}");
            None
        }
        Outcome::Done(answer) => {
            // Its stream, if it has one, is read later, or not at all.
            let mut answer = answer;
            streams.extend(answer.take_stream());
            None
        }
        Outcome::Pending(mut under) => {
            match random.u8(..4) {
                0 => under.operation.as_ref().unwrap().cancel(),
                1 => under.operation = None,
                _ => {}
            }
            Some(under)
        }
    }
}

#[test]
fn every_operation_of_any_sequence_calls_back_once() {
    for seed in 0..6 {
        let mut random = fastrand::Rng::with_seed(seed);
        let world = World::new();
        let stores = [Mood::Good, Mood::Slow, Mood::PanicsLater].map(|mood| world.export(Moody::new(mood)));
        let (mut under, mut streams) = (Vec::new(), [(); 3].map(|()| Vec::new()));
        for _ in 0..500 {
            let which = random.usize(..3);
            under.extend(at_random(&mut random, &stores[which], &mut streams[which]));
        }
        // The stores and streams go first: what is under way keeps what it needs.
        drop((stores, streams));
        for (index, each) in under.iter().enumerate() {
            let called = each.called_within(Duration::from_secs(30));
            let status = called.unwrap_or_else(|| panic!("seed {seed}: no callback for {index}")).0.status();
            assert!((0..=ERROR_CANCELLED + 1).contains(&status), "{status}");
        }
        world.settles(0);
        for each in &under {
            assert!(each.called_within(Duration::ZERO).is_none(), "seed {seed}: a second callback");
        }
    }
}

#[cfg(target_os = "linux")]
fn resident_bytes() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Alone in its process, as other tests use memory, too.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "takes seconds: `cargo test --release -p longshore-ffi -- --ignored` runs it"]
fn memory_stays_flat_over_a_million_calls() {
    let world = World::with(Settings { most_in_flight: 1 << 20, ..Settings::default() });
    let home = Arc::new(InMemory::new());
    let abroad = ForeignStore::new(world.exporter.export(Exported::new(home.clone())));
    let slow = ForeignStore::new(world.export(Moody::new(Mood::Hangs)));
    let path = Path::from("k");
    let rounds = |count: usize| {
        futures_executor::block_on(async {
            for _ in 0..count {
                abroad.put(&path, vec![7; 64].into()).await.unwrap();
                abroad.get(&path).await.unwrap().bytes().await.unwrap();
                abroad.get(&Path::from("none")).await.unwrap_err();
                abroad.list_with_delimiter(None).await.unwrap();
                assert!(slow.get(&path).now_or_never().is_none());
            }
        });
        world.settles(0);
        resident_bytes()
    };
    let before = rounds(10_000);
    let after = rounds(200_000);
    assert!(after < before + (4 << 20), "{before} bytes before, {after} after");
}
