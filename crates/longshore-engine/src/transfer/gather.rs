//! Makes bodies of a wanted length out of chunks of any.

use bytes::Bytes;
use futures::stream::{Stream, TryStreamExt};

use crate::error::{Context, Error, ErrorKind};

/// Set aside for a body before its bytes have come. One that is short never takes more.
const AHEAD: u64 = 1 << 20;

/// A stream that is taken body by body.
pub(super) struct Gather<S> {
    chunks: S,
    /// Came with an earlier chunk and was not asked for yet.
    rest: Bytes,
    /// Not every stream may be asked again after its end.
    over: bool,
}

impl<S: Stream<Item = Result<Bytes, Error>> + Unpin> Gather<S> {
    pub(super) fn new(chunks: S) -> Self {
        Self { chunks, rest: Bytes::new(), over: false }
    }

    /// Whether nothing more comes. Waits until that is known.
    pub(super) async fn is_over(&mut self) -> Result<bool, Error> {
        while self.rest.is_empty() && !self.over {
            match self.chunks.try_next().await? {
                Some(chunk) => self.rest = chunk,
                None => self.over = true,
            }
        }
        Ok(self.rest.is_empty())
    }

    /// The next `length` bytes, or all that still come.
    pub(super) async fn next(&mut self, length: u64, context: &Context) -> Result<Bytes, Error> {
        let length =
            usize::try_from(length).map_err(|_| context.error(ErrorKind::Generic, "too large for this machine"))?;
        if self.is_over().await? {
            return Ok(Bytes::new());
        }
        if self.rest.len() >= length {
            // A cut, not a copy.
            return Ok(self.rest.split_to(length));
        }
        let mut body = Vec::with_capacity(length.min(AHEAD as usize));
        while body.len() < length && !self.is_over().await? {
            if body.len() + self.rest.len() > body.capacity() {
                // At most doubled, and to no more than it can hold: a part is not to take twice its size.
                let wanted = (body.capacity() * 2).max(body.len() + self.rest.len()).min(length);
                body.reserve_exact(wanted.saturating_sub(body.len()));
            }
            let take = self.rest.len().min(length - body.len());
            body.extend_from_slice(&self.rest.split_to(take));
        }
        Ok(body.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;

    #[tokio::test]
    async fn bodies_have_the_length_asked_for_whatever_the_chunks() {
        let context = Context::new("put", "s3://b/k");
        for sizes in [vec![10], vec![1; 10], vec![0, 3, 0, 4, 3, 0], vec![7, 3]] {
            let all: Vec<u8> = (0..10).collect();
            let mut rest = Bytes::from(all.clone());
            let chunks: Vec<_> = sizes.iter().map(|size| Ok(rest.split_to(*size))).collect();
            let mut gather = Gather::new(stream::iter(chunks));
            let mut found = Vec::new();
            while !gather.is_over().await.unwrap() {
                found.push(gather.next(4, &context).await.unwrap());
            }
            assert_eq!(found.iter().map(Bytes::len).collect::<Vec<_>>(), [4, 4, 2], "{sizes:?}");
            assert_eq!(found.concat(), all);
            assert!(gather.next(4, &context).await.unwrap().is_empty());
        }
    }
}
