//! The digests of a body: the MD5 that makes an ETag, and whichever checksum the client asked to have verified.
//!
//! s3s verifies the signature of a payload (SHA-256, or chunk by chunk); `Content-MD5` and `x-amz-checksum-*`, in a header
//! or in a trailer after the body, are verified here.

use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::{S3Error, S3ErrorCode, S3Result};
use serde::{Deserialize, Serialize};

/// The checksum algorithms of S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    /// Every algorithm.
    pub(crate) const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// The name S3 gives it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The algorithm of that name, in any case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The header or trailer that carries it.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The base64 checksum of `data`.
    pub(crate) fn of(self, data: &[u8]) -> String {
        let mut hasher = Hasher::new(self);
        hasher.update(data);
        hasher.finish()
    }
}

/// Base64 checksums by algorithm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksums {
    /// `COMPOSITE` (a checksum of part checksums) or `FULL_OBJECT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    /// The values.
    pub(crate) values: Vec<(Algorithm, String)>,
}

impl Checksums {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of one algorithm.
    pub(crate) fn value(&self, algorithm: Algorithm) -> Option<String> {
        self.values.iter().find(|(name, _)| *name == algorithm).map(|(_, value)| value.clone())
    }

    /// Adds a value that a request declared.
    pub(crate) fn declare(&mut self, algorithm: Algorithm, value: Option<String>) {
        if let Some(value) = value {
            self.values.push((algorithm, value));
        }
    }
}

enum Hasher {
    Crc32(Crc32),
    Crc32c(Crc32c),
    Crc64Nvme(Crc64Nvme),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hasher {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc32 => Self::Crc32(Crc32::new()),
            Algorithm::Crc32c => Self::Crc32c(Crc32c::new()),
            Algorithm::Crc64Nvme => Self::Crc64Nvme(Crc64Nvme::new()),
            Algorithm::Sha1 => Self::Sha1(Sha1::new()),
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    fn update(&mut self, data: &[u8]) {
        match self {
            Self::Crc32(hasher) => hasher.update(data),
            Self::Crc32c(hasher) => hasher.update(data),
            Self::Crc64Nvme(hasher) => hasher.update(data),
            Self::Sha1(hasher) => hasher.update(data),
            Self::Sha256(hasher) => hasher.update(data),
        }
    }

    fn finish(self) -> String {
        match self {
            Self::Crc32(hasher) => base64(&hasher.finalize()),
            Self::Crc32c(hasher) => base64(&hasher.finalize()),
            Self::Crc64Nvme(hasher) => base64(&hasher.finalize()),
            Self::Sha1(hasher) => base64(&hasher.finalize()),
            Self::Sha256(hasher) => base64(&hasher.finalize()),
        }
    }
}

/// Digests a body as it passes.
pub(crate) struct Digests {
    md5: Option<Md5>,
    hashers: Vec<(Algorithm, Hasher)>,
    size: u64,
}

/// What [`Digests`] found.
pub(crate) struct Digested {
    /// MD5 of the body.
    pub(crate) md5: [u8; 16],
    /// The checksums asked for, as whole-object values.
    pub(crate) checksums: Checksums,
    /// Bytes seen.
    pub(crate) size: u64,
}

impl Digests {
    /// Digests for MD5 and these algorithms.
    pub(crate) fn new(algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        let mut hashers: Vec<(Algorithm, Hasher)> = Vec::new();
        for algorithm in algorithms {
            if hashers.iter().all(|(known, _)| *known != algorithm) {
                hashers.push((algorithm, Hasher::new(algorithm)));
            }
        }
        Self { md5: Some(Md5::new()), hashers, size: 0 }
    }

    /// The same without the MD5, which then comes out as zeros.
    pub(crate) fn without_md5(algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        Self { md5: None, ..Self::new(algorithms) }
    }

    /// Takes the next bytes.
    pub(crate) fn update(&mut self, data: &[u8]) {
        if let Some(md5) = &mut self.md5 {
            md5.update(data);
        }
        for (_, hasher) in &mut self.hashers {
            hasher.update(data);
        }
        self.size += data.len() as u64;
    }

    /// The digests of everything seen.
    pub(crate) fn finish(self) -> Digested {
        let values: Vec<_> = self.hashers.into_iter().map(|(algorithm, hasher)| (algorithm, hasher.finish())).collect();
        let kind = (!values.is_empty()).then(|| "FULL_OBJECT".to_owned());
        Digested {
            md5: self.md5.map(Md5::finalize).unwrap_or_default(),
            checksums: Checksums { kind, values },
            size: self.size,
        }
    }
}

/// Checks that declared checksums are well formed, so that a bad one is refused before a byte is stored.
pub(crate) fn check_form(declared: &Checksums, content_md5: Option<&str>) -> S3Result<()> {
    for (algorithm, value) in &declared.values {
        if decoded_length(value) != Some(algorithm.length()) {
            let text = format!("Value for {} header is invalid.", algorithm.header());
            return Err(S3Error::with_message(S3ErrorCode::InvalidRequest, text));
        }
    }
    if content_md5.is_some_and(|value| decoded_length(value) != Some(16)) {
        return Err(S3Error::with_message(S3ErrorCode::InvalidDigest, "The Content-MD5 you specified is not valid."));
    }
    Ok(())
}

fn decoded_length(text: &str) -> Option<usize> {
    base64_simd::STANDARD.decode_to_vec(text).ok().map(|bytes| bytes.len())
}

/// Compares what was declared with what arrived.
pub(crate) fn verify(declared: &Checksums, content_md5: Option<&str>, found: &Digested) -> S3Result<()> {
    if content_md5.is_some_and(|declared| declared != base64(&found.md5)) {
        let text = "The Content-MD5 you specified did not match what we received.";
        return Err(S3Error::with_message(S3ErrorCode::BadDigest, text));
    }
    for (algorithm, value) in &declared.values {
        if found.checksums.value(*algorithm).as_ref() != Some(value) {
            let text = format!("The {} you specified did not match the calculated checksum.", algorithm.name());
            return Err(S3Error::with_message(S3ErrorCode::BadDigest, text));
        }
    }
    Ok(())
}

/// Standard base64.
pub(crate) fn base64(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

/// The bytes of a base64 text, empty when it is not one.
pub(crate) fn unbase64(text: &str) -> Vec<u8> {
    base64_simd::STANDARD.decode_to_vec(text).unwrap_or_default()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    hex_simd::encode_to_string(bytes, hex_simd::AsciiCase::Lower)
}

/// MD5 of some bytes.
pub(crate) fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::checksum(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_agree_with_published_check_values() {
        // The check input of the CRC catalogue; SHA values from FIPS 180's "abc".
        assert_eq!(unbase64(&Algorithm::Crc32.of(b"123456789")), 0xCBF4_3926_u32.to_be_bytes());
        assert_eq!(unbase64(&Algorithm::Crc32c.of(b"123456789")), 0xE306_9283_u32.to_be_bytes());
        assert_eq!(unbase64(&Algorithm::Crc64Nvme.of(b"123456789")), 0xAE8B_1486_0A79_9888_u64.to_be_bytes());
        assert_eq!(hex(&unbase64(&Algorithm::Sha1.of(b"abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(hex(&md5(b"")), "d41d8cd98f00b204e9800998ecf8427e");
    }

    #[test]
    fn a_wrong_checksum_is_a_bad_digest_and_a_malformed_one_is_refused_up_front() {
        let mut digests = Digests::new([Algorithm::Crc32]);
        digests.update(b"hello");
        let found = digests.finish();
        let mut declared = Checksums::default();
        declared.declare(Algorithm::Crc32, Some(Algorithm::Crc32.of(b"hello")));
        verify(&declared, Some(&base64(&md5(b"hello"))), &found).unwrap();
        declared.values[0].1 = Algorithm::Crc32.of(b"other");
        assert_eq!(verify(&declared, None, &found).unwrap_err().code(), &S3ErrorCode::BadDigest);
        declared.values[0].1 = "nonsense".to_owned();
        assert_eq!(check_form(&declared, None).unwrap_err().code(), &S3ErrorCode::InvalidRequest);
        assert_eq!(check_form(&Checksums::default(), Some("xyz")).unwrap_err().code(), &S3ErrorCode::InvalidDigest);
    }
}
