//! What requests look like on the wire.

use std::sync::{Arc, Mutex};

use longshore_config::Trace;
use object_store::client::HttpRequest;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use crate::place::{Server, run};

/// Notes the heads of all requests, takes their bodies, and answers 200.
fn listener(heads: &Arc<Mutex<Vec<String>>>) -> Server {
    let heads = Arc::clone(heads);
    Server::start(move |mut connection| {
        let heads = Arc::clone(&heads);
        async move {
            let head = connection.head().await;
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let mut left: usize = length.unwrap_or(0);
            heads.lock().unwrap().push(head);
            while left > 0 {
                left -= connection.more().await;
            }
            connection.answer(200, "").await;
        }
    })
}

#[test]
fn an_endpoint_with_a_path_has_its_buckets_below_it() {
    run(async {
        let heads = Arc::default();
        let mut endpoint = listener(&heads).url();
        endpoint.push_str("/storage/v1/");
        let options = [("access_key_id", "k"), ("secret_access_key", "s"), ("endpoint", &*endpoint)];
        let location = longshore_config::Location::parse("s3://b/").unwrap();
        let store = longshore_config::open(&location, options.into_iter().collect(), &Default::default()).unwrap();
        let live = store.live().unwrap();
        live.objects.put(&Path::from("k"), "body".into()).await.unwrap();
        assert_eq!(live.s3.as_ref().unwrap().bucket_url, format!("{endpoint}b"));
        let heads = heads.lock().unwrap();
        assert!(heads[0].starts_with("put /storage/v1/b/k http/1.1\r\n"), "{heads:?}");
    });
}

#[test]
fn every_body_announces_its_length_and_the_client_its_name() {
    run(async {
        let heads = Arc::default();
        let server = listener(&heads);
        let store = server.store(&[]);
        let objects = &store.live().unwrap().objects;
        let chunks = [vec![1; 300 << 10], vec![2; 5]].map(bytes::Bytes::from);
        for (payload, length) in
            [(PutPayload::new(), 0), ("body".into(), 4), (PutPayload::from_iter(chunks), (300 << 10) + 5)]
        {
            objects.put(&Path::from("k"), payload).await.unwrap();
            let head = heads.lock().unwrap().pop().unwrap();
            assert!(head.contains(&format!("content-length: {length}\r\n")), "{head}");
            assert!(head.contains("user-agent: longshore/") && !head.contains("transfer-encoding"), "{head}");
            assert!(!head.contains("accept-encoding"), "{head}");
        }
    });
}

#[test]
fn the_answer_to_the_wrong_region_says_which_is_right() {
    run(async {
        let server = Server::start(|mut connection| async move {
            connection.head().await;
            let head = "HTTP/1.1 301 X\r\nx-amz-bucket-region: eu-west-1\r\nContent-Length: 0\r\n\r\n";
            connection.send(head.as_bytes()).await;
        });
        let store = server.store(&[]);
        let trace = Arc::<Trace>::default();
        let asked = trace.scope(store.live().unwrap().objects.get(&Path::from("k"))).await;
        assert!(asked.is_err());
        assert_eq!(trace.observed().bucket_region.as_deref(), Some("eu-west-1"));
    });
}

#[test]
fn an_address_that_cannot_be_sent_to_is_an_error() {
    run(async {
        let store = Server::silent().store(&[]);
        let mut request = HttpRequest::new(object_store::client::HttpRequestBody::empty());
        *request.uri_mut() = "http://127.0.0.1:99999/".parse().unwrap();
        assert!(store.live().unwrap().s3.as_ref().unwrap().http.execute(request).await.is_err());
    });
}
