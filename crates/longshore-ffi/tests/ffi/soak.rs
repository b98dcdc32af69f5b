//! A great many calls, after which the process has no more memory than before. Each run is a process of its own, as other tests need
//! memory, too. `make soak-abi` makes a million calls.
#![cfg(target_os = "linux")]

use std::process::Command;

use futures_util::{FutureExt, TryStreamExt};
use longshore_ffi::v0_14::ForeignStore;
use object_store_014::memory::InMemory;
use object_store_014::path::Path;
use object_store_014::{ObjectStore, ObjectStoreExt};

use crate::doubles::{Mood, Moody, World};

const CALLS: &str = "LONGSHORE_SOAK_CALLS";
const FORGETS: &str = "LONGSHORE_SOAK_FORGETS";

/// More than an allocator keeps for later, and much less than what is lost where each call loses something.
const MOST_GROWTH: i64 = 2 << 20;

/// Runs so many calls, and returns by how many bytes the process has grown.
fn growth(calls: &str, forgets: bool) -> i64 {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "soak::calls"])
        .env(CALLS, calls)
        .env(FORGETS, if forgets { "1" } else { "" })
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let line = text.lines().find_map(|line| line.split_once("grown by ")).unwrap_or_else(|| panic!("{text}"));
    println!("{calls} calls: {} bytes", line.1);
    line.1.trim().parse().unwrap()
}

#[test]
fn many_calls_leave_no_more_memory_in_use() {
    let calls = std::env::var(CALLS).unwrap_or_else(|_| "100000".to_owned());
    let growth = growth(&calls, false);
    assert!(growth < MOST_GROWTH, "{growth} bytes after {calls} calls");
}

#[test]
fn answers_that_are_forgotten_are_seen() {
    let growth = growth("100000", true);
    assert!(growth > MOST_GROWTH, "{growth} bytes");
}

#[test]
#[ignore = "what the others run in a process of its own"]
fn calls() {
    let said = |name| std::env::var(name).unwrap_or_default();
    let calls: usize = said(CALLS).parse().expect("a number of calls");
    let forgets = !said(FORGETS).is_empty();
    let world = World::new();
    let good = ForeignStore::new(world.export(InMemory::new()));
    let slow = ForeignStore::new(world.export(Moody::new(Mood::Slow)));
    // What is kept for later, such as the threads' own memory, is there after a while.
    round(&good, &slow, calls.min(50_000), false);
    world.settles(0);
    let before = resident();
    round(&good, &slow, calls, forgets);
    world.settles(0);
    println!("grown by {}", resident() - before);
}

/// Calls of every kind: done at once, cancelled, refused, and in several steps.
fn round(good: &ForeignStore, slow: &ForeignStore, calls: usize, forgets: bool) {
    let (here, away) = (Path::from("here"), Path::from("away"));
    futures_executor::block_on(async {
        good.put(&here, vec![1; 64].into()).await.unwrap();
        for call in 0..calls {
            match call % 8 {
                0 => drop(good.put(&here, vec![1; 64].into()).await.unwrap()),
                1 => assert!(good.get(&away).await.is_err()),
                // Cancelled by being dropped, if it has not ended by then.
                2 => drop(slow.get(&here).now_or_never()),
                3 => assert_eq!(good.get_ranges(&here, &[0..8, 9..20]).await.unwrap().len(), 2),
                4 => assert_eq!(good.list(None).try_collect::<Vec<_>>().await.unwrap().len(), 1),
                5 => good.put_multipart(&away).await.unwrap().abort().await.unwrap(),
                _ => {
                    let bytes = good.get(&here).await.unwrap().bytes().await.unwrap();
                    assert_eq!(bytes.len(), 64);
                    if forgets {
                        std::mem::forget(bytes);
                    }
                }
            }
        }
    });
}

/// The bytes of the process that are in memory.
fn resident() -> i64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: i64 = pages.split(' ').nth(1).unwrap().parse().unwrap();
    // SAFETY: asks for a number.
    pages * unsafe { libc::sysconf(libc::_SC_PAGESIZE) }
}
