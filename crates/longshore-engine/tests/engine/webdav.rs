//! Listings over WebDAV, from servers that put things in different words, and from some that mean harm.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::TryStreamExt;
use longshore_config::Location;
use longshore_engine::{Context, Depth, ErrorKind, Limits, Memory, Progress, expand, get_many, list_pages};

use crate::site::{Asked, Site, answer, promise};

/// How servers write the address of what they list.
const STYLES: [&str; 4] = ["path", "address", "name", "sloppy"];

/// Keys as URLs spell them.
const FILES: [&str; 9] =
    ["a/b-", "a/b/d", "a/bc", "a-b", "a/50%25%20%C3%A9", "a/x%3Fy%23z", "s%2At", "deep/er/and/er/x.npz", "z"];

fn multistatus(responses: &str) -> Vec<u8> {
    let document = format!("<?xml version=\"1.0\"?><D:multistatus xmlns:D=\"DAV:\">{responses}</D:multistatus>");
    answer("207", "Content-Type: application/xml\r\n", document)
}

fn response(href: &str, folder: bool, size: usize) -> String {
    let kind = if folder { "<D:collection/>" } else { "" };
    let href = href.replace('&', "&amp;");
    format!(
        "<D:response><D:href>{href}</D:href><D:propstat><D:prop><D:resourcetype>{kind}</D:resourcetype>\
         <D:getcontentlength>{size}</D:getcontentlength><D:getetag>\"e\"</D:getetag>\
         <D:getlastmodified>Mon, 01 Jan 2024 00:00:00 GMT</D:getlastmodified></D:prop>\
         <D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
    )
}

/// Serves `files`, whose content is their path.
fn tree(asked: &Asked, files: &[&str], style: &str) -> Vec<u8> {
    let folder = asked.path.trim_start_matches('/');
    if asked.method == "GET" {
        let found = files.contains(&folder);
        return if found { answer("200", "", folder) } else { answer("404", "", "") };
    }
    assert_eq!((&*asked.method, asked.header("depth")), ("PROPFIND", Some("1")), "{asked:?}");
    let mut names: Vec<(String, bool)> = Vec::new();
    for rest in files.iter().filter_map(|file| file.strip_prefix(folder)) {
        let (name, is_folder) = rest.split_once('/').map_or((rest, false), |(name, _)| (name, true));
        names.push((name.to_owned(), is_folder));
    }
    names.sort();
    names.dedup();
    if names.is_empty() && !folder.is_empty() {
        return answer("404", "", "");
    }
    let host = asked.header("host").unwrap();
    let mut all = response(&format!("/{folder}"), true, 0);
    for (name, is_folder) in names {
        let slash = if is_folder { "/" } else { "" };
        let href = match style {
            "path" => format!("/{folder}{name}{slash}"),
            "address" => format!("http://{host}/{folder}{name}"),
            "name" => format!("{name}{slash}"),
            _ => format!("/{folder}{}", name.replace("%20", " ").replace("%C3%A9", "%c3%a9").replace("%2A", "*")),
        };
        all.push_str(&response(&href, is_folder, folder.len() + name.len()));
    }
    multistatus(&all)
}

fn site_of(style: &'static str) -> Site {
    Site::start(move |asked, _| tree(asked, &FILES, style))
}

#[tokio::test]
async fn a_prefix_is_plain_text_however_it_and_the_server_spell_it() {
    for style in STYLES {
        let site = site_of(style);
        let names = async |prefix: &str| site.names(prefix).await.unwrap();
        let mut all = FILES.map(str::to_owned);
        all.sort();
        assert_eq!(names("/").await, all, "{style}");
        assert_eq!(names("/a").await, ["a-b", "a/50%25%20%C3%A9", "a/b-", "a/b/d", "a/bc", "a/x%3Fy%23z"], "{style}");
        assert_eq!(names("/a/b").await, ["a/b-", "a/b/d", "a/bc"], "{style}");
        assert_eq!(names("/a/50% é").await, ["a/50%25%20%C3%A9"], "{style}");
        assert_eq!(names("/%61/%62/").await, ["a/b/d"], "{style}");
        assert_eq!(names(r"/s\*").await, ["s%2At"], "{style}");
        assert!(names("/q").await.is_empty() && names("/q/r/s").await.is_empty() && names("/a/b/d/").await.is_empty());
    }
}

#[tokio::test]
async fn what_is_listed_reads_back() {
    let site = site_of("path");
    let keys = site.names("/").await.unwrap();
    let objects: Vec<_> = keys.iter().map(|key| site.object(&format!("/{key}"))).collect();
    let bodies = get_many(objects, Limits::default(), Arc::new(Memory), &Progress::silent()).await.unwrap();
    for (key, body) in keys.iter().zip(bodies) {
        assert_eq!(key.as_bytes(), body);
    }
}

#[tokio::test]
async fn wildcards_match_in_any_spelling_and_look_only_where_they_can() {
    let site = site_of("path");
    let find = async |pattern: &str| {
        let uri = site.uri(pattern);
        let location = Location::parse(&uri).unwrap();
        let store = site.object("/").store;
        let found = expand(&store, &location, &Context::new("get", &*uri), &Progress::silent()).await?;
        Ok::<_, longshore_engine::Error>(found.iter().map(|object| object.uri.to_string()).collect::<Vec<_>>())
    };
    assert_eq!(find("/a/b*").await.unwrap(), [site.uri("/a/b-"), site.uri("/a/bc")]);
    assert_eq!(find("/**.npz").await.unwrap(), [site.uri("/deep/er/and/er/x.npz")]);
    assert_eq!(find("/a/* é").await.unwrap(), [site.uri("/a/50%25%20%C3%A9")]);
    assert_eq!(find(r"/*\*t").await.unwrap(), [site.uri("/s%2At")]);
    let before = site.seen().len();
    assert_eq!(find("/z*").await.unwrap(), [site.uri("/z")]);
    assert_eq!(site.seen().len(), before + 1);
    assert_eq!(find("/q*").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn pages_come_in_key_order_and_describe_what_is_in_them() {
    let site = site_of("path");
    let store = site.object("/").store;
    let pages =
        |prefix: &str, depth| list_pages(&store, prefix, depth, &Context::new("list", "x")).try_collect::<Vec<_>>();
    let all = pages("", Depth::Everything).await.unwrap();
    let keys: Vec<_> = all.iter().flat_map(|page| &page.objects).map(|object| object.key.clone()).collect();
    assert!(keys.is_sorted() && keys.len() == FILES.len(), "{keys:?}");
    let first = &all[0].objects[0];
    assert_eq!(
        (first.size, first.e_tag.as_deref(), first.last_modified.timestamp()),
        (3, Some("\"e\""), 1_704_067_200)
    );
    let level = pages("a", Depth::Level).await.unwrap();
    assert_eq!(level[0].folders, ["a/"]);
    assert_eq!(level[0].objects.iter().map(|object| &*object.key).collect::<Vec<_>>(), ["a-b"]);
    let level = pages("a/", Depth::Level).await.unwrap();
    assert_eq!((&*level[0].folders, level[0].objects.len()), (&["a/b/".to_owned()][..], 4));
    assert!(pages("q/", Depth::Level).await.unwrap().is_empty());
}

#[tokio::test]
async fn folders_are_asked_about_several_at_once() {
    let (now, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let seen = Arc::clone(&most);
    let files: Vec<String> = (0..40).map(|number| format!("d{number:02}/x")).collect();
    let site = Site::start(move |asked, _| {
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(20));
        now.fetch_sub(1, Ordering::SeqCst);
        tree(asked, &files.iter().map(String::as_str).collect::<Vec<_>>(), "path")
    });
    assert_eq!(site.names("/").await.unwrap().len(), 40);
    let most = seen.load(Ordering::SeqCst);
    assert!((2..=16).contains(&most), "{most} at once");
}

#[tokio::test]
async fn a_server_without_webdav_says_so() {
    for refusal in [
        answer("405", "", ""),
        answer("501", "", ""),
        answer("200", "Content-Type: text/html\r\n", "<html>welcome</html>"),
    ] {
        let site = Site::start(move |_, _| refusal.clone());
        for prefix in ["/", "/a/b"] {
            let error = site.names(prefix).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotSupported, "{error}");
            assert!(error.to_string().contains("no WebDAV"), "{error}");
        }
    }
    let site = Site::start(|_, _| answer("404", "", ""));
    let error = site.names("/a/b/c").await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::NotFound, Some(404)), "{error}");
    assert_eq!(site.lines(), ["PROPFIND /a/b/", "PROPFIND /a/", "PROPFIND /"]);
    let error = site.names("/a?token=hunter2").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_listing_is_whole_or_an_error() {
    let site = Site::start(|asked, number| match &*asked.path {
        "/closed/" => multistatus(&[response("/closed/", true, 0), response("/closed/in", true, 0)].concat()),
        "/closed/in/" => answer("403", "", ""),
        "/part/" => multistatus("<D:response><D:href>/part/x</D:href><D:status>HTTP/1.1 507 X</D:status></D:response>"),
        "/vanishing/" => multistatus(&response("/vanishing/gone", true, 0)),
        "/vanishing/gone/" => answer("404", "", ""),
        "/cut/" if number % 2 == 0 => promise("207", "", 1000, b"<D:multistatus>"),
        "/cut/" => multistatus(&response("/cut/x", false, 1)),
        _ => answer("207", "", "<D:multistatus xmlns:D=\"DAV:\">"),
    });
    assert_eq!(site.names("/cut/").await.unwrap(), ["cut/x"]);
    assert_eq!(site.names("/closed/").await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    let error = site.names("/part/").await.unwrap_err();
    assert!(error.to_string().contains("507 for \"/part/x\""), "{error}");
    assert!(site.names("/vanishing/").await.unwrap().is_empty());
    let error = site.names("/unfinished/").await.unwrap_err();
    assert!(
        error.to_string().contains("not a complete multistatus") || error.to_string().contains("cannot be used"),
        "{error}"
    );
}

#[tokio::test]
async fn a_listing_that_leads_elsewhere_is_refused() {
    for href in ["http://evil.example/d/x", "/etc/passwd", "../x", "/d/%2e%2e/x", "/d/x/y", "/d/x?y", "//evil/d/x"] {
        let site = Site::start(move |_, _| multistatus(&response(href, false, 1)));
        let error = site.names("/d/").await.unwrap_err();
        assert!(error.to_string().contains(href), "{error}");
        assert_eq!(site.seen().len(), 1, "{href}");
    }
    let bomb = "<!DOCTYPE d [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>\
                <D:multistatus xmlns:D=\"DAV:\"><D:response><D:href>/d/&b;</D:href></D:response></D:multistatus>";
    let site = Site::start(move |_, _| answer("207", "", bomb));
    assert!(site.names("/d/").await.is_err());
}

#[tokio::test]
async fn folders_without_end_come_to_one() {
    let site = Site::start(|asked, _| {
        let path = asked.path.clone();
        multistatus(&[response(&path, true, 0), response(&format!("{path}again/"), true, 0)].concat())
    });
    let error = site.names("/").await.unwrap_err();
    assert!(error.to_string().contains("nest more than 100 deep"), "{error}");
    assert!(site.seen().len() <= 110, "{}", site.seen().len());
}

#[tokio::test]
async fn a_folder_that_moved_is_listed_under_the_name_that_was_asked_for() {
    let site = Site::start(|asked, _| match &*asked.path {
        "/old/" => answer("301", "Location: /new/place/\r\n", ""),
        "/new/place/" => multistatus(&[response("/new/place/", true, 0), response("/new/place/x", false, 1)].concat()),
        _ => answer("404", "", ""),
    });
    assert_eq!(site.names("/old/").await.unwrap(), ["old/x"]);
}

#[tokio::test]
async fn whoever_asks_for_an_object_store_lists_folder_by_folder_too() {
    let files = ["a/b/d", "a/x", "deep/er/and/er/x.npz", "z"];
    let site = Site::start(move |asked, _| {
        let mut asked = asked.clone();
        if !asked.path.ends_with('/') {
            asked.path.push('/');
        }
        // It asserts the depth.
        tree(&asked, &files, "path")
    });
    let store = site.object("/").store;
    let objects = &store.live().unwrap().objects;
    for (prefix, expected) in [(None, &files[..]), (Some("a"), &files[..2]), (Some("q"), &[][..])] {
        let prefix = prefix.map(object_store::path::Path::from);
        let found: Vec<_> = objects.list(prefix.as_ref()).try_collect().await.unwrap();
        let mut keys: Vec<String> = found.into_iter().map(|meta| meta.location.into()).collect();
        keys.sort();
        assert_eq!(keys, expected);
    }
    let found: Vec<_> = objects.list_with_offset(None, &"a/c".into()).try_collect().await.unwrap();
    assert_eq!(found.len(), 3);
}
