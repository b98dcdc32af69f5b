//! Who said what, kept apart by where it was said: credentials belong together, and those of a keyword are never mixed with
//! an account or a key from the environment.

use super::connection_string::{self, ConnectionString};
use super::specs::{ACCOUNT_KEY, ACCOUNT_NAME, BEARER_TOKEN, CONNECTION_STRING, ENDPOINT, SAS_TOKEN, USE_EMULATOR};
use crate::ConfigError;
use crate::given::{Given, Spec, Value};
use crate::options::boolean;

/// What stands in one place: the keywords, the URI or the variables.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) account: Option<Value>,
    pub(super) endpoint: Option<Value>,
    pub(super) key: Option<Value>,
    pub(super) signature: Option<Value>,
    pub(super) token: Option<Value>,
    pub(super) emulator: Option<bool>,
}

/// Keywords, URI and variables, in this order of precedence.
pub(super) fn layers(given: &mut Given<'_>) -> Result<[Layer; 3], ConfigError> {
    let account = each(given, &ACCOUNT_NAME)?;
    let endpoint = each(given, &ENDPOINT)?;
    let key = each(given, &ACCOUNT_KEY)?;
    let signature = each(given, &SAS_TOKEN)?;
    let token = each(given, &BEARER_TOKEN)?;
    let emulator = each(given, &USE_EMULATOR)?;
    let connection = each(given, &CONNECTION_STRING)?;
    let mut layers: [Layer; 3] = Default::default();
    let mut parts = account.into_iter().zip(endpoint).zip(key.into_iter().zip(signature)).zip(token).zip(emulator);
    for (layer, connection) in layers.iter_mut().zip(connection) {
        let Some(((((account, endpoint), (key, signature)), token), emulator)) = parts.next() else { break };
        let emulator = emulator.map(|value| boolean(&value.key, &value.text)).transpose()?;
        *layer = Layer { account, endpoint, key, signature, token, emulator };
        if let Some(connection) = connection {
            let read = connection_string::read(&connection.key, &connection.text)?;
            layer.fill(read, &connection);
        }
    }
    Ok(layers)
}

impl Layer {
    /// Whether there is something to authorize requests to `account` with. Keys are good for one account.
    pub(super) fn decides(&self, account: &str) -> bool {
        let fits = self.account.as_ref().is_none_or(|own| own.text == account);
        self.token.is_some() || (fits && (self.key.is_some() || self.signature.is_some()))
    }

    /// Takes from a connection string what was not said outright. One for another account is not meant.
    fn fill(&mut self, read: ConnectionString, from: &Value) {
        let value = |text: String| Value { key: from.key.clone(), text, origin: from.origin.clone() };
        let other = self
            .account
            .as_ref()
            .is_some_and(|account| read.account.as_ref().is_some_and(|name| *name != account.text));
        if other {
            return;
        }
        if self.key.is_none() && self.signature.is_none() && self.token.is_none() {
            self.key = read.key.map(value);
            self.signature = read.signature.map(value);
        }
        self.emulator = self.emulator.or(read.emulator.then_some(true));
        self.account = self.account.take().or(read.account.map(value));
        self.endpoint = self.endpoint.take().or(read.endpoint.map(value));
    }
}

/// The value of `spec` in each place. Notes in the trail which one counts.
fn each(given: &mut Given<'_>, spec: &Spec) -> Result<[Option<Value>; 3], ConfigError> {
    let found = [given.by_keyword(spec)?, given.by_uri(spec), given.by_variable(spec)];
    given.note(spec, found.iter().flatten().next());
    Ok(found)
}

/// Whether a value was said by somebody for this call, and not by the environment.
pub(super) fn is_own(value: &Value) -> bool {
    value.distance() < 2
}
