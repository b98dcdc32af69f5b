use std::io::Read;
use std::net::TcpListener;
use std::process::Stdio;

use longshore_gateway::FaultAction;

use crate::place::Place;

fn status(code: u16, error: &str) -> FaultAction {
    FaultAction::Status { code, error: error.into(), headers: Vec::new() }
}

#[test]
fn each_kind_of_failure_has_its_exit_code() {
    let place = Place::new();
    place.write(&["file"]);
    for (arguments, code) in [
        (&["ls", "s3://bucket"][..], 0),
        (&["frobnicate"], 2),
        (&["cat", "s3://bucket/missing"], 3),
        (&["ls", "s3://missing-bucket"], 3),
        (&["cat", "missing-file"], 3),
        (&["--no-sign-request", "ls", "s3://bucket"], 4),
        (&["--endpoint-url", "http://127.0.0.1:1", "-r0", "ls", "s3://bucket"], 5),
        (&["stat", "file", "missing"], 6),
    ] {
        let ended = place.run(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert_eq!(ended.err.is_empty(), code == 0, "{arguments:?}: {ended:?}");
    }
    place.fault("GET", "/bucket/broken", status(500, "InternalError"));
    assert_eq!(place.run(&["-r0", "cat", "s3://bucket/broken"]).code, Some(1));
    place.fault("GET", "/bucket/impossible", status(501, "NotImplemented"));
    assert_eq!(place.run(&["-r0", "cat", "s3://bucket/impossible"]).code, Some(7));
    place.fault("GET", "/bucket/secret", status(403, "AccessDenied"));
    assert_eq!(place.run(&["cat", "s3://bucket/secret"]).code, Some(4));
}

#[test]
fn a_silent_server_counts_as_unreachable() {
    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let place = Place::new();
    let ended = place.run(&["--endpoint-url", &endpoint, "-r0", "--timeout", "300ms", "--json", "ls", "s3://bucket"]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(ended.err.contains(r#""kind":"Timeout""#), "{ended:?}");
}

#[test]
fn failures_are_json_lines_on_standard_error_and_results_on_standard_output() {
    let place = Place::new();
    place.write(&["file"]);
    let ended = place.run(&["--json", "stat", "file", "missing"]);
    let line: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((line["key"].as_str(), line["size"].as_u64()), (Some("file"), Some(4)));
    let line: serde_json::Value = serde_json::from_str(&ended.err).unwrap();
    assert_eq!(line["operation"], "stat");
    assert_eq!(line["command"], "stat missing");
    assert_eq!(line["kind"], "NotFound");
    assert!(line["error"].as_str().unwrap().contains("missing"), "{line}");
}

#[test]
fn a_secret_key_is_in_no_message() {
    let place = Place::new();
    let ended = place.run(&["serve", "--secret-key", "hunter2", "--port", "99999"]);
    assert_eq!(ended.code, Some(2));
    assert!(!ended.err.contains("hunter2"), "{ended:?}");
}

#[test]
fn a_reader_that_leaves_ends_a_listing_quietly() {
    let place = Place::new();
    place.ok(&["put", "s3://bucket/many/", "--count", "3000", "--size", "1"]);
    let mut child =
        place.command(&["ls", "s3://bucket/many/"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 10];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut first).unwrap();
    drop(out);
    let ended = crate::place::ended(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn a_copy_goes_on_when_nobody_reads_its_lines() {
    let place = Place::new();
    let names: Vec<String> = (0..50).map(|index| format!("d/{index}")).collect();
    place.write(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut child = place.start(&["cp", "d/", "s3://bucket/"]);
    drop(child.stdout.take());
    let ended = crate::place::ended(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert_eq!(place.ok(&["ls", "s3://bucket"]).lines().count(), 50);
}

#[test]
fn a_full_disk_is_a_failure() {
    let place = Place::new();
    place.ok(&["put", "s3://bucket/", "--size", "100KB", "--template", "k"]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = place.command(&["cat", "s3://bucket/k"]).stdout(full).output().unwrap();
    let ended = crate::place::ended(output);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("cannot write to standard output"), "{ended:?}");
}

#[test]
fn what_can_only_be_read_is_refused_before_anything_is_done() {
    let place = Place::new();
    place.write(&["a"]);
    let web = "http://127.0.0.1:9/x/";
    for command in [
        &["cp", "a", web][..],
        &["mv", web, "b/"],
        &["mv", "a", web],
        &["sync", "./", web],
        &["rm", "http://127.0.0.1:9/x"],
        &["mb", "http://127.0.0.1:9"],
        &["rb", "http://127.0.0.1:9"],
        &["put", web],
        &["bench", "put", web],
    ] {
        for dry in [&["--dry-run"][..], &[]] {
            let ended = place.run(&[dry, command].concat());
            assert_eq!((ended.code, ended.out.as_str()), (Some(7), ""), "{command:?}: {ended:?}");
            assert!(ended.err.contains("read-only"), "{ended:?}");
        }
    }
    assert_eq!(place.files(), ["a"]);
}

#[test]
fn what_cannot_be_served_has_the_exit_code_of_its_reason() {
    let place = Place::new();
    place.write(&["file"]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (arguments, code) in [
        (&["nowhere"][..], 3),
        (&["file"], 2),
        (&["--port", "-1"], 2),
        (&["--host", "256.1.1.1"], 2),
        (&["--port", &port], 1),
    ] {
        let ended = place.run(&[&["serve"], arguments].concat());
        assert_eq!((ended.code, ended.out.as_str()), (Some(code), ""), "{arguments:?}: {ended:?}");
        assert!(ended.err.starts_with("cannot serve: "), "{ended:?}");
    }
}

#[test]
fn a_scheme_alone_is_the_list_of_its_buckets() {
    let place = Place::new();
    let names = |out: String| out.lines().map(|line| line[19..].trim().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(place.ok(&["ls"])), ["s3://bucket", "s3://other"]);
    assert_eq!(names(place.ok(&["ls", "s3://"])), ["s3://bucket", "s3://other"]);
    for scheme in ["gs://", "az://", "abfss://"] {
        let ended = place.run(&["ls", scheme]);
        assert_eq!(ended.code, Some(7), "{ended:?}");
        assert!(ended.err.contains(&format!("{scheme}: ")) && ended.err.contains("name one"), "{ended:?}");
    }
}

#[test]
fn what_other_tools_call_otherwise_is_pointed_to() {
    let place = Place::new();
    for (arguments, words) in [
        (&["pipe", "s3://b/k"][..], "`longshore cp - URI`"),
        (&["rcat", "s3://b/k"], "`longshore cp - URI`"),
        (&["copy", "a", "b"], "`longshore cp`"),
        (&["delete", "s3://b/k"], "`longshore rm`"),
        (&["s3", "ls"], "leave out `s3`"),
        (&["rsync", "a", "b"], "`longshore sync`"),
        (&["put", "a", "s3://b/"], "`longshore cp`"),
        (&["rm", "--recursive", "s3://b/x"], "with a / at its end"),
        (&["cp", "-r", "s3://b/x/", "x/"], "with a / at its end"),
        (&["ls", "--recursive", "s3://b/x"], "--all"),
        (&["rb", "--force", "s3://b"], "`longshore rm --all`"),
    ] {
        let ended = place.run(arguments);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains(words), "{arguments:?}: {ended:?}");
        assert_eq!(ended.err.matches("tip:").count(), 1, "{arguments:?}: {ended:?}");
        let ended = place.run(&[&["--json"], arguments].concat());
        assert!(ended.err.contains(words) && ended.err.lines().count() == 1, "{arguments:?}: {ended:?}");
    }
    // What is only misspelt has clap's own.
    assert!(place.run(&["lss"]).err.contains("a similar subcommand exists: 'ls'"));
    std::fs::write(place.folder().join("commands"), "pipe s3://b/k\n").unwrap();
    assert!(place.run(&["run", "commands"]).err.contains("`longshore cp - URI`"));
}
