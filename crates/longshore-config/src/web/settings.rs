//! How a web server is asked, merged from keywords, the URL and defaults.

use std::collections::BTreeMap;

use crate::given::{Given, Resolved, Secret, Setting, Spec};
use crate::options::invalid;
use crate::wire::{WIRE, Wire, headers};
use crate::{ConfigError, Configured, Environment, Location, Options};

const USERNAME: Spec =
    Spec::new("username", "who asks, by basic authentication; also from https://user:password@host").also(&["user"]);
const PASSWORD: Spec = Spec::new("password", "the password that belongs to it").secret();
const BEARER_TOKEN: Spec = Spec::new("bearer_token", "a token that every request carries").also(&["token"]).secret();
const HEADERS: Spec = Spec::new("headers", "further headers of every request, each a line `Name: value`").secret();

/// The settings of an `HTTPStore`, besides those of every store that is reached over HTTP.
const SPECS: [&Spec; 4] = [&USERNAME, &PASSWORD, &BEARER_TOKEN, &HEADERS];

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Authorization {
    Nothing,
    Basic { username: String, password: Secret },
    Bearer(Secret),
}

/// Everything that decides how one web server is asked. Equal settings share one store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WebSettings {
    pub(super) origin: String,
    /// What stands between the origin and a key, without slashes around it.
    pub(super) base: String,
    pub(super) authorization: Authorization,
    pub(super) headers: Vec<(String, Secret)>,
    pub(super) wire: Wire,
}

impl WebSettings {
    /// Merges `options` over what the URL says over defaults, for the server of `location`.
    ///
    /// A user or a token is one set: where a keyword names one, the URL's user info does not count. No variable and no
    /// `.netrc` is read: a request says nothing that its caller did not.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownOption`] and [`ConfigError::InvalidOption`].
    pub fn resolve(location: &Location, options: Options, environment: &Environment) -> Result<Self, ConfigError> {
        Self::explain(location, options, environment).1
    }

    /// As [`resolve`](Self::resolve), with what was found on the way and who said it, also where that cannot be used.
    pub fn explain(
        location: &Location,
        options: Options,
        environment: &Environment,
    ) -> (Vec<Setting>, Result<Self, ConfigError>) {
        let said = Self::said(location.root(), "", location.said(), options, environment);
        (said.0, said.1.map(|(settings, _)| settings))
    }

    /// As [`resolve`](Self::resolve), for keys below `base`, with what was said and counts.
    pub(crate) fn configure(
        origin: &str,
        base: &str,
        said: &BTreeMap<&'static str, Secret>,
        options: Options,
        environment: &Environment,
    ) -> Result<(Self, Vec<Configured>), ConfigError> {
        Self::said(origin, base, said, options, environment).1
    }

    fn said(
        origin: &str,
        base: &str,
        said: &BTreeMap<&'static str, Secret>,
        options: Options,
        environment: &Environment,
    ) -> Resolved<Self> {
        let given = Given::about(said, options, environment);
        given.resolve("HTTPStore", "http_", &Self::specs(), |given| Self::merge(origin, base, given))
    }

    fn merge(origin: &str, base: &str, given: &mut Given<'_>) -> Result<Self, ConfigError> {
        let authorization = authorization(given)?;
        let headers = given.text(&HEADERS)?.map(headers).transpose()?.unwrap_or_default();
        if authorization != Authorization::Nothing && headers.iter().any(|(name, _)| name == "authorization") {
            let reason = "has an Authorization of its own; give that, or username, or bearer_token";
            return Err(invalid(HEADERS.name, reason.into()));
        }
        let wire = Wire::resolve(given, origin.starts_with("http://"))?;
        let (origin, base) = (origin.to_owned(), base.to_owned());
        let settings = Self { origin, base, authorization, headers, wire };
        settings.header_map()?;
        Ok(settings)
    }

    /// Every setting there is.
    pub fn specs() -> Vec<&'static Spec> {
        [&SPECS[..], &WIRE[..]].concat()
    }

    /// Scheme, host and port, as `https://host`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What stands between the origin and a key, without slashes around it; empty where keys are the server's own paths.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The address that keys are relative to, without a slash at its end.
    pub fn url(&self) -> String {
        format!("{}/{}", self.origin, self.base).trim_end_matches('/').to_owned()
    }

    /// Who asks, where that is by name and password.
    pub fn username(&self) -> Option<&str> {
        match &self.authorization {
            Authorization::Basic { username, .. } => Some(username),
            Authorization::Nothing | Authorization::Bearer(_) => None,
        }
    }
}

fn authorization(given: &mut Given<'_>) -> Result<Authorization, ConfigError> {
    let token = given.by_keyword(&BEARER_TOKEN)?;
    let mut user = given.by_keyword(&USERNAME)?;
    let mut password = given.by_keyword(&PASSWORD)?;
    if token.is_none() && user.is_none() && password.is_none() {
        (user, password) = (given.by_uri(&USERNAME), given.by_uri(&PASSWORD));
    }
    given.note(&USERNAME, user.as_ref());
    given.note(&PASSWORD, password.as_ref());
    given.note(&BEARER_TOKEN, token.as_ref());
    match (user, password, token) {
        (None, None, None) => Ok(Authorization::Nothing),
        (None, None, Some(token)) => Ok(Authorization::Bearer(Secret(token.header()?))),
        (None, Some(_), _) => Err(invalid("username", "is missing, though there is a password".into())),
        (Some(_), _, Some(_)) => {
            Err(invalid("bearer_token", "cannot be sent together with a username; give one of them".into()))
        }
        (Some(user), _, None) if user.text.contains(':') => {
            Err(invalid("username", "cannot contain a colon: basic authentication ends it there".into()))
        }
        (Some(user), password, None) => Ok(Authorization::Basic {
            username: user.text,
            password: Secret(password.map(|value| value.text).unwrap_or_default()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explain(uri: &str, options: &[(&str, &str)]) -> (Vec<Setting>, Result<WebSettings, ConfigError>) {
        let location = Location::parse(uri).unwrap();
        WebSettings::explain(&location, options.iter().copied().collect(), &Environment::default())
    }

    fn header(uri: &str, options: &[(&str, &str)], name: &str) -> Option<String> {
        let headers = explain(uri, options).1.unwrap().header_map().unwrap();
        headers.get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_keyword_wins_over_the_url_and_they_are_never_mixed() {
        let basic = |uri: &str, options: &[(&str, &str)]| header(uri, options, "authorization");
        assert_eq!(basic("https://h/", &[]), None);
        assert_eq!(basic("https://me:secret@h/", &[]).unwrap(), "Basic bWU6c2VjcmV0");
        assert_eq!(
            basic("https://you:x@h/", &[("username", "me"), ("password", "secret")]).unwrap(),
            "Basic bWU6c2VjcmV0"
        );
        assert_eq!(basic("https://you:secret@h/", &[("user", "me")]).unwrap(), "Basic bWU6");
        assert_eq!(basic("https://you:x@h/", &[("token", "t")]).unwrap(), "Bearer t");
        let trail = explain("https://me:hunter2@h/", &[]).0;
        let origins: Vec<_> = trail.iter().map(|one| (one.name, &*one.value, one.origin.to_string())).collect();
        assert_eq!(origins[0], ("username", "me", "URI".into()));
        assert_eq!(origins[1], ("password", "****", "URI".into()));
    }

    #[test]
    fn further_headers_are_lines_and_not_those_of_the_client_itself() {
        let options = [("headers", "X-Token: a: b\n\nx-other:c")];
        assert_eq!(header("https://h/", &options, "x-token").unwrap(), "a: b");
        assert_eq!(header("https://h/", &options, "x-other").unwrap(), "c");
        for bad in ["Range: bytes=0-1", "no colon", "b ad: x", ": x", "x: \u{e9}\u{7f}"] {
            let message = explain("https://h/", &[("headers", bad)]).1.unwrap_err().to_string();
            assert!(message.starts_with("headers: "), "{message}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused_and_shows_no_secret() {
        for options in [
            &[("password", "hunter2")][..],
            &[("username", "me"), ("bearer_token", "hunter2")],
            &[("bearer_token", "hunter2"), ("headers", "Authorization: hunter2")],
            &[("bearer_token", "hun\nhunter2")],
            &[("username", "a:hunter2")],
            &[("headers", "X-Token: hunter2\u{7f}")],
            &[("passwort", "hunter2")],
        ] {
            let message = explain("https://h/", options).1.unwrap_err().to_string();
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let options = [("headers", "X-Token: hunter2")];
        let shown = format!("{:?}", explain("https://me:hunter3@h/", &options).1.unwrap());
        assert!(shown.contains("me") && !shown.contains("hunter"), "{shown}");
    }
}
