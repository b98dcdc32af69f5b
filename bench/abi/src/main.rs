//! What a store costs through the C interface, beside the same store without it. Prints JSON, which `bench/abi.py` keeps.
//!
//! Both ways are measured in turn, round by round, so that a slow minute of the machine falls on both. Named cells are measured alone. `serve` is the server of the
//! measurements, in a process of its own, so that its work is not counted.

mod remote;

use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use longshore_abi::raw::{self, Complete};
use longshore_abi::{Answer, StoreRef, Str};
use longshore_ffi::v0_14::ForeignStore;
use longshore_ffi::{Exported, Exporter, Settings};
use object_store::http::HttpBuilder;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use self::remote::{Remote, serve, serve_http};

const ROUNDS: usize = 15;
const IN_FLIGHT: usize = 64;

type Store = Arc<dyn ObjectStore>;

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads")
}

/// A store as it is, and the same through a table, on a runtime of its own, as in a program of two modules.
struct Ways {
    native: Store,
    foreign: Store,
    table: StoreRef,
    /// That of the consumer, who is also the one that works where there is no interface.
    consumer: Runtime,
    _exporter: Runtime,
}

impl Ways {
    fn of(native: Store, exported: Store) -> Self {
        let (consumer, exporter) = (runtime(), runtime());
        let table = Exporter::new(exporter.handle().clone(), Settings::default()).export(Exported::new(exported));
        let foreign = Arc::new(ForeignStore::new(table.retained().expect("the store is alive")));
        Self { native, foreign, table, consumer, _exporter: exporter }
    }
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        return runtime().block_on(async {
            let listeners = (TcpListener::bind("127.0.0.1:0").await, TcpListener::bind("127.0.0.1:0").await);
            let (plain, http) = (listeners.0.expect("a port"), listeners.1.expect("a port"));
            println!("{}", plain.local_addr().expect("an address"));
            println!("{}", http.local_addr().expect("an address"));
            futures_util::join!(serve(plain), serve_http(http));
        });
    }
    let server = Server::start();
    let wanted: Vec<_> = std::env::args().skip(1).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    let cells: Vec<_> = [
        is_wanted("ready").then(ready),
        is_wanted("in_flight").then(|| {
            let store = || {
                let url = format!("http://{}", server.http);
                let options = ClientOptions::new().with_allow_http(true);
                Arc::new(HttpBuilder::new().with_url(url).with_client_options(options).build().expect("a store"))
            };
            in_flight("in_flight", Ways::of(store(), store()))
        }),
        is_wanted("lean").then(|| {
            let store = || Arc::new(Remote::new(server.address, 64, Duration::from_millis(1)));
            in_flight("lean", Ways::of(store(), store()))
        }),
        is_wanted("streaming").then(|| streaming(server.address)),
    ]
    .into_iter()
    .flatten()
    .collect();
    println!("{{{}}}", cells.join(", "));
}

/// A get of 64 bytes that are here: nanoseconds of this thread for each, which does all of it.
fn ready() -> String {
    const CALLS: u32 = 2_000;
    const ROUNDS: usize = 201;
    let store = Arc::new(InMemory::new());
    let ways = Ways::of(store.clone(), store);
    let path = Path::from("bench/object");
    futures_executor::block_on(ways.native.put(&path, vec![7; 64].into())).expect("memory");
    let each = |work: &dyn Fn()| {
        let began = time_of(libc::CLOCK_THREAD_CPUTIME_ID);
        work();
        (time_of(libc::CLOCK_THREAD_CPUTIME_ID) - began) * 1e9 / f64::from(CALLS)
    };
    let gets = |store: &Store| {
        futures_executor::block_on(async {
            for _ in 0..CALLS {
                let bytes = store.get(&path).await.expect("it is here").bytes().await.expect("it is here");
                assert_eq!(black_box(&bytes).len(), 64);
            }
        });
    };
    let (mut native, mut foreign, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        native.push(each(&|| gets(&ways.native)));
        foreign.push(each(&|| gets(&ways.foreign)));
        bare.push(each(&|| (0..CALLS).for_each(|_| bare_get(&ways.table, path.as_ref()))));
    }
    format!(r#""ready": {{"native_ns": {native:?}, "foreign_ns": {foreign:?}, "bare_ns": {bare:?}}}"#)
}

/// As a program in C does it: one call of the table, inline, and the answer given back.
fn bare_get(table: &StoreRef, path: &str) {
    unsafe extern "C" fn never(_: *mut std::ffi::c_void, _: *const raw::Result) {
        std::process::abort();
    }
    let args =
        raw::GetArgs { flags: raw::ALLOW_INLINE, path: Str::new(path), prefetch_bytes: 1 << 20, ..raw::GetArgs::EMPTY };
    let mut result = MaybeUninit::uninit();
    let get = table.vtable().get.expect("every store of ours has it");
    let complete: Complete = never;
    // SAFETY: the store is alive, the arguments are good, and a store in memory is done at once.
    let code = unsafe {
        get(table.data(), &args, Some(complete), std::ptr::null_mut(), result.as_mut_ptr(), std::ptr::null_mut())
    };
    assert_eq!(code, raw::DONE);
    // SAFETY: the exporter wrote it, and gave it to us.
    let mut answer = unsafe { Answer::from_raw(result.as_ptr(), table.vtable()) };
    assert_eq!(black_box(answer.take_buffer()).expect("it is here").as_slice().len(), 64);
}

/// 64 at once of a store that takes a millisecond: microseconds of CPU for each, of all threads but the server's.
fn in_flight(name: &str, ways: Ways) -> String {
    const CALLS: usize = 6_400;
    let measure = |store: &Store, calls: usize| {
        let began = (Instant::now(), cpu());
        ways.consumer.block_on(async {
            let tasks: Vec<_> = (0..IN_FLIGHT)
                .map(|_| {
                    let store = Arc::clone(store);
                    tokio::spawn(async move {
                        let path = Path::from("bench/object");
                        for _ in 0..calls / IN_FLIGHT {
                            let bytes = store.get(&path).await.expect("the server").bytes().await.expect("the server");
                            assert_eq!(bytes.len(), 64);
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.expect("no panic");
            }
        });
        let calls = (calls / IN_FLIGHT * IN_FLIGHT) as f64;
        ((cpu() - began.1) * 1e6 / calls, began.0.elapsed().as_secs_f64())
    };
    // Connects, and takes the memory that it needs.
    for store in [&ways.native, &ways.foreign] {
        measure(store, CALLS / 4);
    }
    let (mut native, mut foreign) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        native.push(measure(&ways.native, CALLS));
        foreign.push(measure(&ways.foreign, CALLS));
    }
    let part = |of: &[(f64, f64)], which: fn(&(f64, f64)) -> f64| of.iter().map(which).collect::<Vec<_>>();
    format!(
        r#""{name}": {{"native_cpu_us": {:?}, "foreign_cpu_us": {:?}, "native_s": {:?}, "foreign_s": {:?}, "calls": {CALLS}}}"#,
        part(&native, |round| round.0),
        part(&foreign, |round| round.0),
        part(&native, |round| round.1),
        part(&foreign, |round| round.1),
    )
}

/// One large body, in pieces: MiB for each second, and seconds of CPU for each GiB.
fn streaming(server: SocketAddr) -> String {
    const SIZE: u64 = 64 << 20;
    const ROUNDS: usize = 61;
    let remote = || Arc::new(Remote::new(server, SIZE, Duration::ZERO));
    let ways = Ways::of(remote(), remote());
    let measure = |store: &Store| {
        let began = (Instant::now(), cpu());
        ways.consumer.block_on(async {
            let mut body = store.get(&Path::from("bench/object")).await.expect("the server").into_stream();
            let mut size = 0;
            while let Some(chunk) = body.next().await {
                size += black_box(chunk.expect("the server")).len() as u64;
            }
            assert_eq!(size, SIZE);
        });
        let parts = SIZE as f64 / f64::from(1 << 20);
        (parts / began.0.elapsed().as_secs_f64(), (cpu() - began.1) * 1024.0 / parts)
    };
    for store in [&ways.native, &ways.foreign] {
        measure(store);
    }
    let (mut native, mut foreign) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        native.push(measure(&ways.native));
        foreign.push(measure(&ways.foreign));
    }
    let part = |of: &[(f64, f64)], which: fn(&(f64, f64)) -> f64| of.iter().map(which).collect::<Vec<_>>();
    format!(
        r#""streaming": {{"native_mib_s": {:?}, "foreign_mib_s": {:?}, "native_cpu_s": {:?}, "foreign_cpu_s": {:?}, "mib": {}}}"#,
        part(&native, |round| round.0),
        part(&foreign, |round| round.0),
        part(&native, |round| round.1),
        part(&foreign, |round| round.1),
        SIZE >> 20,
    )
}

/// Seconds that this process has used, on all threads, by itself and in the kernel.
fn cpu() -> f64 {
    time_of(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// Seconds on a clock of the system's.
fn time_of(clock: libc::clockid_t) -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: fills in what it is given.
    let code = unsafe { libc::clock_gettime(clock, &raw mut time) };
    assert_eq!(code, 0, "the clock is there");
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The server's process, which ends with this value.
struct Server {
    process: Child,
    address: SocketAddr,
    http: SocketAddr,
}

impl Server {
    fn start() -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut process = Command::new(program).arg("serve").stdout(Stdio::piped()).spawn().expect("a server");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let mut address = || lines.next().expect("an address").expect("an address").parse().expect("an address");
        Self { address: address(), http: address(), process }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
