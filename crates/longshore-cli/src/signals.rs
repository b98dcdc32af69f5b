//! Ctrl-C and SIGTERM: the first stops a command in an orderly way, the second at once.

use std::io;
use std::sync::mpsc::Sender;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

/// Listens for as long as it lives.
pub(crate) struct Watch(Handle);

impl Watch {
    /// Sends `event` of the first signal's number. From then on, another one ends the process there and then.
    pub(crate) fn begin<T: Send + 'static>(to: Sender<T>, event: fn(i32) -> T) -> io::Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let handle = signals.handle();
        std::thread::Builder::new().name("longshore-signals".into()).spawn(move || {
            for (count, number) in signals.forever().enumerate() {
                if count > 0 || to.send(event(number)).is_err() {
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

/// As shells count it.
pub(crate) fn exit_code(number: i32) -> i32 {
    128 + number
}
