//! Headers that every request carries.

use async_trait::async_trait;
use http::HeaderMap;
use object_store::client::{HttpClient, HttpError, HttpRequest, HttpResponse, HttpService};

/// Adds headers to the requests of a client. What a request brings itself counts.
#[derive(Debug)]
pub(crate) struct Dressed {
    pub(crate) http: HttpClient,
    pub(crate) headers: HeaderMap,
}

#[async_trait]
impl HttpService for Dressed {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        for name in self.headers.keys() {
            if !request.headers().contains_key(name) {
                for value in self.headers.get_all(name) {
                    request.headers_mut().append(name, value.clone());
                }
            }
        }
        self.http.execute(request).await
    }
}
