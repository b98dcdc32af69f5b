use longshore_gateway::{FaultAction, FaultRule};

use crate::place::Place;

/// A listing that no server should give, and some could.
fn listing(keys: &[&str]) -> FaultAction {
    let contents: String = keys
        .iter()
        .map(|key| {
            format!(
                "<Contents><Key>{key}</Key><Size>4</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified>\
                 <ETag>\"x\"</ETag></Contents>"
            )
        })
        .collect();
    let body = format!("<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>");
    FaultAction::Reply { code: 200, headers: Vec::new(), body }
}

#[test]
fn no_key_writes_outside_of_the_target_folder() {
    for command in [&["cp"][..], &["mv"], &["sync"]] {
        let place = Place::new();
        place.write(&["in/side"]);
        place.ok(&["cp", "in/side", "s3://bucket/p/good"]);
        place.fault(
            "GET",
            "/bucket",
            listing(&["p/../../evil", "p//etc/evil", "p/a/../evil", "p/./evil", "p/a//evil"]),
        );
        let ended = place.run(&[command, &["s3://bucket/p/", "in/deep/target/"]].concat());
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_eq!(ended.err.matches("cannot be the name of a file").count(), 5, "{ended:?}");
        assert_eq!(place.files(), ["in/side"], "{command:?}");
        assert_eq!(place.requests("GetObject") + place.requests("DeleteObjects"), 0);
    }
}

#[test]
fn one_that_fails_does_not_keep_the_others_from_being_copied() {
    let place = Place::new();
    place.write(&["d/a", "d/b", "d/c"]);
    let action = FaultAction::Status { code: 403, error: "AccessDenied".into(), headers: Vec::new() };
    place.fault("PUT", "/bucket/b", action);
    let ended = place.run(&["cp", "d/", "s3://bucket/"]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert_eq!(ended.out.lines().count(), 2, "{ended:?}");
    assert!(ended.err.starts_with("ERROR \"cp d/b s3://bucket/b\": "), "{ended:?}");
    assert_eq!(place.ok(&["ls", "--show-fullpath", "s3://bucket"]), "s3://bucket/a\ns3://bucket/c\n");
}

#[test]
fn a_server_in_trouble_is_waited_for() {
    let place = Place::new();
    place.write(&["d/a", "d/b", "d/c"]);
    let action = FaultAction::Status { code: 503, error: "SlowDown".into(), headers: Vec::new() };
    let rule = FaultRule {
        method: Some("PUT".into()),
        path_contains: Some("/bucket/b".into()),
        // More than the engine has patience for.
        times: Some(4),
        ..FaultRule::new(action)
    };
    let fault = place.gateway.faults().add(rule);
    let ended = place.run(&["-r2", "cp", "d/", "s3://bucket/"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.err, "the server is lost or in trouble; trying again in 1 s, 1 to go\n");
    assert_eq!((place.gateway.faults().hits(fault), ended.out.lines().count()), (4, 3));
    assert_eq!(place.ok(&["cat", "s3://bucket/b"]), "d/b");
}

#[test]
fn a_move_keeps_the_source_of_what_could_not_be_copied() {
    let place = Place::new();
    place.write(&["d/a", "d/b"]);
    let action = FaultAction::Status { code: 403, error: "AccessDenied".into(), headers: Vec::new() };
    place.fault("PUT", "/bucket/b", action);
    assert_eq!(place.run(&["mv", "d/", "s3://bucket/"]).code, Some(6));
    assert_eq!(place.files(), ["d/b"]);
}

#[test]
fn small_objects_take_one_request_each() {
    let place = Place::new();
    let names: Vec<String> = (0..20).map(|index| format!("d/{index:02}")).collect();
    place.write(&names.iter().map(String::as_str).collect::<Vec<_>>());
    place.ok(&["cp", "d/", "s3://bucket/d/"]);
    let stats = place.gateway.stats();
    assert_eq!(stats.operations.values().sum::<u64>(), 20, "{stats:?}");
    place.gateway.reset_stats();
    place.ok(&["cp", "s3://bucket/d/", "back/"]);
    let stats = place.gateway.stats();
    assert_eq!((stats.operation("GetObject"), stats.operations.values().sum::<u64>()), (20, 21), "{stats:?}");
    place.gateway.reset_stats();
    place.ok(&["cp", "s3://bucket/d/", "s3://other/d/"]);
    let stats = place.gateway.stats();
    assert_eq!((stats.operation("CopyObject"), stats.operations.values().sum::<u64>()), (20, 21), "{stats:?}");
}

#[test]
fn a_sync_of_what_is_alike_only_lists() {
    let place = Place::new();
    place.write(&["d/a", "d/b/c"]);
    place.ok(&["sync", "d/", "s3://bucket/d/"]);
    place.gateway.reset_stats();
    assert_eq!(place.ok(&["sync", "--delete", "d/", "s3://bucket/d/"]), "");
    let stats = place.gateway.stats();
    assert_eq!((stats.operation("ListObjectsV2"), stats.operations.values().sum::<u64>()), (1, 1), "{stats:?}");
}

#[test]
fn sources_may_be_in_another_service() {
    let (here, there) = (Place::new(), Place::new());
    there.write(&["a", "b"]);
    there.ok(&["cp", "a", "b", "s3://bucket/from/"]);
    let endpoint = there.gateway.endpoint();
    here.ok(&["cp", "--source-endpoint-url", &endpoint, "s3://bucket/from/", "s3://bucket/to/"]);
    assert_eq!(here.ok(&["cat", "s3://bucket/to/a", "s3://bucket/to/b"]), "ab");
    assert_eq!(
        here.ok(&["sync", "--source-endpoint-url", &endpoint, "s3://bucket/from/", "s3://other/to/"]).lines().count(),
        2
    );
    // The same name, and not the same object.
    here.ok(&["cp", "--source-endpoint-url", &endpoint, "s3://bucket/from/a", "s3://bucket/from/a"]);
}

#[test]
fn a_body_that_breaks_off_arrives_whole() {
    let place = Place::new();
    place.ok(&["put", "s3://bucket/", "--size", "300000", "--template", "k", "--seed", "1"]);
    let whole = place.command(&["cat", "s3://bucket/k"]).output().unwrap().stdout;
    let cut = place.fault("GET", "/bucket/k", FaultAction::CutBody { after: 100_000 });
    let again = place.command(&["cat", "s3://bucket/k"]).output().unwrap();
    assert!(again.stdout == whole && whole.len() == 300_000, "{} bytes", again.stdout.len());
    place.ok(&["cp", "s3://bucket/k", "k"]);
    assert!(std::fs::read(place.folder().join("k")).unwrap() == whole);
    assert!(place.gateway.faults().hits(cut) >= 4);
}
