//! The settings in the type hints are those that there are.
//!
//! `LONGSHORE_WRITE_TABLES=1 cargo test -p longshore-store hints` writes them anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use longshore_config::{Scheme, Spec, specs};

const BEGIN: &str = "# begin settings\n";
const END: &str = "# end settings\n";

/// The type of a setting's value in Python.
fn python_type(spec: &Spec) -> &'static str {
    match spec.name {
        name if ["timeout", "interval", "_backoff"].iter().any(|end| name.ends_with(end)) => "float | str | timedelta",
        "max_retries" | "pool_max_idle_per_host" | "http2_max_frame_size" => "int | str",
        "default_headers" | "headers" => "dict[str, str] | dict[str, bytes] | str",
        "root_certificate" | "proxy_ca_certificate" => "str | bytes",
        "ca_bundle" | "service_account" | "application_credentials" | "federated_token_file" => "str | PathLike[str]",
        _ if spec.about.starts_with("whether") => "bool | str",
        _ => "str",
    }
}

fn is_retry(spec: &Spec) -> bool {
    matches!(spec.name, "max_retries" | "retry_timeout" | "init_backoff" | "max_backoff" | "backoff_base")
}

fn class(name: &str, base: &str, about: &str, specs: &[&Spec]) -> String {
    let mut text = format!("@type_check_only\nclass {name}({base}, total=False):\n    \"\"\"{about}\"\"\"\n\n");
    for spec in specs {
        let kind = python_type(spec);
        let mut sentence: String = spec.about.chars().take(1).flat_map(char::to_uppercase).collect();
        sentence.extend(spec.about.chars().skip(1));
        writeln!(text, "    {}: {kind}\n    \"\"\"{sentence}.\"\"\"", spec.name).unwrap();
        for also in spec.also {
            writeln!(text, "    {also}: {kind}").unwrap();
        }
    }
    text + "\n"
}

fn settings() -> String {
    let keywords = |scheme| specs(scheme).into_iter().filter(|spec| spec.keyword).collect::<Vec<_>>();
    let kinds = [Scheme::S3, Scheme::Gcs, Scheme::Azure, Scheme::Http].map(keywords);
    // What all kinds have is about the client.
    let common: BTreeMap<&str, &Spec> = kinds[0]
        .iter()
        .filter(|spec| {
            kinds.iter().all(|kind| kind.iter().any(|other| std::ptr::eq(*other, **spec) || other.name == spec.name))
        })
        .map(|spec| (spec.name, *spec))
        .collect();
    let client: Vec<&Spec> = common.values().copied().filter(|spec| !is_retry(spec)).collect();
    let mut text = class(
        "ClientConfig",
        "TypedDict",
        "Settings of the HTTP client. Lengths of time are in seconds, or texts such as ``\"2m\"``.",
        &client,
    );
    let names = [
        ("S3Config", "an S3Store"),
        ("GCSConfig", "a GCSStore"),
        ("AzureConfig", "an AzureStore"),
        ("HTTPConfig", "an HTTPStore"),
    ];
    for ((name, of), specs) in names.into_iter().zip(kinds) {
        let own: Vec<&Spec> = specs.into_iter().filter(|spec| !common.contains_key(spec.name)).collect();
        // The parameter that names the bucket cannot be one of the keywords as well.
        let (bucket, keywords): (Vec<_>, Vec<_>) =
            own.into_iter().partition(|spec| matches!(spec.name, "bucket" | "container_name"));
        if bucket.is_empty() {
            text += &class(name, "ClientConfig", &format!("Settings of {of}."), &keywords);
            continue;
        }
        let rest = name.replace("Config", "Keywords");
        text += &class(&rest, "ClientConfig", &format!("Settings of {of} besides its name."), &keywords);
        text += &class(name, &rest, &format!("Settings of {of}."), &bucket);
    }
    text
}

#[test]
fn hints_have_every_setting() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../longshore-stubs/hints/store.pyi");
    let hints = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = hints.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let expected = settings();
    if std::env::var_os("LONGSHORE_WRITE_TABLES").is_some() {
        std::fs::write(&path, [before, BEGIN, &expected, END, after].concat()).unwrap();
    } else {
        assert!(
            found == expected,
            "the hints are not true any more; run LONGSHORE_WRITE_TABLES=1 cargo test -p longshore-store hints"
        );
    }
}

#[test]
fn our_own_package_has_the_same_hints() {
    // There the classes have methods as well.
    let stores = longshore_stubs::store("longshore", "_stores", "exceptions")
        .replace("class Store:\n", "class Store(ObjectStoreMethods):\n")
        .replace(
            "Unpack, disjoint_base\n",
            "Unpack, disjoint_base\n\nfrom longshore.store import ObjectStoreMethods\n",
        );
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../python/longshore");
    for (name, expected) in [("_stores.pyi", stores.as_str()), ("_bytes.pyi", longshore_stubs::bytes())] {
        let path = package.join(name);
        if std::env::var_os("LONGSHORE_WRITE_TABLES").is_some() {
            std::fs::write(&path, expected).unwrap();
        } else {
            assert!(
                std::fs::read_to_string(&path).unwrap() == expected,
                "{name}: run LONGSHORE_WRITE_TABLES=1 cargo test -p longshore-store hints"
            );
        }
    }
}

#[test]
fn the_hints_of_bytes_are_those_of_the_crate_that_has_the_class() {
    let link = Path::new(env!("CARGO_MANIFEST_DIR")).join("../longshore-stubs/hints/bytes.pyi");
    assert!(link.is_symlink());
    let class = Path::new(env!("CARGO_MANIFEST_DIR")).join("../longshore-bytes/bytes.pyi");
    assert_eq!(std::fs::read_to_string(class).unwrap(), longshore_stubs::bytes());
}
