//! Buckets: list and create; the rest is short enough for the table.

use s3s::dto::*;
use s3s::{S3Result, s3_error};

use super::Service;

/// The one account that owns everything here.
pub(super) fn owner() -> Owner {
    Owner { display_name: Some("longshore".to_owned()), id: Some("longshore".to_owned()) }
}

impl Service {
    pub(super) async fn list_all_buckets(&self, input: ListBucketsInput) -> S3Result<ListBucketsOutput> {
        let limit = match input.max_buckets {
            None => usize::MAX,
            Some(limit) => {
                usize::try_from(limit).ok().filter(|limit| (1..=10_000).contains(limit)).ok_or_else(|| {
                    s3_error!(InvalidArgument, "Argument max-buckets must be an integer between 1 and 10000")
                })?
            }
        };
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let after = input.continuation_token.as_deref();
        let mut found: Vec<_> = self.shelf.places.buckets.list().await?;
        found.retain(|(name, _)| name.starts_with(prefix) && after.is_none_or(|after| name.as_str() > after));
        let truncated = found.len() > limit;
        found.truncate(limit);
        let continuation_token = found.last().filter(|_| truncated).map(|(name, _)| name.clone());
        let bucket = |(name, created): (String, std::time::SystemTime)| Bucket {
            creation_date: Some(created.into()),
            name: Some(name),
            ..Default::default()
        };
        Ok(ListBucketsOutput {
            buckets: Some(found.into_iter().map(bucket).collect()),
            continuation_token,
            owner: Some(owner()),
            prefix: input.prefix,
        })
    }

    pub(super) async fn make_bucket(&self, input: CreateBucketInput) -> S3Result<CreateBucketOutput> {
        let constraint = input.create_bucket_configuration.and_then(|configuration| configuration.location_constraint);
        if let Some(constraint) = constraint.filter(|constraint| constraint.as_str() != &*self.region) {
            let text = constraint.as_str();
            return Err(s3_error!(InvalidLocationConstraint, "The specified location-constraint is not valid: {text}"));
        }
        self.shelf.places.buckets.create(&input.bucket).await?;
        Ok(CreateBucketOutput { location: Some(format!("/{}", input.bucket)) })
    }
}
