//! The gateway as its clients see it: through object_store's own S3 client, and through raw HTTP where a client would
//! not go.

mod client;
mod damage;
mod folder;
mod life;
mod raw;
mod wire;

use longshore_gateway::{Gateway, GatewayBuilder};
use object_store::aws::{AmazonS3, AmazonS3Builder, S3CopyIfNotExists};
use object_store::{ClientOptions, RetryConfig};

/// The credentials of every gateway here that asks for some.
const KEY: (&str, &str) = ("testkey", "testsecret");

/// A gateway in memory that lets everybody in, with one bucket.
fn open_gateway() -> Gateway {
    let gateway = Gateway::builder().memory().anonymous().start().expect("it starts");
    assert_eq!(wire::put(&gateway, "/bucket", b"").status, 200);
    gateway
}

/// Starts a gateway that checks signatures, and gives a client of a new bucket.
fn signed(builder: GatewayBuilder) -> (Gateway, AmazonS3) {
    let gateway = builder.credentials(KEY.0, KEY.1).anonymous().start().expect("it starts");
    assert_eq!(wire::put(&gateway, "/bucket", b"").status, 200);
    let client = client_of(&gateway, KEY.1);
    (gateway, client)
}

/// A client of the bucket, without retries so that a test sees every answer.
fn client_of(gateway: &Gateway, secret: &str) -> AmazonS3 {
    AmazonS3Builder::new()
        .with_endpoint(gateway.endpoint())
        .with_region("us-east-1")
        .with_bucket_name("bucket")
        .with_access_key_id(KEY.0)
        .with_secret_access_key(secret)
        .with_copy_if_not_exists(S3CopyIfNotExists::Multipart)
        .with_client_options(ClientOptions::new().with_allow_http(true))
        .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
        .build()
        .expect("the settings are right")
}
