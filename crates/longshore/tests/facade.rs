//! The facade as a program uses it: on files, inside runtimes of others, with mistakes.

use longshore::{ErrorKind, ObjectType};

fn uris(folder: &tempfile::TempDir, count: usize) -> Vec<String> {
    (0..count).map(|index| format!("file://{}/set/{index}.bin", folder.path().display())).collect()
}

#[test]
fn a_data_set_goes_to_files_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let uris = uris(&folder, 5);
    longshore::put_objects_with_random_data_and_type(&uris, 5000, 2, ObjectType::Hdf5).unwrap();
    let mut backwards = uris.clone();
    backwards.reverse();
    let objects = longshore::get_objects_parallel(&backwards, 3).unwrap();
    assert_eq!(objects.iter().map(|(uri, _)| uri).collect::<Vec<_>>(), backwards.iter().collect::<Vec<_>>());
    assert!(objects.iter().all(|(_, body)| body.len() == 5000 && body.starts_with(b"\x89HDF")));
    assert_ne!(objects[0].1, objects[1].1);
    let prefix = format!("{}/set/", folder.path().display());
    let keys = longshore::list_objects("file:///", prefix.trim_start_matches('/')).unwrap();
    assert_eq!(keys.len(), 5);
    longshore::delete_objects("file:///", &keys).unwrap();
    assert!(longshore::list_objects("file:///", prefix.trim_start_matches('/')).unwrap().is_empty());
}

#[test]
fn blocking_calls_work_inside_a_runtime_of_the_callers() {
    let single = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let several = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    for runtime in [single, several] {
        runtime.block_on(async {
            longshore::put_objects_parallel(&["memory://inside/a"], "x", 1).unwrap();
            assert_eq!(longshore::get_object_uri("memory://inside/a").unwrap(), b"x");
        });
    }
}

#[test]
fn the_first_failure_names_its_uri() {
    longshore::put_objects_parallel(&["memory://first/a"], "x", 1).unwrap();
    let error = longshore::get_objects_parallel(&["memory://first/a", "memory://first/b"], 4).unwrap_err();
    assert_eq!((error.kind(), error.uri(), error.operation()), (ErrorKind::NotFound, "memory://first/b", "get"));
}

#[test]
fn mistakes_are_found_before_anything_is_sent() {
    let kind = |outcome: longshore::Result<()>| outcome.unwrap_err().kind();
    let wrong = ErrorKind::InvalidArgument;
    assert_eq!(kind(longshore::get_object_uri("no-uri").map(drop)), wrong);
    assert_eq!(kind(longshore::get_object_uri("memory://m/a*").map(drop)), wrong);
    assert_eq!(kind(longshore::list_objects("memory://m/folder", "").map(drop)), wrong);
    assert_eq!(kind(longshore::delete_objects("bucket/folder", &["a"])), wrong);
    assert_eq!(kind(longshore::put_objects_with_random_data_and_type(&["memory://m/a"], 3, 1, ObjectType::Npz)), wrong);
}

#[test]
fn a_dropped_call_is_cancelled() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let many: Vec<String> = (0..2000).map(|index| format!("memory://dropped/{index}")).collect();
        let call = longshore::put_objects_with_random_data_and_type_async(&many, 1 << 20, 1, ObjectType::Raw);
        let _ = tokio::time::timeout(std::time::Duration::from_millis(20), call).await.unwrap_err();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let written = longshore::list_objects("memory://dropped", "").unwrap().len();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert_eq!(longshore::list_objects("memory://dropped", "").unwrap().len(), written);
        assert!(written < 2000);
    });
}

#[test]
fn a_process_that_is_in_use_cannot_be_configured_any_more() {
    longshore::list_objects("memory://facade-configured", "").unwrap();
    let refused = longshore::Configuration { threads: Some(2), ..Default::default() }.apply();
    assert_eq!(refused, Err(longshore::Refusal::Late));
    assert_eq!(
        longshore::Configuration { memory: Some(0), ..Default::default() }.apply(),
        Err(longshore::Refusal::Zero)
    );
}
