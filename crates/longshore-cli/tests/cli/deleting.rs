use longshore_gateway::FaultAction;

use crate::place::Place;

#[test]
fn many_objects_are_deleted_in_one_request() {
    let place = Place::new();
    place.ok(&["put", "s3://bucket/many/", "--count", "1500", "--size", "1"]);
    place.gateway.reset_stats();
    assert_eq!(place.ok(&["rm", "s3://bucket/many/"]).lines().count(), 1500);
    assert_eq!((place.requests("DeleteObjects"), place.requests("DeleteObject")), (2, 0));
}

#[test]
fn what_could_not_be_deleted_is_told_object_by_object() {
    let place = Place::new();
    place.write(&["a", "b"]);
    place.ok(&["cp", "a", "b", "s3://bucket/"]);
    let body = "<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>";
    place.fault("POST", "/bucket", FaultAction::Reply { code: 200, headers: Vec::new(), body: body.into() });
    let ended = place.run(&["rm", "s3://bucket/*"]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert_eq!(ended.out, "rm s3://bucket/a\n");
    assert_eq!(ended.err, "ERROR \"rm s3://bucket/b\": s3://bucket/b: AccessDenied: no\n");
    let ended = place.run(&["--json", "rm", "s3://bucket/b"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.err.contains(r#""kind":"PermissionDenied""#), "{ended:?}");
}

#[test]
fn a_dry_run_changes_nothing() {
    let place = Place::new();
    place.write(&["d/a", "d/b"]);
    place.ok(&["cp", "d/", "s3://bucket/d/"]);
    place.gateway.reset_stats();
    for arguments in [
        &["rm", "s3://bucket/d/"][..],
        &["rm", "d/"],
        &["mv", "d/", "s3://other/"],
        &["mv", "s3://bucket/d/", "back/"],
        &["cp", "d/", "s3://other/"],
        &["sync", "--delete", "d/", "s3://other/"],
        &["mb", "s3://third"],
        &["put", "s3://bucket/x/", "--size", "1"],
    ] {
        let out = place.ok(&[&["--dry-run"], arguments].concat());
        assert!(!out.is_empty(), "{arguments:?}");
    }
    let stats = place.gateway.stats();
    assert_eq!(stats.operations.keys().map(String::as_str).collect::<Vec<_>>(), ["ListObjectsV2"], "{stats:?}");
    assert_eq!(place.files(), ["d/a", "d/b"]);
}

#[test]
fn links_are_deleted_and_what_they_lead_to_is_left_alone() {
    let place = Place::new();
    place.write(&["outside/precious", "d/file"]);
    std::os::unix::fs::symlink(place.folder().join("outside"), place.folder().join("d/folder")).unwrap();
    std::os::unix::fs::symlink("../outside/precious", place.folder().join("d/link")).unwrap();
    place.ok(&["rm", "d/*"]);
    assert_eq!(place.files(), ["outside/precious"]);
    assert!(place.folder().join("d").read_dir().unwrap().next().is_none());
}

#[test]
fn dots_that_a_shell_finds_for_hidden_files_delete_no_folder() {
    let place = Place::new();
    place.write(&["above", "d/file"]);
    for dots in [".", "..", "d/.."] {
        let ended = place.ended(place.command(&["rm", dots]).current_dir(place.folder().join("d")));
        assert_eq!(ended.code, Some(2), "{dots}: {ended:?}");
    }
    assert_eq!(place.files(), ["above", "d/file"]);
    place.ok(&["rm", "d/./"]);
    assert_eq!(place.files(), ["above"]);
}

#[test]
fn a_pattern_does_not_delete_the_whole_machine() {
    let place = Place::new();
    for pattern in ["/*", "//**", "file:///*"] {
        let ended = place.run(&["--dry-run", "--quiet", "rm", pattern]);
        assert_eq!(ended.code, Some(2), "{pattern}: {ended:?}");
    }
}

#[test]
fn a_failure_under_another_name_is_a_failure() {
    let place = Place::new();
    place.write(&["a", "b"]);
    place.ok(&["cp", "a", "b", "s3://bucket/"]);
    let body =
        "<DeleteResult><Error><Key>%62</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>";
    place.fault("POST", "/bucket", FaultAction::Reply { code: 200, headers: Vec::new(), body: body.into() });
    let ended = place.run(&["rm", "s3://bucket/a", "s3://bucket/b"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(4), ""), "{ended:?}");
    assert!(ended.err.contains("s3://bucket/%62: AccessDenied: no"), "{ended:?}");
}

#[test]
fn a_sync_between_two_names_of_one_place_deletes_nothing() {
    let place = Place::new();
    place.write(&["data/x", "data/sub/y"]);
    place.ok(&["cp", "data/", "s3://bucket/"]);
    std::os::unix::fs::symlink("data/sub", place.folder().join("link")).unwrap();
    for arguments in [
        ["data/", "link/"],
        ["link/", "data/"],
        ["data/", "link/new/folder"],
        ["s3://bucket/sub/", "s3://bucket/"],
        ["s3://bucket/", "s3://bucket/sub/"],
    ] {
        let ended = place.run(&[&["sync", "--delete", "--source-region", "eu-west-1"], &arguments[..]].concat());
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
    }
    assert_eq!(place.files(), ["data/sub/y", "data/x", "link/y"]);
    assert_eq!(place.ok(&["ls", "--all", "--show-fullpath", "s3://bucket"]).lines().count(), 2);
}

#[test]
fn a_dry_run_says_what_the_server_would_refuse() {
    let place = Place::new();
    place.write(&["full/file", "file"]);
    std::fs::create_dir(place.folder().join("empty")).unwrap();
    place.ok(&["cp", "file", "s3://bucket/deep/key"]);
    for (arguments, code, words) in [
        (&["rb", "s3://missing"][..], 3, "NoSuchBucket"),
        (&["rb", "s3://bucket"], 1, "it is not empty; delete what is in it first (there is \"deep/key\", for one)"),
        (&["rb", "s3://other"], 0, ""),
        (&["rb", "nowhere"], 3, "nowhere"),
        (&["rb", "full"], 1, "not empty"),
        (&["rb", "file"], 3, "Not a directory"),
        (&["rb", "empty"], 0, ""),
        (&["rm", "s3://missing/key"], 3, "NoSuchBucket"),
        (&["rm", "--force", "s3://missing/key"], 3, "NoSuchBucket"),
        (&["rm", "s3://missing/folder/"], 3, "NoSuchBucket"),
        (&["rm", "s3://bucket/none"], 3, "no such object"),
        (&["rm", "none"], 3, "no such file"),
        (&["rm", "s3://bucket/deep/key"], 0, ""),
        (&["mv", "s3://bucket/none", "x"], 3, "no such object"),
        (&["mv", "s3://bucket/deep", "x"], 3, "write s3://bucket/deep/"),
        (&["cp", "s3://bucket/none", "s3://other/x"], 3, "no such object"),
        (&["mv", "s3://bucket/deep/key", "s3://missing/key"], 3, "NoSuchBucket"),
        (&["cp", "full/", "s3://missing/"], 3, "NoSuchBucket"),
        (&["mv", "s3://bucket/deep/key", "x"], 0, ""),
        (&["--no-sign-request", "rm", "s3://bucket/deep/key"], 4, "AccessDenied"),
    ] {
        let dry = place.run(&[&["--dry-run"], arguments].concat());
        assert_eq!(dry.code, Some(code), "{arguments:?}: {dry:?}");
        assert!(dry.err.contains(words) && dry.err.is_empty() == (code == 0), "{arguments:?}: {dry:?}");
    }
    assert_eq!(place.requests("DeleteObjects") + place.requests("DeleteObject") + place.requests("DeleteBucket"), 0);
    // What it said is what happens.
    for (arguments, code) in [
        (&["rb", "s3://missing"][..], 3),
        (&["rb", "s3://bucket"], 1),
        (&["rb", "s3://other"], 0),
        (&["rb", "nowhere"], 3),
        (&["rb", "full"], 1),
        (&["rb", "file"], 3),
        (&["rb", "empty"], 0),
        (&["mv", "s3://bucket/none", "x"], 3),
        (&["mv", "s3://bucket/deep/key", "s3://missing/key"], 3),
        (&["cp", "full/", "s3://missing/"], 3),
        (&["rm", "--force", "s3://missing/key"], 3),
        (&["--no-sign-request", "rm", "s3://bucket/deep/key"], 4),
    ] {
        let ended = place.run(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
    }
}

#[test]
fn an_object_that_is_not_there_is_not_deleted_without_a_word() {
    let place = Place::new();
    place.write(&["a"]);
    place.ok(&["cp", "a", "s3://bucket/train/a"]);
    place.ok(&["cp", "a", "s3://bucket/b"]);
    place.gateway.reset_stats();
    for dry in [&["--dry-run"][..], &[]] {
        let ended = place.run(&[dry, &["rm", "s3://bucket/train"]].concat());
        assert_eq!((ended.code, ended.out.as_str()), (Some(3), ""), "{ended:?}");
        let advice = "s3://bucket/train: there is no such object; write s3://bucket/train/ for everything below it";
        assert!(ended.err.contains(advice), "{ended:?}");
        let ended = place.run(&[dry, &["rm", "s3://bucket/trai"]].concat());
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert!(ended.err.ends_with("s3://bucket/trai: there is no such object\n"), "{ended:?}");
        assert_eq!(place.run(&[dry, &["rm", "a/none"]].concat()).code, Some(3));
        let ended = place.run(&[dry, &["rm", "none"]].concat());
        assert_eq!((ended.code, ended.out.as_str()), (Some(3), ""), "{ended:?}");
        assert!(ended.err.ends_with("none: there is no such file\n"), "{ended:?}");
    }
    assert_eq!(place.requests("DeleteObjects") + place.requests("DeleteObject"), 0);
    let ended = place.run(&["rm", "s3://bucket/none", "s3://bucket/b", "none", "a"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(6), "rm s3://bucket/b\nrm a\n"), "{ended:?}");
    assert_eq!(place.ok(&["ls", "--all", "--show-fullpath", "s3://bucket"]), "s3://bucket/train/a\n");
}

#[test]
fn with_force_nothing_is_asked_first() {
    let place = Place::new();
    place.gateway.reset_stats();
    let out = place.ok(&["rm", "-f", "s3://bucket/none", "s3://bucket/nothing", "none"]);
    assert_eq!(out, "rm s3://bucket/none\nrm s3://bucket/nothing\nrm none\n");
    let stats = place.gateway.stats();
    assert_eq!(stats.operations.into_iter().collect::<Vec<_>>(), [("DeleteObjects".to_owned(), 1)]);
}

#[test]
fn who_may_delete_and_not_look_can_delete() {
    let place = Place::new();
    place.write(&["a"]);
    place.ok(&["cp", "a", "s3://bucket/a"]);
    let denied = FaultAction::Status { code: 403, error: "AccessDenied".into(), headers: Vec::new() };
    place.fault("HEAD", "/bucket/a", denied.clone());
    place.fault("GET", "/bucket", denied);
    assert_eq!(place.ok(&["rm", "s3://bucket/a"]), "rm s3://bucket/a\n");
    assert_eq!(place.requests("DeleteObjects") + place.requests("DeleteObject"), 1);
}

#[test]
fn deleting_what_matches_asks_for_nothing_but_the_listing() {
    let place = Place::new();
    place.ok(&["put", "s3://bucket/many/", "--count", "20", "--size", "1"]);
    place.gateway.reset_stats();
    assert_eq!(place.ok(&["rm", "s3://bucket/many/*"]).lines().count(), 20);
    let stats = place.gateway.stats();
    let expected = [("DeleteObjects".to_owned(), 1), ("ListObjectsV2".to_owned(), 1)];
    assert_eq!(stats.operations.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_local_pattern_reaches_into_folders_only_where_all_is_said() {
    let place = Place::new();
    place.write(&["x.tmp", "sub/y.tmp", "sub/deep/z.tmp", "keep"]);
    for pattern in ["*", "*.tmp", "./*", "s*", "sub/*", "?ub*", "**"] {
        for dry in [&["--dry-run"][..], &[]] {
            let ended = place.run(&[dry, &["rm", "keep", pattern]].concat());
            assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{pattern}: {ended:?}");
            assert!(ended.err.contains("/y.tmp, for one") || ended.err.contains("/z.tmp, for one"), "{ended:?}");
            assert!(ended.err.contains("--all"), "{ended:?}");
        }
    }
    let whole = format!("file://{}/*", place.folder().display());
    assert_eq!(place.run(&["rm", &whole]).code, Some(2));
    // Nothing was deleted so far, `keep` included.
    assert_eq!(place.files(), ["keep", "sub/deep/z.tmp", "sub/y.tmp", "x.tmp"]);
    assert_eq!(place.ok(&["rm", "x*"]), "rm x.tmp\n");
    assert_eq!(place.ok(&["rm", "s*/y*"]), "rm sub/y.tmp\n");
    assert_eq!(place.ok(&["rm", "--all", "*.tmp"]), "rm sub/deep/z.tmp\n");
    assert_eq!(place.files(), ["keep"]);
}

#[test]
fn a_sync_keeps_what_the_server_calls_otherwise() {
    let place = Place::new();
    place.write(&["d/a\\b", "d/c"]);
    // As a server does that takes one for the other.
    place.ok(&["cp", "d/c", "s3://bucket/a/b"]);
    place.ok(&["cp", "d/c", "s3://bucket/gone"]);
    let ended = place.run(&["sync", "--delete", "d/", "s3://bucket/"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("rm s3://bucket/gone\n") && !ended.out.contains("rm s3://bucket/a/b"), "{ended:?}");
    assert!(ended.err.contains("s3://bucket/a/b is not deleted"), "{ended:?}");
}

#[test]
fn a_sync_deletes_one_of_two_names_that_one_file_had_before() {
    let place = Place::new();
    place.write(&["d/a", "e/a"]);
    std::fs::hard_link(place.folder().join("e/a"), place.folder().join("e/b")).unwrap();
    place.ok(&["sync", "--delete", "d/", "e/"]);
    assert_eq!(place.files(), ["d/a", "e/a"]);
}
