//! The operations themselves: each is sent, its answer is checked, and its first byte is noted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use longshore_engine::{
    Buffer, ByteRange, Error, Object, Progress, Refusal, Sink, delete_object, get, head, list, put, read_range,
};

use super::chance::Chance;
use super::content::Content;
use super::ground::{GROUP, Ground, Objects};
use super::record::{Clock, Trouble};
use crate::exit::Code;
use crate::session::Session;

/// What all lanes share.
pub(crate) struct Work {
    pub(crate) ground: Ground,
    pub(crate) clock: Clock,
    /// Bodies to write, or to compare with.
    pub(crate) content: Option<Content>,
    pub(crate) verify: bool,
    pub(crate) range: Option<u64>,
    /// Whether objects come and go, so that a listing has no known length.
    pub(crate) changes: bool,
    pub(crate) session: Session,
}

/// An operation that succeeded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    pub(crate) bytes: u64,
    pub(crate) objects: u32,
    pub(crate) first_byte: Option<u64>,
}

type Outcome = Result<Done, Box<Trouble>>;

impl Work {
    /// Reads object `target`, or a range of it.
    pub(crate) async fn get(&self, target: u64, chance: &mut Chance, progress: &Progress) -> Outcome {
        let (object, size, number) = self.target(target);
        let range = self.range.filter(|range| *range < size).map(|length| {
            let start = chance.below(size / length) * length;
            start..start + length
        });
        let (offset, length) = range.as_ref().map_or((0, size), |range| (range.start, range.end - range.start));
        let content = self.content.as_ref().filter(|_| self.verify);
        let check = content.zip(number).map(|(content, number)| Check { content: content.clone(), number, offset });
        let watch = Watch { clock: self.clock, first_byte: AtomicU64::new(0), check };
        let name = Arc::clone(&object.uri);
        let read = match range {
            None => get(object, &watch, progress).await,
            Some(range) => read_range(object, ByteRange::Bounded(range), &watch, progress).await,
        };
        let Arrived { bytes, difference } = read.map_err(trouble)?;
        if bytes != length {
            let message = format!("get {name}: {bytes} bytes came, and {length} were written");
            return Err(wrong("WrongLength", message));
        }
        if let Some(at) = difference {
            let message = format!("get {name}: the byte at {at} is not the one that was written");
            return Err(wrong("WrongContent", message));
        }
        Ok(Done { bytes, objects: 1, first_byte: Some(watch.first_byte.load(Ordering::Relaxed)).filter(|at| *at > 0) })
    }

    /// Writes object `number` of this run.
    pub(crate) async fn put(&self, number: u64, progress: &Progress) -> Outcome {
        let (object, size) = (self.ground.object(self.ground.key(number)), self.ground.size(number));
        let body = self.content.as_ref().map(|content| content.body(number, size)).unwrap_or_default();
        put(&object, body, progress).await.map_err(trouble)?;
        Ok(Done { bytes: size, objects: 1, first_byte: None })
    }

    /// Describes object `target`.
    pub(crate) async fn head(&self, target: u64) -> Outcome {
        let (object, size, _) = self.target(target);
        let found = head(&object).await.map_err(trouble)?;
        if found.size != size {
            let message = format!("head {}: {} bytes, and {size} were written", object.uri, found.size);
            return Err(wrong("WrongLength", message));
        }
        Ok(Done { bytes: 0, objects: 1, first_byte: None })
    }

    /// Deletes object `number` of this run.
    pub(crate) async fn delete(&self, number: u64) -> Outcome {
        delete_object(&self.ground.object(self.ground.key(number))).await.map_err(trouble)?;
        Ok(Done { bytes: 0, objects: 1, first_byte: None })
    }

    /// How many things there are to list.
    pub(crate) fn groups(&self) -> u64 {
        match &self.ground.objects {
            Objects::Own(count) => count.div_ceil(GROUP).max(1),
            Objects::Existing(_) => 1,
        }
    }

    /// Lists group `target`.
    pub(crate) async fn list(&self, target: u64, progress: &Progress) -> Outcome {
        let (prefix, expected) = match &self.ground.objects {
            Objects::Own(count) => (self.ground.group(target), Some(GROUP.min(count - target * GROUP))),
            Objects::Existing(_) => (self.ground.base.clone(), None),
        };
        let object = self.ground.object(prefix);
        let context = self.session.context(&*object.uri);
        let found = list(&self.ground.store, &object.key, &context, progress).await.map_err(trouble)?.len() as u64;
        if let Some(expected) = expected.filter(|expected| !self.changes && *expected != found) {
            let message = format!("list {}: {found} objects were listed, and {expected} were written", object.uri);
            return Err(wrong("WrongCount", message));
        }
        Ok(Done { bytes: 0, objects: u32::try_from(found).unwrap_or(u32::MAX), first_byte: None })
    }

    /// How an operation log names what an operation was about.
    pub(crate) fn name(&self, target: u64, is_listing: bool) -> String {
        match &self.ground.objects {
            Objects::Existing(_) if is_listing => self.ground.base.clone(),
            Objects::Existing(found) => found[target as usize].key.clone(),
            Objects::Own(_) if is_listing => self.ground.group(target),
            Objects::Own(_) => self.ground.key(target),
        }
    }

    /// Object `target` with its size, and its number where it was written by such a run.
    fn target(&self, target: u64) -> (Object, u64, Option<u64>) {
        match &self.ground.objects {
            Objects::Own(_) => (self.ground.object(self.ground.key(target)), self.ground.size(target), Some(target)),
            Objects::Existing(found) => {
                let found = &found[target as usize];
                (self.ground.object(found.key.clone()), found.size, found.number)
            }
        }
    }
}

fn trouble(error: Error) -> Box<Trouble> {
    let name = error.code().map_or_else(|| format!("{:?}", error.kind()), str::to_owned);
    let kind = match error.status() {
        Some(status) if status >= 400 => format!("{name} (HTTP {status})"),
        _ => name,
    };
    Box::new(Trouble { kind, message: error.to_string(), code: Code::of(error.kind()) })
}

/// An answer that is not what it should be.
fn wrong(kind: &str, message: String) -> Box<Trouble> {
    Box::new(Trouble { kind: kind.into(), message, code: Code::Failed })
}

/// Takes a body without keeping it: notes when it begins, counts it, and compares it where that is wanted.
struct Watch {
    clock: Clock,
    /// 0 while there is none.
    first_byte: AtomicU64,
    check: Option<Check>,
}

/// What should arrive.
#[derive(Clone)]
struct Check {
    content: Content,
    number: u64,
    offset: u64,
}

/// What has arrived.
#[derive(Debug, Default)]
struct Arrived {
    bytes: u64,
    /// Where in the object the first wrong byte is.
    difference: Option<u64>,
}

/// What arrives.
struct Arriving {
    check: Option<Check>,
    so_far: Arrived,
}

impl Sink for Watch {
    type Buffer = Arriving;
    type Output = Arrived;

    async fn reserve(&self, _index: usize, _size: usize) -> Result<Arriving, Refusal> {
        // Where the engine begins anew, the first beginning counts.
        let _ = self.first_byte.compare_exchange(0, self.clock.now(), Ordering::Relaxed, Ordering::Relaxed);
        Ok(Arriving { check: self.check.clone(), so_far: Arrived::default() })
    }

    fn finish(&self, _index: usize, buffer: Arriving) -> Arrived {
        buffer.so_far
    }

    fn footprint(&self, _size: u64) -> u64 {
        0
    }
}

impl Buffer for Arriving {
    fn append(&mut self, chunk: &[u8]) {
        let Self { check, so_far } = self;
        if let (Some(Check { content, number, offset }), None) = (check, so_far.difference) {
            let at = *offset + so_far.bytes;
            let expected = content.expected(*number, at, chunk.len());
            if expected != chunk {
                let same = expected.iter().zip(chunk).take_while(|(expected, found)| expected == found).count();
                so_far.difference = Some(at + same as u64);
            }
        }
        so_far.bytes += chunk.len() as u64;
    }
}
