//! Where bodies land.

/// Provides the memory for each object of a call, and makes the call's results from it.
///
/// The engine asks for memory when it knows an object's size, fills it from front to back, and gives it back complete.
/// A buffer that is dropped instead belongs to an object that failed or was cancelled.
pub trait Sink: Send + Sync + 'static {
    /// Memory for one object.
    type Buffer: Buffer;
    /// What a complete object becomes.
    type Output: Send + 'static;

    /// Memory for object number `index`, of `size` bytes. `None` where nobody wants the object any more.
    fn reserve(&self, index: usize, size: usize) -> impl Future<Output = Option<Self::Buffer>> + Send;

    /// Turns the filled buffer of object number `index` into a result.
    fn finish(&self, index: usize, buffer: Self::Buffer) -> Self::Output;
}

/// Memory for one object, filled from front to back.
pub trait Buffer: Send + 'static {
    /// Appends `chunk`. The engine never appends more than it reserved.
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

    async fn reserve(&self, _index: usize, size: usize) -> Option<Vec<u8>> {
        Some(Vec::with_capacity(size))
    }

    fn finish(&self, _index: usize, buffer: Vec<u8>) -> Vec<u8> {
        buffer
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

    async fn reserve(&self, _index: usize, _size: usize) -> Option<u64> {
        Some(0)
    }

    fn finish(&self, _index: usize, buffer: u64) -> u64 {
        buffer
    }
}
