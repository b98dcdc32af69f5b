//! Panics end here: none may cross the interface.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a panic said, where that is text: anything else may say too much.
#[derive(Debug)]
#[cfg_attr(not(feature = "export"), expect(dead_code, reason = "an importer only needs to know that there was one"))]
pub(crate) struct Panicked(Option<String>);

#[cfg(feature = "export")]
impl Panicked {
    pub(crate) fn message(&self) -> &str {
        self.0.as_deref().unwrap_or("no message")
    }
}

/// Runs `body`, whose panic is an answer.
pub(crate) fn caught<T>(body: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let panicked = Panicked(text.or_else(|| payload.downcast_ref::<String>().cloned()));
        discard(payload);
        panicked
    })
}

/// What was thrown may panic when it is dropped; what that throws is kept for ever.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(another);
    }
}

/// Drops `value`, whose owner may not be ours, and may panic.
pub(crate) fn dropped<T>(value: T) {
    let _ = caught(|| drop(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::panic_any(Self);
        }
    }

    #[test]
    fn whatever_is_thrown_ends_here() {
        assert_eq!(caught(|| 1).ok(), Some(1));
        assert_eq!(caught(|| panic!("a {}", "text")).unwrap_err().message(), "a text");
        assert_eq!(caught(|| panic!("static")).unwrap_err().message(), "static");
        assert_eq!(caught(|| std::panic::panic_any(7)).unwrap_err().message(), "no message");
        assert_eq!(caught(|| std::panic::panic_any(Bomb)).unwrap_err().message(), "no message");
        dropped(Bomb);
    }
}
