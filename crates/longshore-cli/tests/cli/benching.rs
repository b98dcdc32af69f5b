use std::time::{Duration, Instant};

use longshore_gateway::{FaultAction, FaultRule};
use serde_json::Value;

use crate::place::{Ended, Place, ended};
use crate::signals::{send, wait_for};

/// Runs `bench` with a report, and gives both.
fn bench(place: &Place, arguments: &[&str]) -> (Ended, Value) {
    let path = place.folder().join("report.json");
    let _ = std::fs::remove_file(&path);
    let ended = place.run(&[&["-q", "bench"], arguments, &["--report", path.to_str().unwrap()]].concat());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| "null".into());
    (ended, serde_json::from_str(&text).unwrap())
}

/// A run that must end well.
fn measured(place: &Place, arguments: &[&str]) -> Value {
    let (ended, report) = bench(place, arguments);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{arguments:?}: {ended:?}");
    report
}

fn listed(place: &Place, pattern: &str) -> Vec<String> {
    let out = place.run(&["ls", pattern]).out;
    out.lines().filter_map(|line| line.split_whitespace().last()).map(str::to_owned).collect()
}

/// The folder that the run under way works in.
fn folder_of_the_run(place: &Place) -> String {
    let mut found = None;
    wait_for(|| {
        let keys = listed(place, "s3://bucket/*");
        let key = keys.into_iter().find(|key| key.contains("longshore-bench-"));
        found = key.map(|key| key[..key.find("longshore-bench-").unwrap() + "longshore-bench-".len() + 8].to_owned());
        found.is_some()
    });
    let name = found.unwrap();
    if name.starts_with("s3://") { name } else { format!("s3://bucket/{name}") }
}

fn status(code: u16, error: &str) -> FaultAction {
    FaultAction::Status { code, error: error.into(), headers: Vec::new() }
}

#[test]
fn the_clock_runs_on_when_the_store_is_gone() {
    let place = Place::new();
    let gone = FaultRule { method: Some("GET".into()), skip: 200, ..FaultRule::new(status(403, "AccessDenied")) };
    place.gateway.faults().add(gone);
    let arguments =
        ["get", "s3://bucket/p/", "--size", "1KiB", "--objects", "20", "--duration", "2s", "--max-errors", "100000000"];
    let (ended, report) = bench(&place, &arguments);
    assert_ne!(ended.code, Some(0), "{ended:?}");
    let total = &report["total"];
    assert!(total["last_done_s"].as_f64().unwrap() < 1.5, "{total}");
    assert!(total["wall_s"].as_f64().unwrap() >= 2.0, "{total}");
    assert!(total["objects_per_s"].as_f64().unwrap() <= 100.0, "{total}");
}

#[test]
fn every_benchmark_measures_what_it_was_asked_for_and_deletes_only_what_it_wrote() {
    let place = Place::new();
    for key in ["p/one", "p/longshore-bench-00000000/one", "pother", "other"] {
        place.ok(&["put", &format!("s3://bucket/{key}"), "--size", "10", "--count", "1", "--template", "k"]);
    }
    let before = listed(&place, "s3://bucket/*");
    assert!(before.len() >= 4, "{before:?}");
    for (what, operation, objects) in [
        ("get", "GetObject", 50),
        ("put", "PutObject", 50),
        ("list", "ListObjectsV2", 50 * 20),
        ("mixed", "GetObject", 0),
    ] {
        place.gateway.reset_stats();
        let limit = if what == "put" { "--warmup=0s" } else { "--objects=20" };
        let common = [what, "s3://bucket/p", "--operations", "50", "--size", "1KiB", limit];
        // Operations are drawn: of 50 with equal weights, one kind is missing once in half a million runs.
        let mix = if what == "mixed" { &["--mix", "get=1,put=1,head=1,delete=1"][..] } else { &[] };
        let report = measured(&place, &[&common[..], mix].concat());
        let total = &report["total"];
        assert_eq!((total["operations"].as_u64(), total["errors"].as_u64()), (Some(50), Some(0)), "{report}");
        assert!(report["folder"].as_str().unwrap().starts_with("s3://bucket/p/longshore-bench-"), "{report}");
        if what != "mixed" {
            assert_eq!(total["objects"].as_u64(), Some(objects), "{report}");
            assert_eq!(total["requests"].as_u64(), Some(50), "{report}");
            // The listing at the end that looks for what is left, and the lanes' own.
            let extra = u64::from(what == "list");
            assert_eq!(place.requests(operation), 50 + extra);
            assert_eq!(place.requests("HeadObject"), 0);
        } else {
            let names: Vec<&String> = report["operations"].as_object().unwrap().keys().collect();
            assert_eq!(names, ["delete", "get", "head", "put"], "{report}");
        }
        assert_eq!(listed(&place, "s3://bucket/*"), before, "{what}");
    }
}

#[test]
fn ranges_are_read_at_many_offsets_and_their_contents_hold() {
    let place = Place::new();
    let arguments = ["get", "s3://bucket", "--size", "100KiB..200KiB", "--range", "1KiB", "--objects", "5", "--verify"];
    let report = measured(&place, &[&arguments[..], &["--operations", "200"]].concat());
    assert_eq!(report["total"]["bytes"].as_u64(), Some(200 * 1024), "{report}");
    assert_eq!(report["settings"]["range_bytes"].as_u64(), Some(1024));
    assert_eq!(report["total"]["first_byte_ms"]["count"].as_u64(), Some(200), "{report}");
}

#[test]
fn wrong_contents_are_errors_where_contents_are_verified() {
    let place = Place::new();
    let run = ["get", "s3://bucket", "--size", "10KiB", "--objects", "5", "--operations", "20"];
    let corrupt = place.fault("GET", "longshore-bench", FaultAction::Corrupt { at: 5000 });
    assert_eq!(measured(&place, &run)["total"]["errors"].as_u64(), Some(0), "without --verify nobody looks");
    let (ended, report) = bench(&place, &[&run[..], &["--verify"]].concat());
    assert_eq!(report["total"]["errors"].as_u64(), Some(20), "{report}");
    assert_eq!(report["errors"][0]["kind"], "WrongContent");
    assert!(report["errors"][0]["example"].as_str().unwrap().contains("the byte at 5000"), "{report}");
    assert_eq!((ended.code, report["total"]["bytes"].as_u64()), (Some(1), Some(0)), "{ended:?}");
    assert_eq!(place.gateway.faults().hits(corrupt), 40);
}

#[test]
fn errors_are_counted_by_kind_and_never_as_throughput() {
    let place = Place::new();
    let slow = place.gateway.faults().add(FaultRule {
        method: Some("GET".into()),
        path_contains: Some("longshore-bench".into()),
        times: Some(7),
        ..FaultRule::new(status(503, "SlowDown"))
    });
    let run = ["get", "s3://bucket", "--size", "1KiB", "--objects", "5", "--operations", "50", "--retry-count"];
    let (ended, report) = bench(&place, &[&run[..], &["0"]].concat());
    let total = &report["total"];
    assert_eq!(place.gateway.faults().hits(slow), 7);
    assert_eq!((total["operations"].as_u64(), total["errors"].as_u64()), (Some(43), Some(7)), "{report}");
    assert_eq!((total["bytes"].as_u64(), total["error_rate"].as_f64()), (Some(43 * 1024), Some(0.14)), "{report}");
    assert_eq!(total["latency_ms"]["count"].as_u64(), Some(43));
    let error = &report["errors"][0];
    assert_eq!((error["kind"].as_str(), error["count"].as_u64()), (Some("SlowDown (HTTP 503)"), Some(7)), "{report}");
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert!(ended.out.contains("7 x SlowDown (HTTP 503)") && ended.out.contains("14.00 %"), "{}", ended.out);
    // What is repeated until it succeeds costs requests, and is no error.
    place.gateway.faults().clear();
    place.gateway.faults().add(FaultRule {
        method: Some("GET".into()),
        path_contains: Some("longshore-bench".into()),
        times: Some(5),
        ..FaultRule::new(status(503, "SlowDown"))
    });
    let (ended, report) = bench(&place, &[&run[..], &["5"]].concat());
    let total = &report["total"];
    assert_eq!((total["errors"].as_u64(), total["requests"].as_u64()), (Some(0), Some(55)), "{report}");
    assert_eq!((ended.code, total["requests_per_object"].as_f64()), (Some(0), Some(1.1)), "{ended:?}");
}

#[test]
fn a_missing_bucket_is_told_once_and_nobody_is_sent_to_clean_it() {
    let place = Place::new();
    let ended = place.run(&["-q", "bench", "get", "s3://missing", "--size", "1", "--objects", "3"]);
    assert_eq!((ended.code, ended.err.matches("NoSuchBucket").count()), (Some(3), 1), "{ended:?}");
    let ended = place.run(&["-q", "bench", "put", "s3://missing", "--size", "1", "--operations", "3"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(3), ""), "{ended:?}");
    assert!(ended.out.contains("3 x NoSuchBucket (HTTP 404)"), "{ended:?}");
}

#[test]
fn too_many_errors_end_a_run() {
    let place = Place::new();
    place.fault("GET", "longshore-bench", status(403, "AccessDenied"));
    let began = Instant::now();
    let run = ["get", "s3://bucket", "--size", "1", "--objects", "5", "--duration", "60s", "--max-errors", "10"];
    let (ended, report) = bench(&place, &run);
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!((ended.code, report["ended"].as_str()), (Some(4), Some("too many errors")), "{ended:?}");
    assert!(listed(&place, "s3://bucket/*").is_empty());
}

#[test]
fn an_interrupted_run_shows_what_it_has_measured_and_cleans_up() {
    let place = Place::new();
    let child = place.start(&["bench", "put", "s3://bucket/p", "--size", "1KiB", "--duration", "60s", "-j", "4"]);
    let folder = folder_of_the_run(&place);
    // Somebody else's, in the middle of it.
    let foreign = format!("{folder}/000000/foreign");
    place.write(&["foreign"]);
    place.ok(&["cp", "foreign", &foreign]);
    wait_for(|| place.requests("PutObject") > 100);
    send("-INT", child.id());
    let ended = ended(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(ended.out.contains("INTERRUPTED") && ended.out.contains("\n  put "), "{ended:?}");
    assert!(ended.err.contains(&format!("1 objects below {folder}/ are not of this run")), "{ended:?}");
    let left = listed(&place, "s3://bucket/*");
    assert!(left.len() == 1 && left[0].ends_with("/000000/foreign"), "{left:?}");
}

#[test]
fn a_second_interruption_ends_at_once_and_says_where_the_objects_are() {
    let place = Place::new();
    let stall = place.fault("POST", "/bucket", FaultAction::Latency(Duration::from_secs(30)));
    let child = place.start(&["bench", "put", "s3://bucket", "--size", "1KiB", "--duration", "60s", "-j", "4"]);
    let folder = folder_of_the_run(&place);
    send("-INT", child.id());
    wait_for(|| place.gateway.faults().hits(stall) > 0);
    let began = Instant::now();
    send("-INT", child.id());
    let ended = ended(child.wait_with_output().unwrap());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(ended.err.contains(&format!("what was written is left below {folder}/")), "{ended:?}");
}

#[test]
fn an_interruption_while_objects_are_prepared_cleans_up_too() {
    let place = Place::new();
    place.fault("PUT", "longshore-bench", FaultAction::Latency(Duration::from_millis(100)));
    let child = place.start(&["bench", "get", "s3://bucket", "--size", "1KiB", "--objects", "100000", "-j", "4"]);
    folder_of_the_run(&place);
    send("-INT", child.id());
    let ended = ended(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.out.as_str()), (Some(130), ""), "{ended:?}");
    assert_eq!(listed(&place, "s3://bucket/*"), [""; 0]);
}

#[test]
fn a_failed_clean_up_names_the_folder() {
    let place = Place::new();
    place.fault("POST", "/bucket", status(403, "AccessDenied"));
    let run = ["get", "s3://bucket", "--size", "1KiB", "--objects", "5", "--operations", "10"];
    let (ended, report) = bench(&place, &run);
    let folder = report["folder"].as_str().unwrap();
    assert!(ended.err.contains(&format!("may still be below {folder}")), "{ended:?}");
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert_eq!(listed(&place, &format!("{folder}*")).len(), 5);
}

#[test]
fn at_a_fixed_rate_latencies_count_from_when_an_operation_was_due() {
    let place = Place::new();
    let run = ["get", "s3://bucket", "--size", "1KiB", "--objects", "5", "--duration", "2s"];
    let easy = measured(&place, &[&run[..], &["--rate", "50/s"]].concat());
    let operations = easy["total"]["operations"].as_u64().unwrap();
    assert!((90..=100).contains(&operations) && easy["settings"]["loop"] == "open", "{easy}");
    // Two lanes with answers after 100 ms do 20 a second, so more and more are late.
    place.fault("GET", "longshore-bench", FaultAction::Latency(Duration::from_millis(100)));
    let late = measured(&place, &[&run[..], &["--rate", "50/s", "-j", "2"]].concat());
    let total = &late["total"];
    assert!(total["operations"].as_u64().unwrap() <= 42, "{late}");
    assert!(total["latency_ms"]["max"].as_f64().unwrap() > 800.0, "{late}");
    let notes = late["notes"].to_string();
    assert!(notes.contains("due and never begun"), "{notes}");
    let closed = measured(&place, &[&run[..], &["-j", "2"]].concat());
    assert!(closed["total"]["latency_ms"]["p50"].as_f64().unwrap() < 400.0, "{closed}");
}

#[test]
fn warming_up_is_in_no_number() {
    let place = Place::new();
    place.gateway.reset_stats();
    let run = ["get", "s3://bucket", "--size", "1KiB", "--objects", "5", "--warmup", "1s", "--operations", "20"];
    let report = measured(&place, &run);
    assert_eq!(report["total"]["operations"].as_u64(), Some(20), "{report}");
    assert!(place.requests("GetObject") > 20, "it did not warm up");
    assert!(report["total"]["wall_s"].as_f64().unwrap() < 1.0, "{report}");
}

#[test]
fn kept_objects_can_be_read_and_verified_by_another_run_that_writes_nothing() {
    let place = Place::new();
    let kept =
        measured(&place, &["put", "s3://bucket", "--size", "1KiB..8KiB", "--objects", "20", "--keep", "--seed", "7"]);
    let folder = kept["folder"].as_str().unwrap();
    assert_eq!(listed(&place, "s3://bucket/*").len(), 20);
    place.gateway.reset_stats();
    let run = ["get", folder, "--existing", "--operations", "100", "--verify", "--seed"];
    let report = measured(&place, &[&run[..], &["7"]].concat());
    assert_eq!((report["total"]["operations"].as_u64(), report["settings"]["objects"].as_u64()), (Some(100), Some(20)));
    for writing in ["PutObject", "DeleteObject", "DeleteObjects", "CreateMultipartUpload"] {
        assert_eq!(place.requests(writing), 0, "{writing}");
    }
    let (other, report) = bench(&place, &[&run[..], &["8"]].concat());
    assert_eq!((other.code, report["total"]["errors"].as_u64()), (Some(1), Some(100)), "another seed: {other:?}");
    let listing = measured(&place, &["list", folder, "--existing", "--operations", "10"]);
    assert_eq!(listing["total"]["objects"].as_u64(), Some(200));
    assert_eq!(listed(&place, "s3://bucket/*").len(), 20);
}

#[test]
fn a_dry_run_says_what_would_happen_and_sends_nothing() {
    let place = Place::new();
    let out = place.ok(&["--dry-run", "bench", "get", "s3://bucket/p", "--size", "1MiB", "--objects", "100"]);
    assert!(out.contains("would write 100 objects of 1MiB, about 100.0M in all, below s3://bucket/p/longshore-bench-"));
    assert!(out.contains("would measure get for 60s, 64 in flight") && out.contains("nothing else"), "{out}");
    assert_eq!(place.gateway.stats().requests, 0);
}

#[test]
fn files_are_measured_and_their_folders_removed() {
    let place = Place::new();
    place.write(&["data/mine"]);
    let report = measured(&place, &["mixed", "data", "--size", "1KiB", "--objects", "30", "--operations", "200"]);
    assert_eq!(report["total"]["operations"].as_u64(), Some(200));
    assert_eq!(report["total"]["requests_per_object"], Value::Null, "files have no requests");
    let left: Vec<_> =
        std::fs::read_dir(place.folder().join("data")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["mine"]);
}

#[test]
fn a_report_has_the_keys_that_are_written_down() {
    let place = Place::new();
    // One error, so that there are keys of errors too.
    place.gateway.faults().add(FaultRule {
        method: Some("GET".into()),
        path_contains: Some("longshore-bench".into()),
        times: Some(1),
        ..FaultRule::new(status(403, "AccessDenied"))
    });
    let run = ["get", "s3://bucket", "--size", "1KiB", "--objects", "5", "--duration", "1100ms"];
    let report = bench(&place, &run).1;
    let mut keys = Vec::new();
    flatten(&report, String::new(), &mut keys);
    let expected = include_str!("../data/bench_report_keys.txt");
    assert_eq!(keys.join("\n") + "\n", expected, "what reads reports depends on these");
    // Standard output has the same with --json.
    let out =
        place.ok(&["--json", "bench", "get", "s3://bucket", "--size", "1", "--objects", "5", "--operations", "9"]);
    let line: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((line["format"].as_str(), line["total"]["operations"].as_u64()), (Some("longshore-bench/1"), Some(9)));
}

/// The paths of all values, lists by their first entry.
fn flatten(value: &Value, path: String, keys: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(value, format!("{path}/{name}"), keys);
            }
        }
        Value::Array(entries) => match entries.first() {
            Some(first) => flatten(first, path + "[]", keys),
            None => keys.push(path + "[]"),
        },
        _ => keys.push(path),
    }
}

#[test]
fn two_reports_are_compared_and_other_settings_are_told() {
    let place = Place::new();
    let run = ["get", "s3://bucket", "--objects", "5", "--operations", "20", "--size"];
    place.ok(&[&["-q", "bench"], &run[..], &["1KiB", "--report", "one.json"]].concat());
    place.ok(&[&["-q", "bench"], &run[..], &["2KiB", "--report", "two.json", "--chart", "two.svg"]].concat());
    let out = place.ok(&["bench", "compare", "one.json", "two.json"]);
    assert!(out.contains("MiB/s") && out.contains("size: \"1KiB\" and \"2KiB\""), "{out}");
    let json: Value = serde_json::from_str(&place.ok(&["--json", "bench", "compare", "one.json", "one.json"])).unwrap();
    let rows = json["rows"].as_array().unwrap();
    assert!(rows.len() > 5 && rows.iter().all(|row| row["ratio"] == 1.0), "{json}");
    assert_eq!(json["differences"], Value::Array(Vec::new()));
    let wrong = place.run(&["bench", "compare", "one.json", "two.svg"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("two.svg: not a report"), "{wrong:?}");
}

#[test]
fn what_does_not_fit_together_is_refused_before_anything_is_sent() {
    let place = Place::new();
    for (arguments, part) in [
        (&["get", "s3://bucket", "--size", "big"][..], "not a size"),
        (&["get", "s3://bucket/*"], "--existing"),
        (&["put", "s3://bucket", "--existing"], "writes nothing"),
        (&["get", "s3://bucket", "--existing", "--size", "1KiB"], "--size"),
        (&["get", "s3://bucket", "--objects", "0"], "at least 1"),
        (&["put", "s3://bucket", "--range", "1KiB"], "--range"),
        (&["list", "s3://bucket", "--verify"], "--verify"),
        (&["get", "s3://bucket", "--mix", "get=1"], "--mix"),
        (&["mixed", "s3://bucket", "--mix", "delete=1"], "nothing left"),
        (&["get", "s3://bucket", "--chart", "x.png"], ".html or .svg; write --chart x.svg"),
        (&["get", "s3://bucket", "--log", "no/such/folder/x.csv"], "no such folder"),
        (&["get", "s3://bucket", "--duration", "0s"], "more than 0"),
        (&["get", "s3://bucket", "--rate", "fast"], "not a rate"),
        (&["compare", "one.json"], "two files"),
        (&["get", "a", "b"], "one URI"),
    ] {
        let ended = place.run(&[&["bench"], arguments].concat());
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.err.contains(part), "{arguments:?}: {ended:?}");
    }
    place.write(&["commands"]);
    std::fs::write(place.folder().join("commands"), "bench get s3://bucket\n").unwrap();
    let ended = place.run(&["run", "commands"]);
    assert!(ended.code == Some(2) && ended.err.contains("alone"), "{ended:?}");
    assert_eq!(place.gateway.stats().requests, 0);
}
