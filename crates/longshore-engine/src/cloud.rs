//! Google's and Azure's interfaces behind one set of functions, for what `ObjectStore` has no words for.

use longshore_config::{AzureAccess, GcsAccess, Live};

use crate::azure;
use crate::error::{Context, Error};
use crate::gcs;
use crate::listing::Listed;
use crate::manage::Metadata;

/// One page of a listing, and how to ask for the next.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct CloudPage {
    pub(crate) entries: Vec<Listed>,
    /// What keys beyond the delimiter were folded into.
    pub(crate) folders: Vec<String>,
    pub(crate) next: Option<String>,
}

/// The interface of a store's own cloud.
#[derive(Clone, Copy)]
pub(crate) enum Cloud<'a> {
    Gcs(&'a GcsAccess),
    Azure(&'a AzureAccess),
}

impl<'a> Cloud<'a> {
    /// Where the store is in one of these clouds.
    pub(crate) fn of(live: &'a Live) -> Option<Self> {
        live.gcs.as_ref().map(Self::Gcs).or_else(|| live.azure.as_ref().map(Self::Azure))
    }

    /// Keys that begin with `prefix`, from where `token` says. With a `delimiter`, those that have it after the prefix are folded
    /// into folders. Of those up to `after` it leaves out as many as it knows how to.
    pub(crate) async fn list_page(
        self,
        (prefix, delimiter, after): (&str, &str, &str),
        token: Option<&str>,
        context: &Context,
    ) -> Result<CloudPage, Error> {
        match self {
            Self::Gcs(access) => gcs::list_page(access, (prefix, delimiter, after), token, context).await,
            Self::Azure(access) => azure::list_page(access, (prefix, delimiter), token, context).await,
        }
    }

    /// Deletes one key; a missing one is deleted already.
    pub(crate) async fn delete(self, key: &str, context: &Context) -> Result<(), Error> {
        match self {
            Self::Gcs(access) => gcs::delete(access, key, context).await,
            Self::Azure(access) => azure::delete(access, key, context).await,
        }
    }

    /// Copies within the service, to `key` of the store's own bucket. Where a `version` is given, that one and no other.
    pub(crate) async fn copy(
        self,
        key: &str,
        source: (&str, &str),
        version: Option<&Metadata>,
        context: &Context,
    ) -> Result<(), Error> {
        match self {
            Self::Gcs(access) => gcs::copy(access, key, source, version, context).await,
            Self::Azure(access) => azure::copy(access, key, source, version, context).await,
        }
    }

    /// Makes the bucket. One that is the caller's already is fine.
    pub(crate) async fn create_bucket(self, context: &Context) -> Result<(), Error> {
        match self {
            Self::Gcs(access) => gcs::create_bucket(access, context).await,
            Self::Azure(access) => azure::create_container(access, context).await,
        }
    }

    /// Takes the bucket away, where it is empty.
    pub(crate) async fn delete_bucket(self, context: &Context) -> Result<(), Error> {
        match self {
            Self::Gcs(access) => gcs::delete_bucket(access, context).await,
            Self::Azure(access) => azure::delete_container(access, context).await,
        }
    }
}
