//! `put`: generates a data set into a store.

use std::collections::HashSet;
use std::sync::Arc;

use clap::Args;
use longshore_engine::{ErrorKind, Object, create_bucket, put_many};
use longshore_formats::{DataOptions, Generator, ObjectType};

use crate::arguments::at_least_one;
use crate::error::{Failed, Result};
use crate::place::{Place, What};
use crate::progress::ProgressLine;
use crate::session::Session;
use crate::size;
use crate::template::Template;

/// Their names are held, and looked at together.
const MOST: usize = 100_000_000;

/// Generate objects and write them
#[derive(Args, Debug)]
#[command(after_help = "\
Objects have exactly the size that is asked for, are accepted by strict readers of their format, and differ from each other. \
The first failure cancels the rest; what was written by then stays. The seed is told, so that a run can be \
repeated. Files are copied by `longshore cp`.

Examples:
  longshore put s3://bucket/data/ --count 100 --size 1MiB --type npz
  longshore put s3://bucket/ --size 100KB --template 'part-{:06}.tfrecord' --type tfrecord --make-bucket
  longshore put ./data/ --count 10 --size 64k --seed 7")]
pub(crate) struct Arguments {
    /// Where to: a bucket or a folder; a missing / at its end is added
    folder: String,
    /// How many objects
    #[arg(long, visible_alias = "num", default_value_t = 1, value_parser = at_least_one)]
    count: usize,
    /// Bytes of each object, such as 100KB, 1MiB or 20971520
    #[arg(long, default_value = "20MiB", value_parser = size::parse)]
    size: u64,
    /// Format of the objects: npz, tfrecord, hdf5 or raw
    #[arg(long = "type", visible_alias = "object-type", value_name = "FORMAT", default_value = "raw")]
    object_type: ObjectType,
    /// Name of each object: the first {} or {0} is the index from 0, the second or {1} the count; {:06} adds zeros
    #[arg(long, default_value = "object_{}_of_{}.dat")]
    template: Template,
    /// Where the contents begin; the same seed gives the same bytes [default: a new one each time]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// How often the average 4096-byte block of an object occurs in it; 1 for no repeats
    #[arg(long, default_value_t = 1.0, value_name = "RATIO")]
    dedup: f64,
    /// How many times smaller the contents compress; 1 for incompressible
    #[arg(long, default_value_t = 1.0, value_name = "RATIO")]
    compress: f64,
    /// Make the bucket first, if it is missing
    #[arg(long)]
    make_bucket: bool,
}

/// What was written, as JSON.
#[derive(serde::Serialize)]
struct PutLine<'a> {
    operation: &'a str,
    success: bool,
    destination: &'a str,
    count: usize,
    size: u64,
    seed: u64,
}

pub(crate) async fn run(arguments: Arguments, session: &Session) -> Result<()> {
    let place = Place::parse(&arguments.folder, true)?;
    place.require_writable()?;
    let prefix = match &place.what {
        What::Object(key) => format!("{key}/"),
        What::Folder(prefix) => prefix.clone(),
        What::Pattern(..) => return Err(Failed::usage(format!("{}: one folder is wanted", place.typed))),
    };
    let names = names(&arguments.template, arguments.count)?;
    let seed = match arguments.seed {
        Some(seed) => seed,
        None => {
            getrandom::u64().map_err(|error| Failed::new(ErrorKind::Generic, format!("no random seed: {error}")))?
        }
    };
    let data = DataOptions { seed, dedup: arguments.dedup, compress: arguments.compress };
    let generator = Generator::new(arguments.object_type, arguments.size, data)
        .map_err(|error| Failed::usage(error.to_string()))?;
    let store = session.store(&place.location)?;
    let objects: Vec<Object> = names
        .into_iter()
        .map(|name| {
            let key = format!("{prefix}{name}");
            Object { store: Arc::clone(&store), uri: place.shown(&key).into(), key }
        })
        .collect();
    let shown = place.shown(&prefix);
    let (count, size) = (objects.len(), arguments.size);
    let json = PutLine { operation: "put", success: true, destination: &shown, count, size, seed };
    let bytes = size.saturating_mul(count as u64);
    if session.global().dry_run {
        for object in &objects {
            let json = PutLine { destination: &object.uri, count: 1, ..json };
            session.output().done(|| format!("put {}", object.uri), &json);
        }
        return Ok(());
    }
    if arguments.make_bucket {
        create_bucket(&store, prefix.trim_end_matches('/'), &session.context(&*place.typed)).await?;
    }
    let line = ProgressLine::begin(session, count as u64, bytes);
    let limits = session.limits();
    put_many(objects, Arc::new(generator), limits, &line.counters(count as u64), &session.cleanup).await?;
    drop(line);
    let (each, noun) = (size::human(arguments.size), if count == 1 { "object" } else { "objects" });
    session.output().done(|| format!("put {count} {noun} of {each} under {shown}, seed {seed}"), &json);
    session.succeeded(count as u64);
    Ok(())
}

fn names(template: &Template, count: usize) -> Result<Vec<String>> {
    if count > MOST {
        return Err(Failed::usage(format!("--count {count} is more than can be made at once; {MOST} is the most")));
    }
    let names: Vec<String> = (0..count).map(|index| template.fill(index, count)).collect();
    if names.iter().any(String::is_empty) {
        return Err(Failed::usage("--template gives an empty name"));
    }
    let distinct: HashSet<&String> = names.iter().collect();
    if distinct.len() != count {
        let reason =
            format!("--template gives several of the {count} objects the same name; put {{}} where the index goes");
        return Err(Failed::usage(reason));
    }
    Ok(names)
}
