//! A served folder: what lies in it, what stays outside of it.

use std::fs;
use std::path::PathBuf;

use longshore_gateway::Gateway;

use crate::wire::{get, put, request};

/// A folder beside a file that nobody may reach, and a gateway over it with one bucket.
fn served() -> (Gateway, PathBuf, tempfile::TempDir) {
    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let folder = outside.path().join("served");
    let gateway = Gateway::builder().folder(&folder).anonymous().start().expect("it starts");
    assert_eq!(put(&gateway, "/bucket", b"").status, 200);
    (gateway, folder, outside)
}

#[test]
fn a_bucket_is_a_sub_folder_and_a_key_is_a_file() {
    let (gateway, folder, _outside) = served();
    put(&gateway, "/bucket/train/part%2000001.npz", b"body");
    assert_eq!(fs::read(folder.join("bucket/train/part 00001.npz")).unwrap(), b"body");
    assert_eq!(request(&gateway, "DELETE", "/bucket", &[], b"").unwrap().code(), "BucketNotEmpty");
    assert_eq!(request(&gateway, "DELETE", "/bucket/train/part%2000001.npz", &[], b"").unwrap().status, 204);
    assert!(folder.join("bucket").is_dir() && !folder.join("bucket/train").exists());
    assert_eq!(request(&gateway, "DELETE", "/bucket", &[], b"").unwrap().status, 204);
    assert!(!folder.join("bucket").exists());
}

#[test]
fn files_that_lie_there_are_objects_and_changes_to_them_are_seen() {
    let (gateway, folder, _outside) = served();
    fs::create_dir_all(folder.join("theirs/deep")).unwrap();
    fs::write(folder.join("theirs/deep/file#a.txt"), "one").unwrap();
    let first = get(&gateway, "/theirs/deep/file%23a.txt");
    assert_eq!((first.status, first.body.as_slice()), (200, b"one".as_slice()));
    fs::write(folder.join("theirs/deep/file#a.txt"), "two!").unwrap();
    let second = get(&gateway, "/theirs/deep/file%23a.txt");
    assert_eq!(second.body, b"two!");
    assert_ne!(first.header("etag"), second.header("etag"));
    let listed = String::from_utf8(get(&gateway, "/theirs?list-type=2").body).unwrap();
    assert!(listed.contains("<Key>deep/file#a.txt</Key>") && listed.contains("<Size>4</Size>"), "{listed}");
}

#[test]
fn an_object_changed_behind_the_gateway_loses_its_old_etag() {
    let (gateway, folder, _outside) = served();
    let etag = put(&gateway, "/bucket/key", b"one").header("etag").unwrap().to_owned();
    assert_eq!(get(&gateway, "/bucket/key").header("etag"), Some(etag.as_str()));
    fs::write(folder.join("bucket/key"), "changed").unwrap();
    let answer = get(&gateway, "/bucket/key");
    assert_eq!(answer.body, b"changed");
    assert_ne!(answer.header("etag"), Some(etag.as_str()));
}

#[test]
fn no_request_leaves_the_folder() {
    let (gateway, folder, outside) = served();
    for up in ["..", "%2e%2e", "%2E%2E", ".%2e", "..%2f..", "%2e%2e%2f%2e%2e", "..%5c..", "a/../..", "./../.."] {
        for rest in ["secret", "../secret", "../../secret", "../../../secret"] {
            let target = format!("/bucket/{up}/{rest}");
            assert_ne!(get(&gateway, &target).body, b"secret", "{target}");
            let written = put(&gateway, &target, b"overwritten").status;
            if written == 200 {
                assert_eq!(get(&gateway, &target).body, b"overwritten", "{target}");
                assert_eq!(request(&gateway, "DELETE", &target, &[], b"").unwrap().status, 204);
            }
        }
    }
    for bucket in ["..", "%2e%2e", ".longshore", "%2elongshore", ".", "%2e"] {
        for method in ["GET", "PUT", "DELETE"] {
            let answer = request(&gateway, method, &format!("/{bucket}/secret"), &[], b"").unwrap();
            assert!(answer.status >= 400 && answer.body != b"secret", "{method} {bucket}: {answer:?}");
        }
    }
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"secret");
    let mut names: Vec<_> = fs::read_dir(outside.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["secret", "served"]);
    let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".longshore", "bucket"]);
}

#[test]
fn an_upload_id_is_not_a_path() {
    let (gateway, _folder, _outside) = served();
    for id in ["..%2F..%2F..%2Fsecret", "%2E%2E", "x", "00000000000000000000000000000000"] {
        let answer = request(&gateway, "PUT", &format!("/bucket/key?partNumber=1&uploadId={id}"), &[], b"x").unwrap();
        assert_eq!(answer.code(), "NoSuchUpload", "{id}");
    }
}

#[test]
fn a_key_may_be_a_file_and_a_folder_and_outlive_the_gateway() {
    let (gateway, folder, outside) = served();
    let long = "k".repeat(1000);
    let keys = ["a", "a/b", "a/b/c", "a/", "d/e", "d", long.as_str(), "x%23" /* is x# */];
    for key in keys {
        assert_eq!(put(&gateway, &format!("/bucket/{key}"), key.as_bytes()).status, 200, "{key}");
    }
    gateway.stop();
    let gateway = Gateway::builder().folder(&folder).anonymous().start().unwrap();
    // Written first, before the new gateway has looked at what is there.
    assert_eq!(put(&gateway, &format!("/bucket/{long}"), long.as_bytes()).status, 200);
    for key in keys {
        let answer = get(&gateway, &format!("/bucket/{key}"));
        assert_eq!(answer.body, key.as_bytes(), "{key}");
        assert_eq!(answer.header("etag").map(str::len), Some(34), "still an MD5: {key}");
    }
    let listed = String::from_utf8(get(&gateway, "/bucket?list-type=2").body).unwrap();
    assert!(listed.contains("<KeyCount>8</KeyCount>"), "{listed}");
    for key in keys {
        request(&gateway, "DELETE", &format!("/bucket/{key}"), &[], b"").unwrap();
    }
    assert_eq!(request(&gateway, "DELETE", "/bucket", &[], b"").unwrap().status, 204);
    drop(outside);
}

#[test]
fn a_bucket_with_a_file_that_is_no_object_is_not_removed() {
    let (gateway, folder, _outside) = served();
    fs::write(folder.join("bucket/x#1"), "left by a crash").unwrap();
    assert_eq!(request(&gateway, "DELETE", "/bucket", &[], b"").unwrap().code(), "BucketNotEmpty");
    assert!(folder.join("bucket/x#1").exists());
}
