//! Where the server is: AWS's own addresses of a region, or another's.

use super::specs::{ACCELERATE, DEFAULT_REGION, DUALSTACK, ENDPOINT, FALLBACK_REGION, FIPS, REGION, S3_ENDPOINT};
use crate::given::{Given, Spec};
use crate::options::{boolean, invalid};
use crate::{ConfigError, address};

/// Which of AWS's own addresses is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Variant {
    pub(super) dualstack: bool,
    pub(super) fips: bool,
    pub(super) accelerate: bool,
}

impl Variant {
    pub(super) fn resolve(given: &mut Given<'_>, has_endpoint: bool) -> Result<Self, ConfigError> {
        let mut flag = |spec: &'static Spec| match given.text(spec)? {
            None => Ok(false),
            Some(value) => match boolean(&value.key, &value.text)? {
                true if has_endpoint => {
                    let reason = "chooses among AWS's own addresses, but an endpoint is given as well";
                    Err(invalid(&value.key, reason.into()))
                }
                on => Ok(on),
            },
        };
        Ok(Self { dualstack: flag(&DUALSTACK)?, fips: flag(&FIPS)?, accelerate: flag(&ACCELERATE)? })
    }
}

/// The region. A fallback does not count where somebody means one for S3, or for all of AWS.
pub(super) fn region(given: &mut Given<'_>) -> Result<String, ConfigError> {
    let region = given.text(&REGION)?;
    let fallback = given.text(&FALLBACK_REGION)?;
    let firm = region.as_ref().is_some_and(|value| matches!(&*value.key, "region" | "AWS_REGION"));
    let counts = if firm || fallback.is_none() {
        given.disregard(&[&FALLBACK_REGION]);
        region
    } else {
        given.disregard(&[&REGION]);
        fallback
    };
    match counts {
        None => Ok(DEFAULT_REGION.to_owned()),
        Some(value) if value.text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) => Ok(value.text),
        Some(value) => Err(invalid(&value.key, format!("{:?} is no region name", value.text))),
    }
}

/// The endpoint, where somebody names one. That of S3 counts before that of all services.
pub(super) fn endpoint(given: &mut Given<'_>) -> Result<Option<String>, ConfigError> {
    let general = given.text(&ENDPOINT)?;
    let own = given.text(&S3_ENDPOINT)?;
    if own.is_some() {
        given.disregard(&[&ENDPOINT]);
    }
    own.or(general).map(|value| address::endpoint(&value.key, &value.text)).transpose()
}
