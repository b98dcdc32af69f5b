//! What a module keeps for its whole process, in one place.

use std::any::{Any, TypeId};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLockReadGuard};

use longshore_runtime::configuration::{Configuration, Refusal};
use longshore_runtime::fork::{self, PerProcess};
use longshore_runtime::runtime;
use tokio::runtime::Handle;

use crate::profile::KnownFiles;
use crate::registry::Stores;
use crate::transport::Clients;

/// The state of the process: its runtime, stores, connections and counts.
///
/// Every extension module that links this crate has one of its own. Nothing is made before it is used, and a forked child makes
/// its own of whatever threads or sockets belong to.
///
/// Crates above this one keep here what is theirs: see [`part`](Self::part). So one value is all that a module has to hand over
/// where another is to use the same runtime, stores and connections.
#[derive(Debug)]
pub struct Context {
    /// A child keeps its parent's stores: each makes a live client of its own in every process, and a memory store keeps its
    /// contents. So they are only touched with forks kept out.
    stores: Mutex<Option<Stores>>,
    clients: PerProcess<Clients>,
    files: PerProcess<KnownFiles>,
    requests: AtomicU64,
    parts: Mutex<Vec<(TypeId, Part)>>,
}

type Part = &'static (dyn Any + Send + Sync);

static PROCESS: Context = Context {
    stores: Mutex::new(None),
    clients: PerProcess::new(),
    files: PerProcess::new(),
    requests: AtomicU64::new(0),
    parts: Mutex::new(Vec::new()),
};

impl Context {
    /// That of this module in this process.
    pub fn process() -> &'static Self {
        &PROCESS
    }

    /// The runtime that does all I/O. The first call of a process starts its threads.
    ///
    /// # Errors
    ///
    /// What the operating system says when it refuses them.
    pub fn runtime(&self) -> io::Result<Handle> {
        runtime::handle()
    }

    /// Whether the runtime was started.
    pub fn is_running(&self) -> bool {
        runtime::is_running()
    }

    /// Which fork of the process this is: what lives on threads or sockets is good for the one that made it.
    pub fn generation(&self) -> u64 {
        fork::generation()
    }

    /// What the process may use, as far as that is decided.
    pub fn limits(&self) -> Configuration {
        Configuration::current()
    }

    /// Decides what the process may use.
    ///
    /// # Errors
    ///
    /// [`Refusal`], once something is in use or decided already.
    pub fn limit(&self, limits: Configuration) -> Result<(), Refusal> {
        limits.apply()
    }

    /// HTTP requests that were sent so far, whatever for. A child goes on counting from its parent's number.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Keeps a fork out while the guard lives. For short sections that take a lock whose data a child keeps: they must not nest,
    /// wait for another thread, or call into Python.
    pub fn without_forks(&self) -> RwLockReadGuard<'static, ()> {
        fork::shared()
    }

    /// What a crate above this one keeps for the whole process: one value of each type, made when it is first asked for. A child
    /// keeps its parent's.
    pub fn part<T: Any + Send + Sync + Default>(&self) -> &'static T {
        let _no_fork = self.without_forks();
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = parts.iter().find(|(kind, _)| *kind == TypeId::of::<T>());
        match known.and_then(|(_, part)| part.downcast_ref()) {
            Some(part) => part,
            None => {
                // It lives as long as the process.
                let part: &'static T = Box::leak(Box::default());
                parts.push((TypeId::of::<T>(), part));
                part
            }
        }
    }

    pub(crate) fn note_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stores<T>(&self, ask: impl FnOnce(&mut Stores) -> T) -> T {
        let _no_fork = fork::shared();
        ask(self.stores.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
    }

    pub(crate) fn clients(&self) -> &Clients {
        self.clients.get_or_make(Clients::default)
    }

    pub(crate) fn files(&self) -> &KnownFiles {
        self.files.get_or_make(KnownFiles::default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_part_of_each_type() {
        #[derive(Default)]
        struct Mine(AtomicU64);
        let context = Context::process();
        context.part::<Mine>().0.store(7, Ordering::Relaxed);
        assert_eq!(context.part::<Mine>().0.load(Ordering::Relaxed), 7);
        assert_eq!(context.part::<AtomicU64>().load(Ordering::Relaxed), 0);
    }
}
