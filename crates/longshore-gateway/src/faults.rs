//! Scripted faults: what a test wants to go wrong, on which requests, and how often.
//!
//! Rules are plain values, so that any language can make them. They are tried in the order they were added. Every
//! [`FaultAction::Latency`] that matches is waited for; of the other actions the first that matches is taken.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Which requests fail, and how.
///
/// A field that is `None` matches every request, so the default rule with an action matches all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// HTTP method, in any case.
    pub method: Option<String>,
    /// The whole path, percent-decoded: `/bucket/key`.
    pub path: Option<String>,
    /// A part of the percent-decoded path.
    pub path_contains: Option<String>,
    /// A part of the raw query string, such as `uploads`, `list-type=2` or `partNumber=3`.
    pub query_contains: Option<String>,
    /// Matching requests let through before the first fault.
    pub skip: u64,
    /// Faults before the rule is spent; `None` for no end.
    pub times: Option<u64>,
    /// What happens.
    pub action: FaultAction,
}

impl FaultRule {
    /// A rule for every request, for ever; narrow it by setting fields.
    pub fn new(action: FaultAction) -> Self {
        Self { method: None, path: None, path_contains: None, query_contains: None, skip: 0, times: None, action }
    }
}

/// What goes wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultAction {
    /// The request waits before anything else happens to it.
    Latency(Duration),
    /// The request is not carried out; this is the answer instead, as a proper S3 error.
    Status {
        /// HTTP status.
        code: u16,
        /// S3 error code, such as `SlowDown`.
        error: String,
        /// Further headers, such as `Retry-After`.
        headers: Vec<(String, String)>,
    },
    /// The request is not carried out; this is the answer instead, word for word. For what S3 can say inside a 200, such as
    /// the failures of single keys in a batch delete.
    Reply {
        /// HTTP status.
        code: u16,
        /// Headers beside `Content-Type: application/xml`, or instead of it.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// The answer keeps its `Content-Length`, but the connection is dropped after this many bytes of the body.
    CutBody {
        /// Bytes that arrive.
        after: u64,
    },
    /// The answer keeps its `Content-Length`, but nothing follows this many bytes of the body until either side gives up.
    Stall {
        /// Bytes that arrive.
        after: u64,
    },
    /// The connection is dropped before the request is carried out.
    CloseConnection,
    /// The request is carried out, then the connection is dropped instead of an answer.
    LoseAnswer,
    /// The answer's body ends after this many bytes, and its `Content-Length` says so: a plausible lie.
    ShortBody {
        /// Bytes that arrive.
        length: u64,
    },
    /// One byte of the answer's body is flipped.
    Corrupt {
        /// Which byte, from 0; none is flipped in a shorter body.
        at: u64,
    },
}

/// The faults of one gateway; rules come and go while it runs.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Rules>);

#[derive(Debug, Default)]
struct Rules {
    next: u64,
    rules: Vec<Scripted>,
}

#[derive(Debug)]
struct Scripted {
    id: u64,
    rule: FaultRule,
    seen: u64,
    hits: u64,
}

impl Faults {
    /// Adds a rule and gives the number it is known by.
    pub fn add(&self, rule: FaultRule) -> u64 {
        let mut rules = self.rules();
        rules.next += 1;
        let id = rules.next;
        rules.rules.push(Scripted { id, rule, seen: 0, hits: 0 });
        id
    }

    /// Removes one rule; whether it was there.
    pub fn remove(&self, id: u64) -> bool {
        let mut rules = self.rules();
        let before = rules.rules.len();
        rules.rules.retain(|scripted| scripted.id != id);
        rules.rules.len() < before
    }

    /// Removes every rule.
    pub fn clear(&self) {
        self.rules().rules.clear();
    }

    /// How often a rule has been applied; 0 for a rule that was removed.
    pub fn hits(&self, id: u64) -> u64 {
        self.rules().rules.iter().find(|scripted| scripted.id == id).map_or(0, |scripted| scripted.hits)
    }

    /// The faults of one request.
    pub(crate) fn plan(&self, method: &str, path: &str, query: &str) -> Plan {
        let mut plan = Plan::default();
        let mut rules = self.rules();
        if rules.rules.is_empty() {
            return plan;
        }
        let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        for scripted in &mut rules.rules {
            if !scripted.rule.matches(method, &path, query) {
                continue;
            }
            let wait = match &scripted.rule.action {
                FaultAction::Latency(wait) => Some(*wait),
                _ if plan.action.is_some() => continue,
                _ => None,
            };
            scripted.seen += 1;
            if scripted.seen <= scripted.rule.skip || scripted.rule.times.is_some_and(|times| scripted.hits >= times) {
                continue;
            }
            scripted.hits += 1;
            match wait {
                Some(wait) => plan.latency = plan.latency.saturating_add(wait),
                None => plan.action = Some(scripted.rule.action.clone()),
            }
        }
        plan
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FaultRule {
    fn matches(&self, method: &str, path: &str, query: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_ref().is_none_or(|wanted| wanted == path)
            && self.path_contains.as_ref().is_none_or(|wanted| path.contains(wanted.as_str()))
            && self.query_contains.as_ref().is_none_or(|wanted| query.contains(wanted.as_str()))
    }
}

/// What is to happen to one request.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) latency: Duration,
    pub(crate) action: Option<FaultAction>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16) -> FaultAction {
        FaultAction::Status { code, error: "SlowDown".to_owned(), headers: Vec::new() }
    }

    #[test]
    fn a_rule_skips_then_acts_then_is_spent() {
        let faults = Faults::default();
        let id = faults.add(FaultRule { skip: 1, times: Some(2), ..FaultRule::new(status(503)) });
        let acted: Vec<bool> = (0..5).map(|_| faults.plan("GET", "/b/k", "").action.is_some()).collect();
        assert_eq!(acted, [false, true, true, false, false]);
        assert_eq!(faults.hits(id), 2);
    }

    #[test]
    fn latencies_add_up_and_of_other_actions_the_first_is_taken() {
        let faults = Faults::default();
        faults.add(FaultRule::new(FaultAction::Latency(Duration::from_millis(1))));
        faults.add(FaultRule::new(status(500)));
        let second = faults.add(FaultRule::new(status(503)));
        faults.add(FaultRule::new(FaultAction::Latency(Duration::from_millis(2))));
        let plan = faults.plan("GET", "/", "");
        assert_eq!((plan.latency, plan.action), (Duration::from_millis(3), Some(status(500))));
        assert_eq!(faults.hits(second), 0);
    }

    #[test]
    fn a_rule_matches_by_method_path_and_query() {
        let rule = FaultRule {
            method: Some("put".to_owned()),
            path: Some("/b/a key".to_owned()),
            query_contains: Some("partNumber".to_owned()),
            ..FaultRule::new(FaultAction::CloseConnection)
        };
        let faults = Faults::default();
        faults.add(rule);
        assert!(faults.plan("PUT", "/b/a%20key", "partNumber=1").action.is_some());
        assert!(faults.plan("GET", "/b/a%20key", "partNumber=1").action.is_none());
        assert!(faults.plan("PUT", "/b/a%20key2", "partNumber=1").action.is_none());
        assert!(faults.plan("PUT", "/b/a%20key", "uploads").action.is_none());
    }

    #[test]
    fn a_removed_rule_is_gone() {
        let faults = Faults::default();
        let id = faults.add(FaultRule::new(FaultAction::CloseConnection));
        assert!(faults.remove(id) && !faults.remove(id));
        assert!(faults.plan("GET", "/", "").action.is_none());
    }
}
