//! Deletes of many blobs in one request: a multipart document of requests, answered by one of answers.

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use longshore_config::AzureAccess;
use object_store::client::HttpRequest;

use super::request::{ERROR_CODE, Request, blob_url, delete};
use crate::error::{Context, Error, ErrorKind, trace};
use crate::rest::{Service, sendable};

/// Azure's own limit for one request.
pub(crate) const BATCH: usize = 256;
/// Single deletes at once, where a batch is refused as a whole.
const SINGLY_IN_FLIGHT: usize = 8;

/// A key that could not be deleted: key, code, message.
type Failure = (String, String, String);

/// Deletes up to [`BATCH`] keys. Returns those that failed; `uri` names one for messages.
///
/// Some servers and some signatures refuse batches; then each key has a request of its own.
///
/// # Errors
///
/// A missing container, and what makes every try useless.
pub(crate) async fn delete_batch(
    access: &AzureAccess,
    keys: &[String],
    uri: &(impl Fn(&str) -> String + Sync),
    context: &Context,
) -> Result<Vec<Failure>, Error> {
    let (sent, singly): (Vec<&String>, Vec<&String>) =
        keys.iter().partition(|key| sendable(key, context).is_ok() && keys.len() > 1);
    let (mut failures, mut again) = (Vec::new(), singly);
    match ask(access, &sent, context).await {
        Ok(answers) => {
            for (key, answer) in sent.into_iter().zip(answers) {
                match answer {
                    Answer::Gone => {}
                    Answer::Refused { code, message } => failures.push((key.clone(), code, message)),
                    Answer::Unclear => again.push(key),
                }
            }
        }
        Err(error) if is_final(&error) => return Err(error),
        Err(_) => again = keys.iter().collect(),
    }
    let mut singly = Vec::with_capacity(again.len());
    for key in again {
        singly.push(delete_singly(access, key, Context::new(context.operation, uri(key))));
    }
    let singly = stream::iter(singly).buffer_unordered(SINGLY_IN_FLIGHT);
    let found: Vec<Option<Failure>> = singly.try_collect().await?;
    failures.extend(found.into_iter().flatten());
    Ok(failures)
}

async fn delete_singly(access: &AzureAccess, key: &str, context: Context) -> Result<Option<Failure>, Error> {
    match delete(access, key, &context).await {
        Ok(()) => Ok(None),
        Err(error) if is_final(&error) => Err(error),
        Err(error) => {
            let code = error.code().map_or_else(|| format!("{:?}", error.kind()), str::to_owned);
            Ok(Some((key.to_owned(), code, error.to_string())))
        }
    }
}

/// Whether single requests would fail in the same way.
fn is_final(error: &Error) -> bool {
    let hopeless = matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::Connection | ErrorKind::Timeout);
    hopeless || error.code() == Some("ContainerNotFound")
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// Deleted, or not there.
    Gone,
    Refused {
        code: String,
        message: String,
    },
    /// No answer, or one that another try may change.
    Unclear,
}

async fn ask(access: &AzureAccess, keys: &[&String], context: &Context) -> Result<Vec<Answer>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let boundary = format!("batch_{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
    let mut document = Vec::with_capacity(keys.len() * 1024);
    for (index, key) in keys.iter().enumerate() {
        let part = part(access, key, context).await?;
        let head = format!(
            "--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {index}\r\n\r\n"
        );
        document.extend_from_slice(head.as_bytes());
        document.extend_from_slice(&part);
    }
    document.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let request = Request::container(access, Method::POST, context)
        .query("comp", "batch")
        .header(CONTENT_TYPE, &format!("multipart/mixed; boundary={boundary}"))?
        .body(document);
    let response = request.send().await?;
    let answer = request.whole(response).await?;
    let mut answers: Vec<Answer> = keys.iter().map(|_| Answer::Unclear).collect();
    for (index, answer) in read(&answer, context)? {
        if let Some(place) = answers.get_mut(index) {
            *place = answer;
        }
    }
    Ok(answers)
}

/// The request for one key, as text. Each is authorized by itself.
async fn part(access: &AzureAccess, key: &str, context: &Context) -> Result<Vec<u8>, Error> {
    let mut request = HttpRequest::new(Bytes::new().into());
    *request.method_mut() = Method::DELETE;
    let url = blob_url(access, key);
    *request.uri_mut() =
        url.parse().map_err(|_| context.error(ErrorKind::InvalidPath, "no address can name this key"))?;
    request.headers_mut().insert(http::header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    let trace = trace();
    access.authorize(&mut request).await.map_err(|error| context.store_error(error, &trace))?;
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let mut text = format!("DELETE {target} HTTP/1.1\r\n").into_bytes();
    for (name, value) in request.headers() {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n\r\n");
    Ok(text)
}

/// What the answer says of each request, by its number.
fn read(answer: &[u8], context: &Context) -> Result<Vec<(usize, Answer)>, Error> {
    let text = String::from_utf8_lossy(answer);
    // The boundary is the first line, and need not be the one that was sent.
    let boundary = text.lines().next().unwrap_or_default().trim();
    if !boundary.starts_with("--") || boundary.len() < 3 {
        return Err(context.error(ErrorKind::Generic, "the server's answer to a batch of deletes is unreadable"));
    }
    let mut answers = Vec::new();
    for part in text.split(boundary) {
        let (mut index, mut status, mut code) = (None, None, None);
        for line in part.lines() {
            // What follows the answer's own head is its body.
            if line.is_empty() && status.is_some() {
                break;
            }
            let header = line.split_once(':').map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()));
            match header {
                _ if line.starts_with("HTTP/") && status.is_none() => {
                    status = line.split(' ').nth(1).and_then(|status| status.parse().ok())
                }
                Some((name, value)) if name == "content-id" => index = value.parse().ok(),
                Some((name, value)) if name == ERROR_CODE.as_str() => code = Some(value.to_owned()),
                _ => {}
            }
        }
        let (Some(index), Some(status)) = (index, status) else { continue };
        let named = |code: Option<String>| code.unwrap_or_else(|| format!("HTTP {status}"));
        let answer = match (status, code.as_deref()) {
            (200..300, _) | (404, None | Some("BlobNotFound")) => Answer::Gone,
            (404 | 408 | 429 | 500.., _) => Answer::Unclear,
            _ => Answer::Refused { message: format!("the server answered {status}"), code: named(code) },
        };
        answers.push((index, answer));
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_an_answer_of_its_own() {
        let answer = "--batchresponse_x\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\n\
            HTTP/1.1 202 Accepted\r\nx-ms-version: 2018-11-09\r\n\r\n\
            --batchresponse_x\r\nContent-Type: application/http\r\nContent-ID: 2\r\n\r\n\
            HTTP/1.1 404 The specified blob does not exist.\r\nx-ms-error-code: BlobNotFound\r\n\r\n<Error/>\r\n\
            --batchresponse_x\r\nContent-ID: 1\r\n\r\nHTTP/1.1 409 X\r\nx-ms-error-code: SnapshotsPresent\r\n\r\n\
            --batchresponse_x\r\nContent-ID: 3\r\n\r\nHTTP/1.1 503 X\r\nx-ms-error-code: ServerBusy\r\n\r\n\
            --batchresponse_x--\r\n";
        let mut answers = read(answer.as_bytes(), &Context::new("delete", "az://c/")).unwrap();
        answers.sort_by_key(|(index, _)| *index);
        let refused = Answer::Refused { code: "SnapshotsPresent".into(), message: "the server answered 409".into() };
        assert_eq!(answers, [(0, Answer::Gone), (1, refused), (2, Answer::Gone), (3, Answer::Unclear)]);
        let lines = "--b\r\nContent-ID: 0\r\n\r\nHTTP/1.1 403 X\r\nx-ms-error-code: No\r\n\r\n\
            HTTP/1.1 202 Accepted\r\nContent-ID: 1\r\n--b--";
        let refused = Answer::Refused { code: "No".into(), message: "the server answered 403".into() };
        assert_eq!(read(lines.as_bytes(), &Context::new("delete", "az://c/")).unwrap(), [(0, refused)]);
        assert!(read(b"<html>", &Context::new("delete", "az://c/")).is_err());
    }
}
