//! Answers that are read into memory before anybody looks at them: never more of one than it can sensibly have.

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use http::header::CONTENT_LENGTH;
use object_store::client::{HttpError, HttpErrorKind, HttpResponse};
use thiserror::Error;

/// A token with all that is said of it takes a few KiB, the description of an object with its own metadata hardly more.
pub(crate) const SMALL_ANSWER: usize = 1 << 20;

/// An answer has more bytes than are read of one of its kind.
#[derive(Debug, Error)]
#[error(
    "the server's answer has more than {most} bytes, which is more than any of its kind needs; is this the right address?"
)]
pub struct TooLong {
    most: usize,
}

/// The body of `response`, where it has no more than `most` bytes.
///
/// # Errors
///
/// Where it breaks off, and [`TooLong`] below an error of the kind [`HttpErrorKind::Decode`], which no other try would mend.
pub async fn whole(response: HttpResponse, most: usize) -> Result<Bytes, HttpError> {
    let too_long = || HttpError::new(HttpErrorKind::Decode, TooLong { most });
    let announced = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most as u64) {
        return Err(too_long());
    }
    let mut body = response.into_body().bytes_stream();
    // Most answers come in one piece, which is passed on as it is.
    let Some(first) = body.try_next().await? else { return Ok(Bytes::new()) };
    let mut rest = BytesMut::new();
    while let Some(chunk) = body.try_next().await? {
        if rest.is_empty() {
            rest.reserve(announced.map_or(0, |length| length as usize));
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&chunk);
        if rest.len() > most {
            return Err(too_long());
        }
    }
    match rest.is_empty() {
        true if first.len() > most => Err(too_long()),
        true => Ok(first),
        false => Ok(rest.freeze()),
    }
}

/// As much of the body of `response` as comes, up to `most` bytes: for errors, whose beginning says enough.
pub async fn beginning(response: HttpResponse, most: usize) -> Bytes {
    let mut document = BytesMut::new();
    let mut body = response.into_body().bytes_stream();
    while let (true, Ok(Some(chunk))) = (document.len() < most, body.try_next().await) {
        document.extend_from_slice(&chunk[..chunk.len().min(most - document.len())]);
    }
    document.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &'static [u8]) -> HttpResponse {
        HttpResponse::new(Bytes::from_static(body).into())
    }

    #[tokio::test]
    async fn an_answer_is_read_up_to_its_bound_and_not_beyond() {
        assert_eq!(whole(answer(b"12345"), 5).await.unwrap(), "12345");
        assert_eq!(whole(answer(b""), 5).await.unwrap(), "");
        let error = whole(answer(b"123456"), 5).await.unwrap_err();
        assert!(error.kind() == HttpErrorKind::Decode, "{error:?}");
        let mut announced = answer(b"1");
        announced.headers_mut().insert(CONTENT_LENGTH, 6.into());
        assert!(whole(announced, 5).await.is_err());
        assert_eq!(beginning(answer(b"123456"), 5).await, "12345");
        assert_eq!(beginning(answer(b"1234"), 5).await, "1234");
    }
}
