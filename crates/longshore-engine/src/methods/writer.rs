//! An object that is written piece by piece: in one request where it turns out small, and else in parts, several at once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use object_store::{MultipartUpload, PutMode, PutMultipartOptions, PutOptions, PutPayload};
use tokio::task::JoinSet;

use super::part_sizes::PartSizes;
use super::putting::{Put, joined, put_as, require_options};
use super::spot::{Place, Spot, Way};
use crate::error::{Context, Error, ErrorKind, trace};
use crate::local::FileWriter;
use crate::s3;
use crate::window::lost;
use longshore_config::{Scheme, Trace};

/// How an object is written.
#[derive(Clone, Debug, Default)]
pub struct WriterOptions {
    /// Conditions, attributes and tags. A condition makes it one request, with everything in memory until then.
    pub put: PutOptions,
    /// The size of a part. More where that would make too many, or too small ones.
    pub part_bytes: u64,
    /// Parts at once.
    pub in_flight: usize,
    /// Whether to write in parts. `None` leaves that to the size.
    pub in_parts: Option<bool>,
    /// How much there will be, where that is known.
    pub size: Option<u64>,
}

/// An object on its way into a store. It appears when [`finish`](Self::finish) returns. What is dropped before is taken back.
pub struct Writer {
    spot: Spot,
    context: Context,
    options: WriterOptions,
    sizes: PartSizes,
    /// Pieces that no part has taken yet.
    pending: VecDeque<Bytes>,
    pending_bytes: u64,
    written: u64,
    parts_begun: u64,
    state: State,
    /// Why the object cannot be finished any more. Set while something is being sent, so that it stays when that is cancelled.
    broken: Option<String>,
}

enum State {
    /// Nothing was sent.
    Fresh,
    File(FileWriter),
    Parts {
        upload: Upload,
        sending: JoinSet<Result<(u64, u32, String), Error>>,
        sent: Vec<(u32, String)>,
        bytes: u64,
    },
    /// It is written, or given up.
    Over,
}

impl Writer {
    /// Begins to write. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotSupported`] for a store that is read-only or does not have what `options` ask for.
    pub fn new(spot: Spot, options: WriterOptions) -> Result<Self, Error> {
        let context = spot.context("put");
        spot.way_to_write(&context)?;
        require_options(&spot, &options.put, &context)?;
        // Of stores that are not ours nobody knows.
        let small_parts = matches!(spot.place.scheme(), Some(Scheme::Azure | Scheme::Memory | Scheme::File));
        let sizes = PartSizes::new(options.part_bytes, small_parts, options.size);
        Ok(Self {
            spot,
            context,
            options,
            sizes,
            pending: VecDeque::new(),
            pending_bytes: 0,
            written: 0,
            parts_begun: 0,
            state: State::Fresh,
            broken: None,
        })
    }

    /// How many bytes there is room for until [`send`](Self::send) must be called.
    pub fn room(&self) -> u64 {
        self.part().saturating_sub(self.pending_bytes)
    }

    /// How many bytes were handed over.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Takes `chunk`, which is not copied.
    pub fn push(&mut self, chunk: Bytes) {
        self.written += chunk.len() as u64;
        self.pending_bytes += chunk.len() as u64;
        self.pending.push_back(chunk);
    }

    /// Sends what is full. Waits only where too much is under way already.
    ///
    /// # Errors
    ///
    /// A part could not be sent, this one or an earlier one. Then the object cannot be finished.
    pub async fn send(&mut self) -> Result<(), Error> {
        self.require_whole()?;
        self.broken = Some("an earlier write was cancelled".into());
        let sent = self.try_send().await;
        self.settle(sent).await
    }

    async fn try_send(&mut self) -> Result<(), Error> {
        while self.pending_bytes >= self.part() {
            let part = self.cut(self.part());
            self.send_part(part).await?;
        }
        Ok(())
    }

    /// Notes how sending ended. After a failure what was sent is of no use.
    async fn settle(&mut self, sent: Result<(), Error>) -> Result<(), Error> {
        self.broken = None;
        if let Err(error) = &sent {
            self.broken = Some(format!("an earlier part could not be written: {error}"));
            // The first error matters more.
            let _ = self.take_back().await;
        }
        sent
    }

    fn require_whole(&self) -> Result<(), Error> {
        match &self.broken {
            Some(reason) => Err(self.context.error(ErrorKind::Generic, reason.clone())),
            None => Ok(()),
        }
    }

    /// Sends what is full, and waits until everything that was sent has arrived.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.send().await?;
        self.broken = Some("an earlier write was cancelled".into());
        let mut sent = Ok(true);
        while let Ok(true) = sent {
            sent = self.take_one().await;
        }
        self.settle(sent.map(drop)).await
    }

    /// Makes the object of what was written.
    ///
    /// # Errors
    ///
    /// What the store answers. Then nothing is left behind.
    pub async fn finish(&mut self) -> Result<Put, Error> {
        let finished = match self.require_whole() {
            Ok(()) => self.try_finish().await,
            Err(error) => Err(error),
        };
        if finished.is_err() {
            // The first error matters more.
            let _ = self.take_back().await;
        }
        finished
    }

    async fn try_finish(&mut self) -> Result<Put, Error> {
        if let State::Over = self.state {
            return Err(self.context.error(ErrorKind::Generic, "this object was finished or given up already"));
        }
        if let State::Fresh = self.state {
            let at_once = self.options.in_parts != Some(true) || self.written == 0;
            if self.is_whole() || (at_once && self.pending_bytes <= self.part()) {
                let body = std::mem::take(&mut self.pending).into();
                let put = put_as(&self.spot, body, self.options.put.clone(), &self.context).await?;
                self.state = State::Over;
                return Ok(put);
            }
        }
        self.try_send().await?;
        if self.pending_bytes > 0 {
            let last = self.cut(self.pending_bytes);
            self.send_part(last).await?;
        }
        while self.take_one().await? {}
        match std::mem::replace(&mut self.state, State::Over) {
            State::File(file) => {
                let e_tag = file.finish(self.options.put.mode == PutMode::Create, &self.context).await?;
                Ok(Put { e_tag: Some(e_tag), version: None })
            }
            State::Parts { upload, mut sent, .. } => {
                sent.sort_unstable_by_key(|(number, _)| *number);
                upload.complete(sent, self.written).await
            }
            State::Fresh | State::Over => Err(self.context.error(ErrorKind::Generic, "nothing was begun")),
        }
    }

    /// Gives up: what was sent is taken back.
    ///
    /// # Errors
    ///
    /// It could not be taken back.
    pub async fn abort(&mut self) -> Result<(), Error> {
        self.broken.get_or_insert_with(|| "it was given up".into());
        self.take_back().await
    }

    async fn take_back(&mut self) -> Result<(), Error> {
        self.pending.clear();
        self.pending_bytes = 0;
        match std::mem::replace(&mut self.state, State::Over) {
            State::Fresh | State::Over => Ok(()),
            State::File(file) => file.abort(&self.context).await,
            State::Parts { upload, mut sending, .. } => {
                sending.shutdown().await;
                upload.abort().await
            }
        }
    }

    fn part(&self) -> u64 {
        if self.is_whole() { u64::MAX } else { self.sizes.of(self.parts_begun) }
    }

    /// Whether it becomes one request, whatever its size.
    fn is_whole(&self) -> bool {
        let whole = self.options.in_parts == Some(false) || self.options.put.mode != PutMode::Overwrite;
        whole && self.spot.place.scheme() != Some(Scheme::File)
    }

    fn cut(&mut self, bytes: u64) -> Vec<Bytes> {
        let (mut part, mut wanted) = (Vec::new(), bytes);
        while wanted > 0 {
            let Some(mut chunk) = self.pending.pop_front() else { break };
            if chunk.len() as u64 > wanted {
                // Less than the chunk's length.
                self.pending.push_front(chunk.split_off(wanted as usize));
            }
            wanted -= chunk.len() as u64;
            part.push(chunk);
        }
        self.pending_bytes -= bytes - wanted;
        part
    }

    async fn send_part(&mut self, part: Vec<Bytes>) -> Result<(), Error> {
        if let State::Fresh = self.state {
            self.state = self.begin().await?;
        }
        let size: u64 = part.iter().map(|chunk| chunk.len() as u64).sum();
        // Parts grow with an endless object; what they take together does not.
        let most = self.options.part_bytes.saturating_mul(self.options.in_flight as u64).max(size);
        while let State::Parts { sending, bytes, .. } = &self.state
            && !sending.is_empty()
            && (sending.len() >= self.options.in_flight.max(1) || bytes.saturating_add(size) > most)
        {
            self.take_one().await?;
        }
        let number = self.parts_begun + 1;
        self.parts_begun = number;
        match &mut self.state {
            State::File(file) => file.write(part, &self.context).await,
            State::Parts { upload, sending, bytes, .. } => {
                if number > s3::MOST_PARTS && upload.counts_parts() {
                    return Err(self.context.error(ErrorKind::Generic, "there is more than an object can hold"));
                }
                *bytes += size;
                // There are 10,000 at most.
                upload.send(number as u32, part, size, sending);
                Ok(())
            }
            State::Fresh | State::Over => {
                Err(self.context.error(ErrorKind::Generic, "this object was finished or given up already"))
            }
        }
    }

    /// Waits for one part. False where none is under way.
    async fn take_one(&mut self) -> Result<bool, Error> {
        let State::Parts { sending, sent, bytes, .. } = &mut self.state else { return Ok(false) };
        let Some(ended) = sending.join_next().await else { return Ok(false) };
        let (size, number, name) = ended.unwrap_or_else(|error| Err(lost(&self.context, error)))?;
        *bytes -= size;
        sent.push((number, name));
        Ok(true)
    }

    async fn begin(&self) -> Result<State, Error> {
        if self.spot.place.scheme() == Some(Scheme::File) {
            return FileWriter::begin(&self.spot.key, &self.context).await.map(State::File);
        }
        let (spot, put, context) = (self.spot.clone(), self.options.put.clone(), self.context.clone());
        // A task of its own goes on to its end, and drops an upload that nobody takes.
        let beginning = tokio::spawn(async move { Upload::begin(&spot, put, &context).await });
        let upload = beginning.await.unwrap_or_else(|error| Err(lost(&self.context, error)))?;
        Ok(State::Parts { upload, sending: JoinSet::new(), sent: Vec::new(), bytes: 0 })
    }
}

/// An upload in parts that is called off when it is dropped.
struct Upload {
    spot: Spot,
    context: Context,
    way: Option<Target>,
}

enum Target {
    S3 {
        id: Arc<str>,
    },
    /// Never locked: the lock makes it one that threads may share.
    Store(Mutex<Box<dyn MultipartUpload>>),
}

impl Upload {
    async fn begin(spot: &Spot, put: PutOptions, context: &Context) -> Result<Self, Error> {
        let way = match spot.way_to_write(context)? {
            Way::S3(access) => {
                let id = s3::begin_upload_with(access, &spot.key, &put.attributes, &put.tags, context).await?;
                Target::S3 { id: id.into() }
            }
            Way::Path(objects, path, _) => {
                let options = PutMultipartOptions {
                    tags: put.tags,
                    attributes: put.attributes,
                    ..PutMultipartOptions::default()
                };
                let trace = trace();
                let begun = trace.scope(objects.put_multipart_opts(&path, options)).await;
                Target::Store(Mutex::new(begun.map_err(|error| context.store_error(error, &trace))?))
            }
            Way::File | Way::Web => {
                return Err(context.error(ErrorKind::NotSupported, "this kind of store has no uploads in parts"));
            }
        };
        Ok(Self { spot: spot.clone(), context: context.clone(), way: Some(way) })
    }

    /// Whether the store takes no more than 10,000 parts.
    fn counts_parts(&self) -> bool {
        matches!(self.spot.place.scheme(), Some(Scheme::S3 | Scheme::Gcs))
    }

    fn send(
        &mut self,
        number: u32,
        part: Vec<Bytes>,
        size: u64,
        sending: &mut JoinSet<Result<(u64, u32, String), Error>>,
    ) {
        match &mut self.way {
            Some(Target::S3 { id }) => {
                let (spot, context, id) = (self.spot.clone(), self.context.clone(), Arc::clone(id));
                sending.spawn(async move {
                    let Place::Own(store) = &spot.place else { return Ok((size, number, String::new())) };
                    let live = store.live().map_err(|error| context.config_error(error))?;
                    let Some(access) = &live.s3 else { return Ok((size, number, String::new())) };
                    let name = s3::put_part(access, &spot.key, (&id, number), joined(part), &context).await?;
                    Ok((size, number, name))
                });
            }
            Some(Target::Store(upload)) => {
                // Called in the order of the parts: some stores number them by that.
                let upload = upload.get_mut().unwrap_or_else(PoisonError::into_inner);
                let part = upload.put_part(PutPayload::from_iter(part));
                let context = self.context.clone();
                sending.spawn(async move {
                    let trace = trace();
                    let sent = trace.scope(part).await;
                    sent.map(|()| (size, number, String::new())).map_err(|error| context.store_error(error, &trace))
                });
            }
            None => {}
        }
    }

    async fn complete(mut self, parts: Vec<(u32, String)>, size: u64) -> Result<Put, Error> {
        let outcome = match &mut self.way {
            Some(Target::S3 { id }) => match self.spot.way_to_write(&self.context)? {
                Way::S3(access) => s3::complete_upload(access, &self.spot.key, id, &parts, &self.context)
                    .await
                    .map(|()| Put::default()),
                _ => Ok(Put::default()),
            },
            Some(Target::Store(upload)) => {
                let trace = trace();
                let upload = upload.get_mut().unwrap_or_else(PoisonError::into_inner);
                let completed = trace.scope(upload.complete()).await;
                completed.map(Into::into).map_err(|error| self.context.store_error(error, &trace))
            }
            None => Ok(Put::default()),
        };
        match outcome {
            // Where an answer was lost, the first request may have completed the upload, and the second finds none.
            Err(error) if error.code() == Some("NoSuchUpload") && error.attempts() > 1 => {
                match super::stat(&self.spot).await {
                    Ok(found) if found.size == size => {
                        self.way = None;
                        Ok(Put { e_tag: found.e_tag, version: found.version })
                    }
                    _ => Err(error),
                }
            }
            Err(error) => {
                // The upload may still be there; why it was not completed matters more than whether it could be taken away.
                let _ = self.abort().await;
                Err(error)
            }
            Ok(put) => {
                self.way = None;
                Ok(put)
            }
        }
    }

    async fn abort(mut self) -> Result<(), Error> {
        match self.way.take() {
            Some(target) => call_off(target, &self.spot, &self.context).await,
            None => Ok(()),
        }
    }
}

async fn call_off(target: Target, spot: &Spot, context: &Context) -> Result<(), Error> {
    match target {
        Target::S3 { id } => match spot.way_to_write(context)? {
            Way::S3(access) => s3::abort_upload(access, &spot.key, &id, context).await,
            _ => Ok(()),
        },
        Target::Store(upload) => {
            let mut upload = upload.into_inner().unwrap_or_else(PoisonError::into_inner);
            upload.abort().await.map_err(|error| context.store_error(error, &Trace::default()))
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let (Some(target), Ok(runtime)) = (self.way.take(), tokio::runtime::Handle::try_current()) else { return };
        let (spot, context) = (self.spot.clone(), self.context.clone());
        // Nobody waits for this, and nothing can be done about a server that does not answer.
        runtime.spawn(async move { call_off(target, &spot, &context).await });
    }
}
