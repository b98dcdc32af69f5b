//! The operation log: a line for each operation, in the columns that MinIO's `warp` writes and its `warp analyze` reads.
//!
//! Tab-separated, with this header:
//!
//! ```text
//! idx thread op client_id n_objects bytes endpoint file error start first_byte end duration_ns
//! ```
//!
//! `op` is GET, PUT, STAT, DELETE or LIST; times are RFC 3339 with nanoseconds; `first_byte` may be empty; an `error` that needs it is
//! in double quotes. What warmed up is left out. `start` is when the operation was due. A name that ends in `.zst` is compressed,
//! which is what `warp analyze` expects.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::record::{Clock, Record, Verb};

const HEADER: &str =
    "idx\tthread\top\tclient_id\tn_objects\tbytes\tendpoint\tfile\terror\tstart\tfirst_byte\tend\tduration_ns\n";
/// So much is compressed at once, as a frame of its own; frames stand one after the other.
const FRAME: usize = 4 << 20;

/// An operation log that is being written.
pub(crate) struct Journal {
    out: Out,
    next: u64,
    client: String,
    endpoint: String,
}

enum Out {
    Plain(BufWriter<File>),
    Compressed { file: File, waiting: Vec<u8> },
}

impl Journal {
    /// Begins a log of the run `client` against `endpoint`.
    pub(crate) fn begin(path: &Path, client: &str, endpoint: &str) -> io::Result<Self> {
        let file = File::create(path)?;
        let mut out = if path.extension().is_some_and(|extension| extension == "zst") {
            Out::Compressed { file, waiting: Vec::new() }
        } else {
            Out::Plain(BufWriter::new(file))
        };
        out.write(HEADER.as_bytes())?;
        Ok(Self { out, next: 0, client: client.to_owned(), endpoint: field(endpoint) })
    }

    /// Writes an operation on the object or listing `name`.
    pub(crate) fn write(&mut self, record: &Record, clock: &Clock, name: &str) -> io::Result<()> {
        let Self { out, next, client, endpoint } = self;
        let Record { lane, objects, bytes, .. } = record;
        let error = record.trouble.as_ref().map_or_else(String::new, |trouble| field(&trouble.message));
        let (start, end) = (time(clock.wall(record.due)), time(clock.wall(record.ended)));
        let first_byte = record.first_byte.map_or_else(String::new, |at| time(clock.wall(at)));
        let (operation, file, length) = (operation(record.verb), field(name), record.ended.saturating_sub(record.due));
        let line = format!(
            "{next}\t{lane}\t{operation}\t{client}\t{objects}\t{bytes}\t{endpoint}\t{file}\t{error}\t{start}\t{first_byte}\t{end}\t{length}\n"
        );
        *next += 1;
        out.write(line.as_bytes())
    }

    /// Writes what is still in memory.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        match &mut self.out {
            Out::Plain(file) => file.flush(),
            Out::Compressed { file, waiting } => {
                file.write_all(&compress_to_vec(waiting.as_slice(), CompressionLevel::Fastest))
            }
        }
    }
}

impl Out {
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.write_all(line),
            Self::Compressed { file, waiting } => {
                waiting.extend_from_slice(line);
                if waiting.len() >= FRAME {
                    file.write_all(&compress_to_vec(waiting.as_slice(), CompressionLevel::Fastest))?;
                    waiting.clear();
                }
                Ok(())
            }
        }
    }
}

fn operation(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "GET",
        Verb::Put => "PUT",
        Verb::Head => "STAT",
        Verb::Delete => "DELETE",
        Verb::List => "LIST",
    }
}

fn time(at: SystemTime) -> String {
    DateTime::<Utc>::from(at).to_rfc3339_opts(SecondsFormat::Nanos, true)
}

/// A text as a reader of tab-separated values takes it back. A line that begins with `#` would be a comment.
fn field(text: &str) -> String {
    if text.contains(['\t', '"', '\r', '\n']) || text.starts_with(|c: char| c.is_whitespace() || c == '#') {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Trouble;
    use super::super::tally::tests::record;
    use super::*;
    use crate::exit::Code;

    fn written(name: &str, records: &[Record]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let clock = Clock::start();
        let mut journal = Journal::begin(&path, "1a2b", "http://127.0.0.1:9000").unwrap();
        records.iter().for_each(|record| journal.write(record, &clock, "p/000000/0000000007").unwrap());
        journal.finish().unwrap();
        std::fs::read(path).unwrap()
    }

    #[test]
    fn a_line_has_the_columns_of_the_header() {
        let trouble =
            Trouble { kind: "x".into(), message: "a \"quoted\"\tline\nand another".into(), code: Code::Failed };
        let failed =
            Record { trouble: Some(Box::new(trouble)), first_byte: None, lane: 9, ..record(Verb::Head, 5, 10, 0) };
        let text = String::from_utf8(written("log.tsv", &[record(Verb::Get, 1, 4, 77), failed])).unwrap();
        let (header, lines) = text.split_once('\n').unwrap();
        assert_eq!(
            header.split('\t').collect::<Vec<_>>(),
            [
                "idx",
                "thread",
                "op",
                "client_id",
                "n_objects",
                "bytes",
                "endpoint",
                "file",
                "error",
                "start",
                "first_byte",
                "end",
                "duration_ns"
            ]
        );
        let (first, second) = lines.split_once('\n').unwrap();
        let first: Vec<&str> = first.split('\t').collect();
        let start = "0 0 GET 1a2b 1 77 http://127.0.0.1:9000 p/000000/0000000007 ".split(' ').collect::<Vec<_>>();
        assert_eq!(first[..9], start);
        let at = |column: usize| DateTime::parse_from_rfc3339(first[column]).unwrap();
        assert_eq!((at(11) - at(9)).num_nanoseconds().unwrap().to_string(), first[12]);
        assert_eq!((at(10) - at(9)).num_microseconds(), Some(1500));
        assert!(second.starts_with("1\t9\tSTAT\t") && second.contains("\t\"a \"\"quoted\"\"\tline\nand another\"\t"));
        assert!(second.trim_end().ends_with("\t5000000") && second.contains("Z\t\t2"), "{second}");
    }

    #[test]
    fn a_compressed_log_holds_the_same_in_frames() {
        use std::io::Read;
        let records: Vec<Record> = (0..40_000).map(|n| record(Verb::Put, n, n + 3, n)).collect();
        let bytes = written("log.csv.zst", &records);
        let (mut rest, mut text) = (bytes.as_slice(), String::new());
        while !rest.is_empty() {
            ruzstd::decoding::StreamingDecoder::new(&mut rest).unwrap().read_to_string(&mut text).unwrap();
        }
        assert_eq!(text.lines().count(), 40_001);
        assert!(text.len() > FRAME && bytes.len() * 3 < text.len(), "{} {}", bytes.len(), text.len());
    }
}
