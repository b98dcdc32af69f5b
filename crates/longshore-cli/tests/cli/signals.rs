use std::process::Command;
use std::time::{Duration, Instant};

use longshore_gateway::FaultAction;

use crate::place::{Place, ended};

pub(crate) fn send(signal: &str, child: u32) {
    assert!(Command::new("kill").args([signal, &child.to_string()]).status().unwrap().success());
}

pub(crate) fn wait_for(mut what: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !what() {
        assert!(Instant::now() < deadline, "it does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_interrupted_copy_ends_at_once_and_leaves_nothing() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let place = Place::new();
        place.ok(&["put", "s3://bucket/", "--size", "2MiB", "--template", "k"]);
        let stall = place.fault("GET", "/bucket/k", FaultAction::Stall { after: 1_000_000 });
        let child = place.start(&["cp", "s3://bucket/k", "k"]);
        wait_for(|| place.gateway.faults().hits(stall) > 0);
        std::thread::sleep(Duration::from_millis(50));
        let began = Instant::now();
        send(signal, child.id());
        let ended = ended(child.wait_with_output().unwrap());
        // Half a second is promised. A machine may be busy; a transfer that is waited for would never end.
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert_eq!(place.files(), [""; 0], "{ended:?}");
    }
}

#[test]
fn an_interrupted_server_has_ended_well() {
    let place = Place::new();
    for signal in ["-INT", "-TERM"] {
        let mut child = place.start(&["serve"]);
        let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
        assert!(line.starts_with("http://127.0.0.1:"), "{line}");
        send(signal, child.id());
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}
