//! The S3 operations, one file per kind; this one is the table s3s calls into.

mod buckets;
mod copies;
mod headers;
mod listings;
mod objects;
mod uploads;

use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

use crate::conditions::WriteConditions;
use crate::connection::RawBody;
use crate::digest::{Algorithm, Checksums, Digests, check_form, verify};
use crate::shelf::Shelf;
use crate::uploads::Uploads;

/// The S3 operations over a shelf of objects.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    shelf: Arc<Shelf>,
    uploads: Arc<Uploads>,
    region: Arc<str>,
}

impl Service {
    /// Serves these objects as one region.
    pub(crate) fn new(shelf: Arc<Shelf>, region: &str) -> Self {
        Self { uploads: Arc::new(Uploads::new(Arc::clone(&shelf))), shelf, region: region.into() }
    }
}

type Answer<T> = S3Result<S3Response<T>>;

#[async_trait::async_trait]
impl S3 for Service {
    async fn list_buckets(&self, request: S3Request<ListBucketsInput>) -> Answer<ListBucketsOutput> {
        self.list_all_buckets(request.input).await.map(S3Response::new)
    }

    async fn create_bucket(&self, request: S3Request<CreateBucketInput>) -> Answer<CreateBucketOutput> {
        self.make_bucket(request.input).await.map(S3Response::new)
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        self.shelf.places.buckets.require(&request.input.bucket).await?;
        let region = Some(self.region.to_string());
        Ok(S3Response::new(HeadBucketOutput { bucket_region: region, ..Default::default() }))
    }

    async fn delete_bucket(&self, request: S3Request<DeleteBucketInput>) -> Answer<DeleteBucketOutput> {
        self.shelf.remove_bucket(&request.input.bucket).await?;
        Ok(S3Response::with_status(DeleteBucketOutput {}, http::StatusCode::NO_CONTENT))
    }

    async fn get_bucket_location(&self, request: S3Request<GetBucketLocationInput>) -> Answer<GetBucketLocationOutput> {
        self.shelf.places.buckets.require(&request.input.bucket).await?;
        let elsewhere = (&*self.region != "us-east-1").then(|| self.region.to_string().into());
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint: elsewhere }))
    }

    async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> Answer<GetBucketVersioningOutput> {
        self.shelf.places.buckets.require(&request.input.bucket).await?;
        Ok(S3Response::new(GetBucketVersioningOutput::default()))
    }

    async fn list_objects(&self, request: S3Request<ListObjectsInput>) -> Answer<ListObjectsOutput> {
        self.list_first_version(request.input).await.map(S3Response::new)
    }

    async fn list_objects_v2(&self, request: S3Request<ListObjectsV2Input>) -> Answer<ListObjectsV2Output> {
        self.list_second_version(request.input).await.map(S3Response::new)
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        self.read(request.input).await.map(S3Response::new)
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        self.look(request.input).await
    }

    async fn get_object_attributes(
        &self,
        request: S3Request<GetObjectAttributesInput>,
    ) -> Answer<GetObjectAttributesOutput> {
        self.describe(request.input).await.map(S3Response::new)
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        self.write(request.input, request.trailing_headers).await.map(S3Response::new)
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        self.erase(request.input).await?;
        Ok(S3Response::with_status(DeleteObjectOutput::default(), http::StatusCode::NO_CONTENT))
    }

    async fn delete_objects(&self, request: S3Request<DeleteObjectsInput>) -> Answer<DeleteObjectsOutput> {
        verify_batch(&request)?;
        self.erase_many(request.input).await.map(S3Response::new)
    }

    async fn copy_object(&self, request: S3Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
        let conditions = destination_conditions(&request)?;
        self.copy(request.input, conditions).await.map(S3Response::new)
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        self.begin_upload(request.input).await.map(S3Response::new)
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        self.write_part(request.input, request.trailing_headers).await.map(S3Response::new)
    }

    async fn upload_part_copy(&self, request: S3Request<UploadPartCopyInput>) -> Answer<UploadPartCopyOutput> {
        self.copy_part(request.input).await.map(S3Response::new)
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        self.show_parts(request.input).await.map(S3Response::new)
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> Answer<ListMultipartUploadsOutput> {
        self.show_uploads(request.input).await.map(S3Response::new)
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        self.finish_upload(request.input).await.map(S3Response::new)
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        let input = request.input;
        self.shelf.places.buckets.require(&input.bucket).await?;
        self.uploads.abort(&input.bucket, &input.key, &input.upload_id).await?;
        Ok(S3Response::with_status(AbortMultipartUploadOutput::default(), http::StatusCode::NO_CONTENT))
    }
}

/// The conditions that a copy sets on its destination; S3 has them since 2025, s3s not yet.
fn destination_conditions(request: &S3Request<CopyObjectInput>) -> S3Result<WriteConditions> {
    let condition = |name: &str| {
        let value = request.headers.get(name).map(|value| ETagCondition::parse_http_header(value.as_bytes()));
        value.transpose().map_err(|error| s3_error!(error, InvalidArgument, "invalid header: {name}"))
    };
    Ok(WriteConditions { if_match: condition("if-match")?, if_none_match: condition("if-none-match")? })
}

/// Compares the digests that a batch delete declares with its body as it was sent.
fn verify_batch(request: &S3Request<DeleteObjectsInput>) -> S3Result<()> {
    let Some(RawBody(body)) = request.extensions.get() else { return Ok(()) };
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    if header("x-amz-content-sha256").is_some_and(|value| value.starts_with("STREAMING-")) {
        // Not the body itself but its chunks, each with a signature that has been checked.
        return Ok(());
    }
    let mut declared = Checksums::default();
    for algorithm in Algorithm::ALL {
        declared.declare(algorithm, header(algorithm.header()).map(str::to_owned));
    }
    let content_md5 = header("content-md5");
    check_form(&declared, content_md5)?;
    let mut digests = Digests::new(declared.values.iter().map(|(algorithm, _)| *algorithm));
    digests.update(body);
    verify(&declared, content_md5, &digests.finish())
}
