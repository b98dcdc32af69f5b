//! A store of `object_store` as a table of C functions.
//!
//! `slots` has the functions: each reads its arguments, has the `gate` let it in, and hands a future of `operations` to `submit`,
//! which runs it on the exporter's runtime; its `callback` is called once, with what `parcel` makes of the outcome. `state` has what a
//! stream and an upload remember between calls.

mod callback;
mod failure;
mod gate;
mod operations;
mod parcel;
mod request;
mod slots;
mod state;
mod submit;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use longshore_abi::raw::{self, Vtable};
use longshore_abi::{Header, StoreRef, Str};
use object_store_014::ObjectStore;
use object_store_014::path::Path;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

pub use self::failure::Verdict;
use self::gate::Gate;

/// Its address says which binary a table comes from. Not of size zero, so that nothing else has this address.
static EXPORTER: u64 = raw::MAGIC;

/// All tables of this binary. They stay for ever, and here whoever looks for leaks sees that they are meant to.
static TABLES: Mutex<Vec<&'static Vtable>> = Mutex::new(Vec::new());

/// How an [`Exporter`] works.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Who exports, for people: `"package 1.2.3"`. Importers show it in their errors.
    pub info: &'static str,
    /// As many operations can be under way; more are refused as busy.
    pub most_in_flight: usize,
    /// A number that is another one in a forked child. Without it, a forked child is not noticed, and hangs.
    pub fork_generation: Option<fn() -> u64>,
    /// What an error means where `object_store` does not say: whether to try again, what the server answered.
    pub judge: Option<fn(&object_store_014::Error) -> Verdict>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            info: concat!("longshore-ffi ", env!("CARGO_PKG_VERSION"), " with object_store 0.14"),
            most_in_flight: 65_536,
            fork_generation: None,
            judge: None,
        }
    }
}

/// Makes tables of stores that work on one runtime. Clones are the same exporter.
///
/// A program has one for each runtime, as each costs a table that stays as long as the process. In a forked child, make another
/// one.
#[derive(Clone)]
pub struct Exporter {
    shared: Arc<Shared>,
}

/// What all tables of an exporter have in common.
struct Shared {
    runtime: Handle,
    vtable: &'static Vtable,
    gate: Gate<AbortHandle>,
    settings: Settings,
    /// The fork generation in which the exporter was made.
    born: u64,
}

/// A store to export, and what belongs to it.
pub struct Exported {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// Who signs its URLs.
    pub signer: Option<Arc<dyn Sign>>,
    /// Its URL, without secrets.
    pub url: Option<String>,
    /// Its settings as a JSON object, without secrets.
    pub config_json: Option<String>,
}

/// What a signed URL is to allow.
#[derive(Clone, Debug)]
pub struct SignRequest {
    /// The HTTP method.
    pub method: String,
    /// How long the URL is good for.
    pub expires: Duration,
    /// Query parameters that are signed, too.
    pub query: Vec<(String, String)>,
    /// Headers that are signed, too.
    pub headers: Vec<(String, String)>,
}

/// Who signs URLs for a store. Not `object_store`'s own trait, which comes only together with its HTTP client.
pub trait Sign: Send + Sync {
    /// The URL of `path` that allows what `request` says, and nothing else: what cannot be signed is an error.
    fn sign<'a>(&'a self, path: &'a Path, request: &'a SignRequest) -> BoxFuture<'a, object_store_014::Result<String>>;
}

impl Exported {
    /// A store and nothing else.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, signer: None, url: None, config_json: None }
    }
}

impl fmt::Debug for Exported {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A store's `Debug` may show its settings; its `Display` is for people.
        write!(formatter, "Exported({})", self.store)
    }
}

/// What a table's `data` leads to.
struct Export {
    exported: Exported,
    shared: Arc<Shared>,
}

impl Exporter {
    /// An exporter whose stores work on `runtime`: one with worker threads, which outlives the tables or is shut down after
    /// [`shut_down`](Self::shut_down). Stores of cloud services need its timers and sockets to be enabled.
    pub fn new(runtime: Handle, settings: Settings) -> Self {
        let mut features = raw::FEATURE_INLINE;
        if cfg!(panic = "unwind") {
            features |= raw::FEATURE_PANIC_SAFE;
        }
        if settings.fork_generation.is_some() {
            features |= raw::FEATURE_FORK_SAFE;
        }
        let header = Header {
            magic: raw::MAGIC,
            abi_major: raw::MAJOR,
            abi_minor: raw::MINOR,
            struct_size: size_of::<Vtable>() as u32,
            features,
            exporter: (&raw const EXPORTER).cast(),
            info: Str::new(settings.info),
        };
        let vtable: &'static Vtable = Box::leak(Box::new(slots::table(header)));
        TABLES.lock().unwrap_or_else(PoisonError::into_inner).push(vtable);
        let born = settings.fork_generation.map_or(0, |generation| generation());
        let gate = Gate::new(settings.most_in_flight);
        Self { shared: Arc::new(Shared { runtime, vtable, gate, settings, born }) }
    }

    /// A table of `exported`, which it keeps alive.
    pub fn export(&self, exported: Exported) -> StoreRef {
        let export = Arc::new(Export { exported, shared: Arc::clone(&self.shared) });
        let store = raw::Store { vtable: self.shared.vtable, data: Arc::into_raw(export).cast_mut().cast() };
        // SAFETY: the table is complete and stays; the reference is the one just made.
        unsafe { StoreRef::from_raw(store) }.expect("the exporter's own table is good")
    }

    /// Refuses what is new, cancels what is under way, and waits until all callbacks have been called, for `limit` at most.
    ///
    /// Returns how many operations are still under way: zero, unless something did not end in time. Not for a thread of the
    /// runtime, nor for one that holds what a callback needs, such as an interpreter's lock. In a forked child there is nothing
    /// to wait for, and nothing is done.
    pub fn shut_down(&self, limit: Duration) -> usize {
        if self.shared.is_foreign_process() { 0 } else { self.shared.gate.close(limit) }
    }

    /// How many operations are under way.
    pub fn in_flight(&self) -> usize {
        self.shared.gate.in_flight()
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Exporter({})", self.shared.settings.info)
    }
}

impl Shared {
    /// Whether this process is a forked child of the one that made the exporter.
    fn is_foreign_process(&self) -> bool {
        self.settings.fork_generation.is_some_and(|generation| generation() != self.born)
    }
}

/// The store itself, where `table` was made by this very binary and process: nothing lies between then.
pub fn local(table: &StoreRef) -> Option<Arc<dyn ObjectStore>> {
    // A table that others made may carry a copy of our header, so its own place is what counts.
    let is_ours = |ours: &&Vtable| std::ptr::eq(*ours, table.vtable());
    if !TABLES.lock().unwrap_or_else(PoisonError::into_inner).iter().any(is_ours) {
        return None;
    }
    // SAFETY: only `Exporter::new` puts tables there, and `data` of their stores is a leaked `Arc<Export>`, alive since `table` holds a
    // reference.
    let export = unsafe { &*table.data().cast_const().cast::<Export>() };
    (!export.shared.is_foreign_process()).then(|| Arc::clone(&export.exported.store))
}
