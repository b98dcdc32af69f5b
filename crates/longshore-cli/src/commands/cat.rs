//! `cat`: objects to standard output.

use clap::Args;
use longshore_engine::{Buffer, Progress, Refusal, Sink, get};
use tokio::task::block_in_place;

use crate::error::Result;
use crate::place::{Place, What};
use crate::select::Source;
use crate::session::Session;

/// Write objects to standard output, one after the other
#[derive(Args, Debug)]
#[command(after_help = "\
Objects that match a wildcard come in the order of their keys. A body that breaks off is continued; where it cannot be, the \
command fails, and what was written is the beginning of the object.

Examples:
  longshore cat s3://bucket/notes.txt
  longshore cat 's3://bucket/logs/2026-11-*' | zcat | grep ERROR")]
pub(crate) struct Arguments {
    /// Objects, folders (in which case everything in them), or patterns
    #[arg(required = true)]
    places: Vec<String>,
    /// Take `*`, `?` and `\` in places as they stand
    #[arg(long)]
    raw: bool,
}

pub(crate) async fn run(arguments: Arguments, session: &Session) -> Result<()> {
    for typed in &arguments.places {
        let place = Place::parse(typed, arguments.raw)?;
        let keys = match &place.what {
            What::Object(key) => vec![key.clone()],
            _ => Source::new(session, &place, &Default::default())?.keys(session).await?,
        };
        for key in keys {
            if !write_out(session, &place, key).await? {
                return Ok(());
            }
            session.succeeded(1);
        }
    }
    Ok(())
}

/// Whether there is still somebody to write for.
pub(crate) async fn write_out(session: &Session, place: &Place, key: String) -> Result<bool> {
    let shown = place.shown(&key);
    let object = session.object(&place.location, key, &shown)?;
    let (sink, progress) = (ToOutput(session.clone()), Progress::silent());
    tokio::select! {
        read = get(object, &sink, &progress) => read?,
        () = session.output().closed() => return Ok(false),
    }
    session.output().flush();
    Ok(!session.output().is_closed())
}

/// Bodies as they come.
struct ToOutput(Session);

struct Piece(Session);

impl Buffer for Piece {
    fn append(&mut self, chunk: &[u8]) {
        // A reader may take its time.
        block_in_place(|| self.0.output().bytes(chunk));
    }
}

impl Sink for ToOutput {
    type Buffer = Piece;
    type Output = ();

    async fn reserve(&self, _index: usize, _size: usize) -> std::result::Result<Piece, Refusal> {
        Ok(Piece(self.0.clone()))
    }

    fn finish(&self, _index: usize, _buffer: Piece) {}

    fn footprint(&self, _size: u64) -> u64 {
        0
    }
}
