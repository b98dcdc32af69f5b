//! From settings to a live client.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use object_store::client::HttpClient;
use object_store::http::HttpBuilder;

use super::by_folder::ByFolder;
use super::settings::{Authorization, WebSettings};
use crate::given::Secret;
use crate::store::{Live, WebAccess};
use crate::transport::{Dressed, Fixed};
use crate::wire::add_headers;
use crate::{ConfigError, Route};

impl WebSettings {
    /// Where requests go.
    pub(crate) fn route(&self) -> Option<Route> {
        Route::new(self.origin(), &self.wire)
    }

    pub(crate) fn connect(&self) -> Result<Live, ConfigError> {
        let web = WebAccess {
            near: self.wire.plain_client(&self.origin, true)?,
            far: self.wire.plain_client(&self.origin, false)?,
            origin: self.origin.clone(),
            headers: self.header_map()?,
            retry: self.wire.retry(),
        };
        let public = web.headers.is_empty();
        let http =
            HttpClient::new(Dressed { http: self.wire.client(&self.origin, public)?, headers: web.headers.clone() });
        let objects = HttpBuilder::new()
            .with_url(self.url())
            .with_retry(self.wire.retry())
            .with_client_options(self.wire.client_options())
            .with_http_connector(Fixed(http))
            .build()?;
        Ok(Live { web: Some(Arc::new(web)), ..Live::of(Arc::new(ByFolder::new(objects))) })
    }

    /// The headers of every request to the origin.
    pub(super) fn header_map(&self) -> Result<HeaderMap, ConfigError> {
        let mut headers = HeaderMap::new();
        add_headers(&mut headers, "headers", &self.headers)?;
        add_headers(&mut headers, "default_headers", &self.wire.headers)?;
        let mut add = |key: &str, value: String| {
            add_headers(&mut headers, key, &[(AUTHORIZATION.as_str().to_owned(), Secret(value))])
        };
        match &self.authorization {
            Authorization::Nothing => {}
            Authorization::Basic { username, password } => {
                let pair = format!("{username}:{}", password.0);
                add("password", format!("Basic {}", BASE64.encode(pair)))?;
            }
            Authorization::Bearer(token) => add("bearer_token", format!("Bearer {}", token.0))?,
        }
        Ok(headers)
    }
}
