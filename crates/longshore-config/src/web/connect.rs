//! From settings to a live client.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, HeaderValue};

use super::closed::Closed;
use super::settings::{Authorization, WebSettings};
use crate::ConfigError;
use crate::options::invalid;
use crate::store::{Live, WebAccess};

impl WebSettings {
    pub(crate) fn connect(&self) -> Result<Live, ConfigError> {
        let web = WebAccess {
            near: self.wire.plain_client(&self.origin, true)?,
            far: self.wire.plain_client(&self.origin, false)?,
            origin: self.origin.clone(),
            headers: self.header_map()?,
            retry: self.wire.retry(),
        };
        Ok(Live { web: Some(Arc::new(web)), ..Live::of(Arc::new(Closed)) })
    }

    /// The headers of every request to the origin.
    pub(super) fn header_map(&self) -> Result<HeaderMap, ConfigError> {
        let mut headers = HeaderMap::new();
        let unfit = |key: &str| invalid(key, "cannot be sent in a header; was it copied with a line end?".into());
        let mut add = |key: &str, name: HeaderName, value: &str| {
            let mut value = HeaderValue::from_str(value).map_err(|_| unfit(key))?;
            value.set_sensitive(true);
            headers.append(name, value);
            Ok::<_, ConfigError>(())
        };
        for (name, value) in &self.headers {
            let header = name.parse().map_err(|_| invalid("headers", format!("{name:?} is no name of a header")))?;
            add("headers", header, &value.0)?;
        }
        match &self.authorization {
            Authorization::Nothing => {}
            Authorization::Basic { username, password } => {
                let pair = format!("{username}:{}", password.0);
                add("password", AUTHORIZATION, &format!("Basic {}", BASE64.encode(pair)))?;
            }
            Authorization::Bearer(token) => add("bearer_token", AUTHORIZATION, &format!("Bearer {}", token.0))?,
        }
        Ok(headers)
    }
}
