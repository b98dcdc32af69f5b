//! Starting and stopping.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use longshore_gateway::{FaultAction, FaultRule, Gateway};

use crate::open_gateway;
use crate::wire::{connect, get, put, receive, send};

/// Set in the process of its own in which threads are counted.
const ALONE: &str = "GATEWAY_TEST_ALONE";

#[test]
fn a_dropped_gateway_refuses_connections_at_once() {
    let gateway = open_gateway();
    let address = gateway.address();
    let mut idle = connect(&gateway);
    drop(gateway);
    assert!(TcpStream::connect(address).is_err());
    assert!(receive(&mut idle, false).is_err());
}

#[test]
fn a_dropped_gateway_leaves_no_thread() {
    let name = "life::a_dropped_gateway_leaves_no_thread";
    if std::env::var_os(ALONE).is_none() {
        // Other tests have gateways too, so the counting is done in a process without any.
        let this = std::env::current_exe().unwrap();
        let status = std::process::Command::new(this).args(["--exact", name]).env(ALONE, "1").status().unwrap();
        return assert!(status.success());
    }
    let threads = || {
        let name =
            |entry: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(entry.unwrap().path().join("comm"));
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        tasks
            .filter(|_| true)
            .filter_map(|entry| name(entry).ok())
            .filter(|name| name.starts_with("longshore-gatew"))
            .count()
    };
    let gateway = open_gateway();
    assert!(threads() >= 2, "the control: running, it has threads");
    put(&gateway, "/bucket/key", b"body");
    drop(gateway);
    assert_eq!(threads(), 0);
}

#[test]
fn stopping_does_not_wait_for_a_stalled_answer() {
    let gateway = open_gateway();
    put(&gateway, "/bucket/key", b"0123456789");
    gateway.faults().add(FaultRule::new(FaultAction::Stall { after: 3 }));
    let mut stream = connect(&gateway);
    send(&mut stream, "GET", "/bucket/key", &[], b"");
    let reader = std::thread::spawn(move || receive(&mut stream, false).unwrap());
    std::thread::sleep(Duration::from_millis(200));
    let started = Instant::now();
    gateway.stop();
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(reader.join().unwrap().body, b"012");
}

#[tokio::test]
async fn it_starts_and_stops_inside_a_runtime() {
    let gateway = open_gateway();
    assert_eq!(get(&gateway, "/bucket/none").status, 404);
}

#[test]
fn two_gateways_share_nothing() {
    let (one, other) = (open_gateway(), open_gateway());
    put(&one, "/bucket/key", b"body");
    assert_eq!(get(&other, "/bucket/key").status, 404);
    assert_ne!(one.endpoint(), other.endpoint());
}

#[test]
fn an_address_in_use_is_an_error_of_start() {
    let gateway = open_gateway();
    let second = Gateway::builder().anonymous().address(gateway.address()).start();
    assert_eq!(second.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
}

#[test]
fn a_gateway_for_nobody_does_not_start() {
    let error = Gateway::builder().memory().start().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

#[test]
fn it_listens_where_it_is_told() {
    let address = SocketAddr::from(([127, 0, 0, 7], 0));
    let gateway = Gateway::builder().anonymous().address(address).start().unwrap();
    assert!(gateway.endpoint().starts_with("http://127.0.0.7:"));
}
