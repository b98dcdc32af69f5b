//! Containers: made and taken away.

use http::Method;
use longshore_config::AzureAccess;

use super::listing::list_page;
use super::request::Request;
use crate::error::{Context, Error, ErrorKind};

/// Creates the container. One that is there already is the account's own.
///
/// # Errors
///
/// What the server answers.
pub(crate) async fn create_container(access: &AzureAccess, context: &Context) -> Result<(), Error> {
    match Request::container(access, Method::PUT, context).send().await {
        Err(error) if error.code() == Some("ContainerAlreadyExists") => Ok(()),
        // Who may use a container need not be allowed to make it.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            match list_page(access, ("", "/"), None, context).await {
                Ok(_) => Ok(()),
                Err(_) => Err(error),
            }
        }
        outcome => outcome.map(drop),
    }
}

/// Deletes the container, where it is empty. Azure itself would delete one with all that is in it.
///
/// # Errors
///
/// [`ErrorKind::BucketNotEmpty`] for one that is not empty, and what the server answers.
pub(crate) async fn delete_container(access: &AzureAccess, context: &Context) -> Result<(), Error> {
    let page = list_page(access, ("", ""), None, context).await?;
    if let Some(entry) = page.entries.first() {
        return Err(context.error(ErrorKind::BucketNotEmpty, format!("there is {:?}, for one", entry.key)));
    }
    if page.next.is_some() {
        return Err(context.error(ErrorKind::BucketNotEmpty, "its listing goes on"));
    }
    match Request::container(access, Method::DELETE, context).send().await {
        Err(error) if error.is_gone_on_repeat() => Ok(()),
        // It takes Azure a while, and until then a repeated request is told so.
        Err(error) if error.code() == Some("ContainerBeingDeleted") && error.attempts() > 1 => Ok(()),
        outcome => outcome.map(drop),
    }
}
