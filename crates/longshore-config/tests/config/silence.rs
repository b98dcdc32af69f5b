//! The idle timeout bounds each silence, and no transfer as a whole.

use std::time::{Duration, Instant};

use futures::StreamExt;
use object_store::client::{HttpError, HttpErrorKind};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use tokio::time::sleep;

use crate::place::{Server, cause, run};

fn kind(error: &object_store::Error) -> Option<HttpErrorKind> {
    cause::<HttpError>(error).map(HttpError::kind)
}

fn objects(store: &longshore_config::Store) -> &dyn ObjectStore {
    &*store.live().unwrap().objects
}

fn key() -> Path {
    Path::from("k")
}

#[test]
fn a_slow_and_steady_upload_may_take_longer_than_the_timeout() {
    const LENGTH: usize = 20 << 20;
    run(async {
        let server = Server::start(|mut connection| async move {
            let head = connection.head().await;
            assert!(head.contains(&format!("content-length: {LENGTH}\r\n")), "{head}");
            assert!(!head.contains("chunked"), "{head}");
            let mut left = LENGTH;
            while left > 0 {
                let taken = connection.more().await;
                left -= taken;
                sleep(Duration::from_secs_f64(taken as f64 / 7e6)).await;
            }
            connection.answer(200, "").await;
        });
        let store = server.store(&[("timeout", "1.5")]);
        let started = Instant::now();
        objects(&store).put(&key(), PutPayload::from(vec![7; LENGTH])).await.unwrap();
        assert!(started.elapsed() > Duration::from_secs(2), "{:?}", started.elapsed());
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn an_upload_that_nobody_reads_times_out() {
    run(async {
        let server = Server::silent();
        let store = server.store(&[("timeout", "0.3")]);
        let started = Instant::now();
        let error = objects(&store).put(&key(), PutPayload::from(vec![7; 32 << 20])).await.unwrap_err();
        assert_eq!(kind(&error), Some(HttpErrorKind::Timeout), "{error}");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    });
}

#[test]
fn a_server_without_an_answer_times_out() {
    run(async {
        let store = Server::silent().store(&[("timeout", "300ms")]);
        let started = Instant::now();
        let error = objects(&store).get(&key()).await.unwrap_err();
        assert_eq!(kind(&error), Some(HttpErrorKind::Timeout), "{error}");
        assert!((0.3..5.0).contains(&started.elapsed().as_secs_f64()), "{:?}", started.elapsed());
    });
}

#[test]
fn a_body_that_stalls_times_out() {
    run(async {
        let server = Server::start(|mut connection| async move {
            connection.head().await;
            connection.promise(1000).await;
            connection.send(&[7; 500]).await;
            std::future::pending().await
        });
        let store = server.store(&[("timeout", "300ms")]);
        let answer = objects(&store).get(&key()).await.unwrap();
        let error = answer.bytes().await.unwrap_err();
        assert_eq!(kind(&error), Some(HttpErrorKind::Timeout), "{error}");
    });
}

#[test]
fn a_slow_and_steady_download_may_take_longer_than_the_timeout() {
    run(async {
        let server = Server::start(|mut connection| async move {
            connection.head().await;
            connection.promise(1000).await;
            for _ in 0..10 {
                sleep(Duration::from_millis(150)).await;
                connection.send(&[7; 100]).await;
            }
        });
        let store = server.store(&[("timeout", "1")]);
        let started = Instant::now();
        assert_eq!(objects(&store).get(&key()).await.unwrap().bytes().await.unwrap().len(), 1000);
        assert!(started.elapsed() > Duration::from_secs(1), "{:?}", started.elapsed());
    });
}

#[test]
fn time_in_which_nobody_asks_for_more_is_not_the_servers_silence() {
    const LENGTH: usize = 64 << 20;
    run(async {
        let server = Server::start(|mut connection| async move {
            connection.head().await;
            connection.promise(LENGTH).await;
            connection.send(&vec![7; LENGTH]).await;
        });
        let store = server.store(&[("timeout", "300ms")]);
        let mut stream = objects(&store).get(&key()).await.unwrap().into_stream();
        let mut length = stream.next().await.unwrap().unwrap().len();
        sleep(Duration::from_millis(700)).await;
        while let Some(piece) = stream.next().await {
            length += piece.unwrap().len();
        }
        assert_eq!((length, server.connections()), (LENGTH, 1));
    });
}

#[test]
fn a_connection_that_is_not_made_in_time_is_told_from_a_silent_server() {
    run(async {
        // A full backlog takes no more connections, and says nothing.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            waiting.push(stream);
        }
        let endpoint = format!("http://{address}");
        let options =
            [("access_key_id", "k"), ("secret_access_key", "s"), ("endpoint", &*endpoint), ("max_retries", "0")];
        let options = options.into_iter().chain([("connect_timeout", "300ms")]).collect();
        let location = longshore_config::Location::parse("s3://b/").unwrap();
        let store = longshore_config::open(&location, options, &Default::default()).unwrap();
        let error = objects(&store).get(&key()).await.unwrap_err();
        let http = cause::<HttpError>(&error).unwrap();
        assert_eq!(http.kind(), HttpErrorKind::Connect, "{error}");
        assert!(http.to_string().contains("connect_timeout"), "{http}");
    });
}
