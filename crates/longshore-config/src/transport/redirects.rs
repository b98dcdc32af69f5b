//! Where requests may be led to, and where they were.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Url;
use reqwest::redirect::Policy;

/// Which redirects a client follows. Only `Authorization` is left out on the way to another server; keys, tokens and secrets in
/// other headers and in bodies would go along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Redirects {
    /// None: for credentials, and for whoever follows them itself.
    Nowhere,
    /// Those that stay on the server.
    SameServer,
    /// All, for requests that hold no secret.
    Anywhere,
}

/// As many as browsers and `reqwest` follow, at most.
const MOST_REDIRECTS: usize = 10;

impl Redirects {
    pub(super) fn policy(self) -> Policy {
        match self {
            Self::Nowhere => Policy::none(),
            Self::Anywhere => Policy::custom(|attempt| {
                if attempt.previous().len() > MOST_REDIRECTS {
                    return attempt.error("there are too many redirects");
                }
                Led::note(attempt.url());
                attempt.follow()
            }),
            Self::SameServer => Policy::custom(|attempt| {
                let stays = attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
                if stays && attempt.previous().len() <= MOST_REDIRECTS { attempt.follow() } else { attempt.stop() }
            }),
        }
    }
}

tokio::task_local! {
    static LED: Led;
}

/// Where one request was led to, which `reqwest` does not say of one that failed there.
#[derive(Clone, Debug, Default)]
pub(super) struct Led(Arc<Mutex<Option<Url>>>);

impl Led {
    /// Notes where the request that `future` sends is led to, while it is polled.
    pub(super) fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        LED.scope(self.clone(), future)
    }

    fn note(url: &Url) {
        let _ = LED.try_with(|led| *led.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(url.clone()));
    }

    /// The last address it was led to.
    pub(super) fn last(&self) -> Option<Url> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
