//! What the servers' own error codes mean.

use crate::error::ErrorKind;

/// What to branch on for `code`, where that is known better than from the status.
pub(crate) fn kind_of_code(code: &str) -> Option<ErrorKind> {
    Some(match code {
        "NoSuchKey" | "NoSuchBucket" | "NoSuchUpload" | "NoSuchVersion" => ErrorKind::NotFound,
        "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" => ErrorKind::AlreadyExists,
        "AccessDenied" => ErrorKind::PermissionDenied,
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" | "InvalidToken" => ErrorKind::Unauthenticated,
        "RequestTimeout" => ErrorKind::Timeout,
        "NotImplemented" => ErrorKind::NotSupported,
        "InvalidRange" => ErrorKind::OutOfRange,
        "BucketNotEmpty" => ErrorKind::BucketNotEmpty,
        "OperationAborted" | "SlowDown" | "InternalError" => ErrorKind::Generic,
        _ => return kind_of_other_code(code),
    })
}

/// Azure answers with one status for what is different, and says which in the code. Google has words of its own.
fn kind_of_other_code(code: &str) -> Option<ErrorKind> {
    Some(match code {
        "BlobNotFound" | "ContainerNotFound" | "ResourceNotFound" | "CannotVerifyCopySource" => ErrorKind::NotFound,
        "BlobAlreadyExists" | "ContainerAlreadyExists" | "ResourceAlreadyExists" => ErrorKind::AlreadyExists,
        "AuthenticationFailed" | "InvalidAuthenticationInfo" | "NoAuthenticationInformation" => {
            ErrorKind::Unauthenticated
        }
        "AuthorizationFailure"
        | "AuthorizationPermissionMismatch"
        | "AuthorizationProtocolMismatch"
        | "AuthorizationResourceTypeMismatch"
        | "AuthorizationServiceMismatch"
        | "AuthorizationSourceIPMismatch"
        | "InsufficientAccountPermissions"
        | "KeyBasedAuthenticationNotPermitted"
        | "PublicAccessNotPermitted"
        | "AccountIsDisabled" => ErrorKind::PermissionDenied,
        "ConditionNotMet" | "TargetConditionNotMet" | "SourceConditionNotMet" => ErrorKind::Precondition,
        "OperationTimedOut" => ErrorKind::Timeout,
        // Google's.
        "notFound" => ErrorKind::NotFound,
        "conflict" => ErrorKind::AlreadyExists,
        "forbidden" => ErrorKind::PermissionDenied,
        "required" | "authError" | "AuthenticationRequired" => ErrorKind::Unauthenticated,
        "conditionNotMet" => ErrorKind::Precondition,
        "ServerBusy" | "ContainerBeingDeleted" | "PendingCopyOperation" => ErrorKind::Generic,
        _ => return None,
    })
}
