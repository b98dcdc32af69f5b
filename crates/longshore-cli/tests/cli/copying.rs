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
fn a_source_that_is_not_there_does_not_keep_the_others_from_being_copied() {
    let place = Place::new();
    place.write(&["a", "b"]);
    for missing in ["none", "none*", "none/", "s3://bucket/none*"] {
        let ended = place.run(&["cp", "a", missing, "b", "s3://bucket/"]);
        assert_eq!(ended.code, Some(6), "{ended:?}");
        assert_eq!(ended.out.lines().count(), 2, "{ended:?}");
        assert!(
            ended.err.starts_with(&format!("ERROR \"cp {missing}\": ")) && ended.err.lines().count() == 1,
            "{ended:?}"
        );
        place.ok(&["rm", "s3://bucket/*"]);
    }
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
fn what_was_not_tried_any_more_is_one_line_and_each_failure_is_its_own() {
    let place = Place::new();
    let names: Vec<String> = (0..500).map(|index| format!("d/{index:03}")).collect();
    place.write(&names.iter().map(String::as_str).collect::<Vec<_>>());
    place.fault("PUT", "/bucket", FaultAction::CloseConnection);
    let ended = place.run(&["-r0", "-j8", "cp", "d/", "s3://bucket/"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(5), ""), "{ended:?}");
    let lines: Vec<&str> = ended.err.lines().collect();
    assert!(lines.len() < 100 && lines[lines.len() - 1].contains("more objects were not tried"), "{ended:?}");
    for line in &lines[..lines.len() - 1] {
        let (attempt, said) = line.split_once("\": ").unwrap();
        let name = attempt.rsplit('/').next().unwrap();
        assert!(said.contains(&format!("/{name} to s3://bucket/{name}:")), "{line}");
    }
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

#[test]
fn a_move_onto_itself_deletes_nothing_however_its_source_is_reached() {
    let place = Place::new();
    place.write(&["a"]);
    place.ok(&["cp", "a", "s3://bucket/a"]);
    for options in [&[][..], &["--source-region", "eu-west-1"], &["--source-no-sign-request"]] {
        let ended = place.run(&[&["mv"], options, &["s3://bucket/a", "s3://bucket/a"]].concat());
        assert_eq!(ended.code, Some(2), "{options:?}: {ended:?}");
    }
    assert_eq!(place.ok(&["cat", "s3://bucket/a"]), "a");
}

#[test]
fn a_folder_is_not_copied_into_itself_by_way_of_a_link() {
    let place = Place::new();
    place.write(&["d/a", "d/e/b"]);
    std::os::unix::fs::symlink("d/e", place.folder().join("link")).unwrap();
    let ended = place.run(&["mv", "d/", "link/"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(place.files(), ["d/a", "d/e/b", "link/b"]);
}

#[test]
fn what_was_flattened_into_the_source_is_no_source() {
    let place = Place::new();
    place.write(&["a", "b"]);
    place.ok(&["cp", "a", "b", "s3://bucket/d/"]);
    for _ in 0..2 {
        assert_eq!(place.ok(&["cp", "--flatten", "s3://bucket/d/", "s3://bucket/d/flat/"]).lines().count(), 2);
    }
}

#[test]
fn standard_input_does_not_replace_what_is_to_stay() {
    let place = Place::new();
    place.write(&["a"]);
    place.ok(&["cp", "a", "s3://bucket/a"]);
    place.ok(&["cp", "--no-clobber", "-", "s3://bucket/a"]);
    place.ok(&["cp", "--no-clobber", "-", "s3://bucket/new"]);
    assert_eq!(place.ok(&["cat", "s3://bucket/a", "s3://bucket/new"]), "a");
    assert_eq!(place.run(&["cp", "--if-source-newer", "-", "s3://bucket/a"]).code, Some(2));
}

#[test]
fn a_file_that_grows_after_it_was_copied_is_not_deleted_by_the_move() {
    let place = Place::new();
    place.write(&["d/a", "d/b"]);
    // One waits for its answer, and with it the deletion of both.
    let slow = FaultAction::Latency(std::time::Duration::from_secs(2));
    place.fault("PUT", "/bucket/b", slow);
    let moving = place.start(&["mv", "d/", "s3://bucket/"]);
    while place.requests("PutObject") == 0 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::fs::write(place.folder().join("d/a"), "a, and more").unwrap();
    let ended = crate::place::ended(moving.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert!(ended.err.contains("d/a: it was changed"), "{ended:?}");
    assert_eq!(place.files(), ["d/a"]);
}

#[test]
fn an_object_that_is_replaced_after_it_was_copied_is_not_deleted_by_the_move() {
    for (target, method, path, copied) in
        [("s3://other/", "PUT", "/other/b", "CopyObject"), ("back/", "GET", "/bucket/d/b", "GetObject")]
    {
        let place = Place::new();
        place.write(&["d/a", "d/b", "new"]);
        place.ok(&["cp", "d/", "s3://bucket/d/"]);
        // One waits for its answer, and with it the deletion of both.
        place.fault(method, path, FaultAction::Latency(std::time::Duration::from_secs(2)));
        let moving = place.start(&["mv", "s3://bucket/d/", target]);
        while place.requests(copied) == 0 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        std::thread::sleep(std::time::Duration::from_millis(300));
        place.ok(&["cp", "new", "s3://bucket/d/a"]);
        let ended = crate::place::ended(moving.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(6), "{ended:?}");
        assert!(ended.err.contains("s3://bucket/d/a: it was changed"), "{ended:?}");
        assert_eq!(place.ok(&["ls", "s3://bucket/d/"]).lines().count(), 1);
        assert_eq!(place.ok(&["cat", "s3://bucket/d/a"]), "new");
    }
}

#[test]
fn a_move_leaves_what_links_lead_to_in_other_folders() {
    let place = Place::new();
    place.write(&["outside/precious", "d/own"]);
    std::os::unix::fs::symlink("../outside", place.folder().join("d/linked")).unwrap();
    std::os::unix::fs::symlink("../outside/precious", place.folder().join("d/link")).unwrap();
    let ended = place.run(&["mv", "d/", "s3://bucket/"]);
    assert_eq!((ended.code, ended.out.lines().count()), (Some(0), 3), "{ended:?}");
    assert!(ended.err.starts_with("1 copied and kept"), "{ended:?}");
    assert_eq!(place.files(), ["d/linked/precious", "outside/precious"]);
    assert_eq!(place.ok(&["cat", "s3://bucket/linked/precious", "s3://bucket/link"]), "outside/precious".repeat(2));
}

#[test]
fn files_that_only_look_like_ours_are_copied() {
    let place = Place::new();
    place.write(&["d/.longshore-notes.tmp", "d/.my.longshore-part", "d/.longshore-0123456789abcdef.tmp"]);
    let out = place.ok(&["cp", "d/", "s3://bucket/"]);
    assert_eq!(out.lines().count(), 2, "{out}");
}

#[test]
fn generated_objects_are_foretold_in_the_form_that_is_asked_for() {
    let place = Place::new();
    let out = place.ok(&["--json", "--dry-run", "put", "s3://bucket/", "--size", "1", "--count", "2", "--seed", "1"]);
    assert_eq!(out.lines().count(), 2);
    assert!(
        out.lines().all(|line| line.starts_with(r#"{"operation":"put","success":true,"destination":"s3://"#)),
        "{out}"
    );
    let ended = place.run(&["put", "s3://bucket/", "--count", "99999999999999", "--size", "1"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
}

#[test]
fn no_signature_of_an_address_is_shown() {
    let place = Place::new();
    let secret = format!("{}/bucket/k?X-Amz-Signature=hunter2&a=hunter2", place.gateway.endpoint());
    let user = secret.replace("http://", "http://me:hunter2@");
    std::fs::write(place.folder().join("lines"), format!("stat '{secret}'\n")).unwrap();
    std::fs::write(place.folder().join("wrong"), format!("stat '{secret}' --no-such\n")).unwrap();
    for uri in [secret.as_str(), &user] {
        for arguments in [
            &["cp", uri, "k"][..],
            &["--dry-run", "cp", uri, "k"],
            &["cp", "lines", uri],
            &["cp", uri, "s3://bucket/*"],
            &["mv", uri, "k"],
            &["sync", uri, "k/"],
            &["stat", uri],
            &["ls", uri],
            &["du", uri],
            &["rm", uri],
            &["mb", uri],
            &["rb", uri],
            &["cat", uri],
            &["put", uri, "--size", "1"],
            &["run", "lines"],
            &["run", "wrong"],
        ] {
            for form in [&["-r0"][..], &["-r0", "--json"]] {
                let ended = place.run(&[form, arguments].concat());
                assert!(!format!("{ended:?}").contains("hunter2"), "{arguments:?}: {ended:?}");
            }
        }
    }
}
