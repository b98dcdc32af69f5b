//! Where bodies land.

use crate::error::{Context, Error, ErrorKind};

/// Provides the memory for each object of a call, and makes the call's results from it.
///
/// The engine asks for memory when it knows an object's size, fills it from front to back, and gives it back complete.
/// A buffer that is dropped instead belongs to an object that failed or was cancelled.
pub trait Sink: Send + Sync + 'static {
    /// Memory for one object.
    type Buffer: Buffer;
    /// What a complete object becomes.
    type Output: Send + 'static;

    /// Memory for object number `index`, of `size` bytes. A size is a server's word: it may be absurd.
    fn reserve(&self, index: usize, size: usize) -> impl Future<Output = Result<Self::Buffer, Refusal>> + Send;

    /// Turns the filled buffer of object number `index` into a result.
    fn finish(&self, index: usize, buffer: Self::Buffer) -> Self::Output;

    /// How much of the call's byte budget an object of `size` bytes takes.
    fn footprint(&self, size: u64) -> u64 {
        size
    }

    /// Whether a buffer takes more than was reserved. An object whose server does not say how long it is then goes into one of
    /// zero bytes as it arrives; otherwise it is collected first.
    fn grows(&self) -> bool {
        false
    }
}

/// Why there is no memory for an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is not so much memory.
    OutOfMemory,
    /// Nobody wants the object any more.
    Abandoned,
}

impl Refusal {
    pub(crate) fn error(self, context: &Context, size: u64) -> Error {
        match self {
            Self::OutOfMemory => {
                context.error(ErrorKind::Generic, format!("there is not enough memory for an object of {size} bytes"))
            }
            Self::Abandoned => context.error(ErrorKind::Join, "nobody waits for the result any more"),
        }
    }
}

/// Memory for one object, filled from front to back.
pub trait Buffer: Send + 'static {
    /// Appends `chunk`. The engine never appends more than it reserved, unless the sink [`grows`](Sink::grows).
    fn append(&mut self, chunk: &[u8]);
}

/// Each object in a vector of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory;

impl Buffer for Vec<u8> {
    fn append(&mut self, chunk: &[u8]) {
        self.extend_from_slice(chunk);
    }
}

impl Sink for Memory {
    type Buffer = Vec<u8>;
    type Output = Vec<u8>;

    async fn reserve(&self, _index: usize, size: usize) -> Result<Vec<u8>, Refusal> {
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(size).map_err(|_| Refusal::OutOfMemory)?;
        Ok(buffer)
    }

    fn finish(&self, _index: usize, buffer: Vec<u8>) -> Vec<u8> {
        buffer
    }

    fn grows(&self) -> bool {
        true
    }
}

/// Reads bodies and drops them; the result is the number of bytes. Holds no body in memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl Buffer for u64 {
    fn append(&mut self, chunk: &[u8]) {
        *self += chunk.len() as u64;
    }
}

impl Sink for Discard {
    type Buffer = u64;
    type Output = u64;

    async fn reserve(&self, _index: usize, _size: usize) -> Result<u64, Refusal> {
        Ok(0)
    }

    fn footprint(&self, _size: u64) -> u64 {
        0
    }

    fn grows(&self) -> bool {
        true
    }

    fn finish(&self, _index: usize, buffer: u64) -> u64 {
        buffer
    }
}
