//! One server that gives out tokens and holds an object, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use longshore_config::{CredentialsError, Environment, Location, Store, open};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::place::{Connection, Server, cause};

/// What the server says to whoever asks for a token.
#[derive(Clone, Copy)]
pub(crate) enum Tokens {
    /// A new one for each question, good for so many seconds: `token-0`, `token-1` and so on.
    Good {
        seconds: u64,
    },
    Refused(u16, &'static str),
}

/// What several connections write down.
type Log = Arc<Mutex<Vec<String>>>;

pub(crate) struct Double {
    server: Server,
    /// Requests for tokens, with their bodies.
    pub(crate) questions: Log,
    /// What requests for the object were authorized with.
    pub(crate) authorizations: Log,
}

impl Double {
    /// Requests whose path has `token` in it are for tokens; others are for the object.
    pub(crate) fn start(tokens: Tokens) -> Self {
        let (questions, authorizations) = (Log::default(), Log::default());
        let shared = (Arc::clone(&questions), Arc::clone(&authorizations));
        let server = Server::start(move |connection| serve(connection, tokens, shared.clone()));
        Self { server, questions, authorizations }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    pub(crate) fn host(&self) -> String {
        self.server.address.to_string()
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.questions.lock().unwrap().clone()
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.authorizations.lock().unwrap().clone()
    }
}

async fn serve(mut connection: Connection, tokens: Tokens, (questions, seen): (Log, Log)) {
    let head = connection.head_as_sent().await;
    if !head.lines().next().unwrap_or_default().contains("token") {
        let value = |name: &str| {
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
            line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        seen.lock().unwrap().push(value("authorization:"));
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"e\"\r\nx-goog-generation: 1\r\nConnection: close\r\n\
                      Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n{}";
        connection.send(answer.as_bytes()).await;
        return;
    }
    let mut body = Vec::new();
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    while body.len() < length.unwrap_or(0) {
        body.extend(connection.rest().await);
    }
    let number = questions.lock().unwrap().len();
    questions.lock().unwrap().push(format!("{head}{}", String::from_utf8(body).unwrap()));
    match tokens {
        Tokens::Good { seconds } => {
            let answer =
                format!(r#"{{"access_token": "token-{number}", "expires_in": {seconds}, "token_type": "Bearer"}}"#);
            connection.answer(200, &answer).await;
        }
        Tokens::Refused(status, body) => connection.answer(status, body).await,
    }
}

pub(crate) fn store(uri: &str, options: &[(&str, &str)], variables: &[(&str, &str)]) -> Arc<Store> {
    let environment: Environment =
        variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let options = options.iter().copied().chain([("max_retries", "0")]).collect();
    open(&Location::parse(uri).unwrap(), options, &environment).unwrap()
}

/// Reads the object twice.
pub(crate) async fn read_twice(store: &Store) {
    for _ in 0..2 {
        store.live().unwrap().objects.get(&Path::from("k")).await.unwrap();
    }
}

/// Why the object cannot be read for want of a token.
pub(crate) async fn refusal(store: &Store) -> String {
    let error = store.live().unwrap().objects.get(&Path::from("k")).await.unwrap_err();
    cause::<CredentialsError>(&error).unwrap_or_else(|| panic!("{error:?}")).to_string()
}
