//! URLs that let whoever has them do one thing with one object, for a while.

use std::time::Duration;

use http::Method;
use longshore_config::Scheme;
use object_store::path::Path;
use percent_encoding::utf8_percent_encode;

use super::spot::{Place, Spot, Way};
use crate::error::{Error, ErrorKind, trace};
use crate::rest::IN_PATH;

/// A URL for `method` on the object at `spot`, good for `expires_in`. Nothing is asked of the object's server; whoever gives
/// credentials may be.
///
/// # Errors
///
/// [`ErrorKind::NotSupported`] for a store that has no such URLs, [`ErrorKind::Unauthenticated`] where there is nothing to sign
/// with.
pub async fn sign(spot: &Spot, method: &str, expires_in: Duration) -> Result<String, Error> {
    let context = spot.context("sign");
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|_| context.error(ErrorKind::InvalidArgument, format!("{method:?} is no HTTP method")))?;
    let not_supported = || {
        let reason = "there are no signed URLs: this kind of store has none, or its credentials cannot sign any";
        context.error(ErrorKind::NotSupported, reason)
    };
    let Place::Own(store) = &spot.place else { return Err(not_supported()) };
    let live = store.live().map_err(|error| context.config_error(error))?;
    let Some(signer) = &live.signer else { return Err(not_supported()) };
    let path = match spot.way(&context)? {
        Way::Path(_, path, _) => path,
        _ => return Err(context.error(ErrorKind::InvalidPath, "no URL can be signed for a key with an empty segment")),
    };
    // Google's signer takes the path for a piece of a URL, and so for one that is encoded. The others encode it.
    let path = match store.scheme() {
        Scheme::Gcs => Path::parse(utf8_percent_encode(path.as_ref(), &IN_PATH).to_string())
            .map_err(|error| context.error(ErrorKind::InvalidPath, error.to_string()))?,
        _ => path,
    };
    let trace = trace();
    let signed = trace.scope(signer.signed_url(method, &path, expires_in)).await;
    signed.map(String::from).map_err(|error| context.store_error(error, &trace))
}
