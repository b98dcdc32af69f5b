//! Client options, each by what it does to requests.

use std::sync::{Arc, Mutex};

use longshore_config::{Context, Environment, Options, open_web};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use crate::place::{Server, run};

type Log = Arc<Mutex<Vec<String>>>;

/// Notes requests as they were sent, and answers each on its connection.
fn noting(log: &Log) -> Server {
    let log = Arc::clone(log);
    Server::start(move |mut connection| {
        let log = Arc::clone(&log);
        async move {
            loop {
                let request = connection.request().await;
                if request.is_empty() {
                    return;
                }
                log.lock().unwrap().push(request);
                connection.done_with_request();
                connection
                    .send(
                        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nETag: \"e\"\r\n\
                    Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\nx",
                    )
                    .await;
            }
        }
    })
}

fn last(log: &Log) -> String {
    log.lock().unwrap().last().unwrap().to_ascii_lowercase()
}

#[test]
fn requests_carry_what_the_client_was_told_to_say() {
    run(async {
        let log = Log::default();
        let server = noting(&log);
        let options = [
            ("user_agent", "me/1"),
            ("default_headers", "X-One: 1\nx-two: hunter2"),
            ("default_content_type", "text/x-test"),
        ];
        let store = server.store(&options);
        assert!(!format!("{store:?} {:?}", store.configuration()).contains("hunter2"));
        let before = Context::process().requests();
        store.live().unwrap().objects.put(&Path::from("k"), "body".into()).await.unwrap();
        let head = last(&log);
        assert!(Context::process().requests() > before && Context::process().is_running());
        for line in ["user-agent: me/1\n", "x-one: 1\n", "x-two: hunter2\n", "content-type: text/x-test\n"] {
            assert!(head.contains(line), "{line} in {head}");
        }
    });
}

#[test]
fn a_proxy_that_was_named_is_asked_for_all_hosts_but_those_excluded() {
    run(async {
        let (asked, direct) = (Log::default(), Log::default());
        let (proxy, server) = (noting(&asked), noting(&direct));
        let url = format!("http://me:hunter2@{}", proxy.address);
        // This machine is no exception where somebody says so.
        let store = server.store(&[("proxy_url", &url)]);
        assert!(!format!("{store:?} {:?}", store.configuration()).contains("hunter2"));
        let route = store.route().unwrap();
        assert_eq!((&*route.host, route.port), ("127.0.0.1", proxy.address.port()));
        assert!(!format!("{:?}", route.proxy).contains("hunter2"));
        store.live().unwrap().objects.get(&Path::from("k")).await.unwrap();
        let head = last(&asked);
        assert!(head.starts_with(&format!("get {}/b/k http/1.1\n", server.url())), "{head}");
        assert!(head.contains("proxy-authorization: basic ") && direct.lock().unwrap().is_empty(), "{head}");
        let store = server.store(&[("proxy_url", &url), ("proxy_excludes", "example.org,127.0.0.0/8")]);
        assert_eq!(store.route().unwrap().port, server.address.port());
        store.live().unwrap().objects.get(&Path::from("k")).await.unwrap();
        assert_eq!((asked.lock().unwrap().len(), direct.lock().unwrap().len()), (1, 1));
    });
}

#[test]
fn idle_connections_are_kept_as_was_said() {
    run(async {
        for (options, connections) in
            [(&[][..], 1), (&[("pool_max_idle_per_host", "0")], 3), (&[("pool_idle_timeout", "1ms")], 3)]
        {
            let server = noting(&Log::default());
            let store = server.store(options);
            for _ in 0..3 {
                store.live().unwrap().objects.get(&Path::from("k")).await.unwrap().bytes().await.unwrap();
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            assert_eq!(server.connections(), connections, "{options:?}");
        }
    });
}

#[test]
fn http_2_alone_is_spoken_where_that_was_said() {
    run(async {
        let (heard, mut hear) = tokio::sync::mpsc::unbounded_channel();
        let server = Server::start(move |mut connection| {
            let heard = heard.clone();
            async move {
                let _ = heard.send(connection.head().await);
            }
        });
        for (options, begins) in [
            (&[][..], "get /b/k http/1.1\r\n"),
            (&[("http1_only", "false")], "get /b/k http/1.1\r\n"),
            (
                &[("http2_only", "true"), ("http2_keep_alive_interval", "5s"), ("http2_max_frame_size", "20000")],
                "pri * http/2.0\r\n",
            ),
        ] {
            let _ = server.store(options).live().unwrap().objects.get(&Path::from("k")).await;
            let head = hear.recv().await.unwrap();
            assert!(head.starts_with(begins), "{options:?}: {head}");
        }
    });
}

#[test]
fn what_does_not_go_together_is_refused() {
    run(async {
        let server = Server::silent();
        for (options, told) in [
            (&[("http1_only", "true"), ("http2_only", "true")][..], "http2_only"),
            (&[("http2_max_frame_size", "20000")], "http1_only=False"),
            (&[("http2_only", "true"), ("http2_max_frame_size", "1")], "16384"),
            (&[("proxy_excludes", "h")], "proxy_url"),
            (&[("proxy_url", "hunter2")], "http://host:port"),
            (&[("proxy_url", "ftp://me:hunter2@h")], "http://host:port"),
            (&[("root_certificate", "hunter2")], "PEM"),
            (&[("proxy_url", "http://h"), ("proxy_ca_certificate", "hunter2")], "PEM"),
            (&[("disable_system_certificates", "true")], "ca_bundle"),
            (&[("default_headers", "Range: hunter2")], "range"),
            (&[("default_headers", "hunter2")], "colon"),
            (&[("user_agent", "a\nb")], "header"),
            (&[("init_backoff", "10s"), ("max_backoff", "1s")], "max_backoff"),
            (&[("backoff_base", "0.5")], "from 1"),
            (&[("pool_max_idle_per_host", "-1")], "whole number"),
            (&[("timeout", "0")], "no time"),
        ] {
            let mut all: Options = options.iter().copied().collect();
            all.set("endpoint", server.url());
            all.set("skip_signature", "true");
            let location = longshore_config::Location::parse("s3://b/").unwrap();
            let message = longshore_config::open(&location, all, &Environment::default()).unwrap_err().to_string();
            assert!(message.contains(told) && !message.contains("hunter2"), "{options:?}: {message}");
        }
    });
}

#[test]
fn a_web_store_with_a_path_reads_and_writes_below_it() {
    run(async {
        let log = Log::default();
        let server = noting(&log);
        let url = format!("http://me:secret@{}/a%20b/", server.address);
        let store = open_web(&url, [("headers", "X-One: 1")].into_iter().collect(), &Environment::default()).unwrap();
        let objects = &store.live().unwrap().objects;
        assert_eq!(objects.get(&Path::from("c/d")).await.unwrap().bytes().await.unwrap(), "x");
        let head = last(&log);
        assert!(head.starts_with("get /a%20b/c/d http/1.1\n"), "{head}");
        assert!(head.contains("authorization: basic bwu6c2vjcmv0") && head.contains("x-one: 1"), "{head}");
        objects.put(&Path::from("k"), PutPayload::from_static(b"body")).await.unwrap();
        assert!(last(&log).starts_with("put /a%20b/k http/1.1\n"), "{}", last(&log));
    });
}
