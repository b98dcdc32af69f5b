//! Ctrl-C and SIGTERM: the first stops a command in an orderly way, the second at once.

use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use tokio::sync::watch;

/// Listens for as long as it lives.
pub(crate) struct Watch(Handle);

impl Watch {
    /// Sends `event` of the first signal's number. From then on, another one ends the process there and then.
    pub(crate) fn begin<T: Send + 'static>(
        to: Sender<T>,
        event: fn(i32) -> T,
        interruption: &Interruption,
    ) -> io::Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let handle = signals.handle();
        let interruption = interruption.clone();
        std::thread::Builder::new().name("longshore-signals".into()).spawn(move || {
            for (count, number) in signals.forever().enumerate() {
                if count > 0 || to.send(event(number)).is_err() {
                    interruption.say_last_words();
                    std::process::exit(exit_code(number));
                }
            }
        })?;
        Ok(Self(handle))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// How a command wants to be interrupted. Unless it says so, it is cancelled wherever it is. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Interruption(Arc<Mutex<Manners>>);

#[derive(Default)]
struct Manners {
    stop: Option<watch::Sender<bool>>,
    last_words: Option<String>,
}

impl Interruption {
    /// From now on the first signal makes the receiver true, and the command ends by itself. A second one ends the process at once,
    /// after these words.
    pub(crate) fn orderly(&self, last_words: Option<String>) -> watch::Receiver<bool> {
        let mut manners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        manners.last_words = last_words;
        manners.stop.get_or_insert_with(|| watch::channel(false).0).subscribe()
    }

    /// Tells a command that there was a signal. Whether it will end by itself.
    pub(crate) fn tell(&self) -> bool {
        let manners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        manners.stop.as_ref().is_some_and(|stop| !stop.send_replace(true))
    }

    fn say_last_words(&self) {
        let manners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(words) = &manners.last_words {
            eprintln!("{words}");
        }
    }
}

/// As shells count it.
pub(crate) fn exit_code(number: i32) -> i32 {
    128 + number
}
