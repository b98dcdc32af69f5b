//! Reads arrays out of `.npz` archives, believing nothing that they claim.
//!
//! An archive may come from anywhere. Nothing is allocated for a size that the bytes at hand cannot back: a stored
//! member is as long as its data, a deflated one at most 1032 times as long (the limit of the method). Everything
//! else that is wrong surfaces while reading, as an error.
//!
//! Format sources: PKWARE's APPNOTE 6.3 by way of the crate `zip`; `numpy/lib/_npyio_impl.py` for how names work.

use std::io::{Cursor, Read};

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::npy::{self, NpyError, NpyHeader};

/// Bytes per step, so that data are still in the cache when their checksum is taken.
const STEP_BYTES: usize = 128 << 10;

/// Deflate's best: 258 bytes from two bits.
const DEFLATE_LIMIT: u64 = 1032;

/// What NumPy appends to an array's name.
const SUFFIX: &str = ".npy";

/// An archive or an array in it that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NpzError {
    /// The data are no ZIP archive, or one whose directory is damaged.
    #[error("not an .npz file")]
    Archive(#[source] ZipError),
    /// The archive has no member that ends in `.npy`.
    #[error("the .npz file has no arrays")]
    NoArrays,
    /// The archive has no array of that name.
    #[error("the .npz file has no array {name:?}; it has {}", list(.names))]
    Missing {
        /// The name that was asked for.
        name: String,
        /// The names there are.
        names: Vec<String>,
    },
    /// A member is compressed by a method other than stored and deflated.
    #[error("member {member:?} is compressed with {method}; only stored and deflated members can be read")]
    Compression {
        /// The member's name in the archive.
        member: String,
        /// The method, by name where it has one.
        method: String,
    },
    /// A member needs a password.
    #[error("member {member:?} is encrypted")]
    Encrypted {
        /// The member's name in the archive.
        member: String,
    },
    /// A member's sizes, data or checksum contradict each other.
    #[error("member {member:?} is damaged: {reason}")]
    Damaged {
        /// The member's name in the archive.
        member: String,
        /// What is wrong with it.
        reason: &'static str,
        /// What the archive reader said.
        #[source]
        source: Option<ZipError>,
    },
    /// A member is not an array.
    #[error("member {member:?} is not an array")]
    Header {
        /// The member's name in the archive.
        member: String,
        /// What is wrong with its header.
        #[source]
        source: NpyError,
    },
    /// A member holds more or fewer bytes than its shape and type need.
    #[error(
        "member {member:?} holds {actual} bytes, but its shape and type need {}",
        expected.map_or("more than there can be".to_owned(), |bytes| bytes.to_string())
    )]
    Length {
        /// The member's name in the archive.
        member: String,
        /// What the header says; `None` when it is more than 64 bits count.
        expected: Option<u64>,
        /// What is there.
        actual: u64,
    },
    /// The caller's buffer is not as long as the array.
    #[error("a buffer of {buffer} bytes cannot take an array of {array}")]
    Buffer {
        /// The buffer's length.
        buffer: usize,
        /// The array's length.
        array: usize,
    },
}

fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let mut text: Vec<_> = names.iter().take(SHOWN).map(|name| format!("{name:?}")).collect();
    if names.len() > SHOWN {
        text.push(format!("and {} more", names.len() - SHOWN));
    }
    text.join(", ")
}

/// An `.npz` archive in memory.
///
/// ```no_run
/// use longshore_formats::NpzArchive;
///
/// let data = std::fs::read("arrays.npz")?;
/// let archive = NpzArchive::open(&data)?;
/// let member = archive.find(None)?;
/// let mut array = vec![0; member.data_len()];
/// member.read_into(&mut array)?;
/// println!("{} {:?}", member.header().descr, member.header().shape);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct NpzArchive<'a> {
    zip: Zip<'a>,
    /// Every member's name in the archive, in the directory's order.
    members: Vec<String>,
    data_len: u64,
}

type Zip<'a> = ZipArchive<Cursor<&'a [u8]>>;

impl<'a> NpzArchive<'a> {
    /// Reads the directory of the archive that is `data`. A comment at the end and other data in front are allowed.
    ///
    /// # Errors
    ///
    /// [`NpzError::Archive`] when `data` has no readable ZIP directory.
    pub fn open(data: &'a [u8]) -> Result<Self, NpzError> {
        let zip = ZipArchive::new(Cursor::new(data)).map_err(NpzError::Archive)?;
        let members = (0..zip.len())
            .map(|index| member_name(&zip, index))
            .collect::<Result<_, _>>()
            .map_err(NpzError::Archive)?;
        Ok(Self { zip, members, data_len: data.len() as u64 })
    }

    /// The names of the arrays in the directory's order, without `.npy`. Members that do not end in `.npy` are no
    /// arrays.
    pub fn names(&self) -> Vec<&str> {
        self.members.iter().filter_map(|member| member.strip_suffix(SUFFIX)).collect()
    }

    /// Finds an array by its name, with or without `.npy`; or the first array in the directory's order.
    ///
    /// Where both could be meant, a member of exactly that name goes first, as in NumPy. The array's header is read
    /// and checked, its data are not.
    ///
    /// # Errors
    ///
    /// [`NpzError::Missing`] lists the names there are. Also every error that a member's headers can cause.
    pub fn find(&self, name: Option<&str>) -> Result<NpzMember<'a>, NpzError> {
        let position = |wanted: &dyn Fn(&str) -> bool| self.members.iter().position(|m| wanted(m));
        let index = match name {
            None => position(&|member| member.ends_with(SUFFIX)).ok_or(NpzError::NoArrays)?,
            Some(name) => position(&|member| member == name)
                .or_else(|| position(&|member| member.strip_suffix(SUFFIX) == Some(name)))
                .ok_or_else(|| self.missing(name))?,
        };
        NpzMember::open(self.zip.clone(), index, self.members[index].clone(), self.data_len)
    }

    fn missing(&self, name: &str) -> NpzError {
        match self.names() {
            names if names.is_empty() => NpzError::NoArrays,
            names => NpzError::Missing { name: name.to_owned(), names: names.into_iter().map(str::to_owned).collect() },
        }
    }
}

fn member_name(zip: &Zip<'_>, index: usize) -> Result<String, ZipError> {
    let entry = zip.by_index_data(index)?;
    // A name that cannot be decoded is still a member, which other members' errors may list.
    Ok(match entry.name() {
        Ok(name) => name.into_owned(),
        Err(_) => String::from_utf8_lossy(entry.name_raw()).into_owned(),
    })
}

/// One array of an archive: its header is read, its data not yet.
#[derive(Clone, Debug)]
pub struct NpzMember<'a> {
    zip: Zip<'a>,
    index: usize,
    member: String,
    header: NpyHeader,
    data_len: usize,
}

impl<'a> NpzMember<'a> {
    fn open(mut zip: Zip<'a>, index: usize, member: String, available: u64) -> Result<Self, NpzError> {
        let size = check_claims(&zip, index, &member, available)?;
        let header = read_header(&mut zip, index, &member)?;
        let Some(data_len) = size.checked_sub(header.data_offset) else {
            return Err(damaged(&member, "its size is less than its header's", None));
        };
        if let Some(itemsize) = header.itemsize() {
            let expected = header.elements().checked_mul(itemsize as u64);
            if expected != Some(data_len as u64) {
                return Err(NpzError::Length { member, expected, actual: data_len as u64 });
            }
        }
        Ok(Self { zip, index, member, header, data_len })
    }

    /// The array's name, without `.npy`.
    pub fn name(&self) -> &str {
        self.member.strip_suffix(SUFFIX).unwrap_or(&self.member)
    }

    /// What the array's header says. For plain types its shape is already known to fit [`data_len`](Self::data_len);
    /// for a type whose [`itemsize`](NpyHeader::itemsize) is unknown here, the caller has to compare.
    pub fn header(&self) -> &NpyHeader {
        &self.header
    }

    /// The length of the array's data in bytes, without the header.
    pub fn data_len(&self) -> usize {
        self.data_len
    }

    /// Copies or inflates the array's data straight into `buffer`, and verifies the length and the CRC-32 of the whole
    /// member.
    ///
    /// # Errors
    ///
    /// [`NpzError::Buffer`] when `buffer` is not [`data_len`](Self::data_len) bytes long; [`NpzError::Damaged`] when
    /// the member is shorter or longer than it claims, does not inflate, or has another checksum. `buffer` then holds
    /// unspecified bytes.
    pub fn read_into(&self, buffer: &mut [u8]) -> Result<(), NpzError> {
        if buffer.len() != self.data_len {
            return Err(NpzError::Buffer { buffer: buffer.len(), array: self.data_len });
        }
        let mut zip = self.zip.clone();
        let mut file =
            zip.by_index(self.index).map_err(|error| damaged(&self.member, "it cannot be opened", Some(error)))?;
        let failed = |error| damaged(&self.member, "it cannot be read", Some(ZipError::Io(error)));
        let mut header = vec![0; self.header.data_offset];
        file.read_exact(&mut header).map_err(failed)?;
        for step in buffer.chunks_mut(STEP_BYTES) {
            file.read_exact(step).map_err(failed)?;
        }
        // At the end the archive reader compares the checksum.
        match file.read(&mut [0]).map_err(failed)? {
            0 => Ok(()),
            _ => Err(damaged(&self.member, "it is longer than it claims", None)),
        }
    }

    /// The array's data in memory of its own; see [`read_into`](Self::read_into) for how it fails.
    pub fn read(&self) -> Result<Vec<u8>, NpzError> {
        let mut data = vec![0; self.data_len];
        self.read_into(&mut data)?;
        Ok(data)
    }
}

/// Checks what the directory says of a member against `available` bytes of archive, and returns its size.
fn check_claims(zip: &Zip<'_>, index: usize, member: &str, available: u64) -> Result<usize, NpzError> {
    let entry = zip.by_index_data(index).map_err(NpzError::Archive)?;
    if entry.encrypted() {
        return Err(NpzError::Encrypted { member: member.to_owned() });
    }
    let (stored, size) = (entry.compressed_size(), entry.size());
    let possible = match entry.compression() {
        CompressionMethod::Stored => size == stored,
        CompressionMethod::Deflated => size <= stored.saturating_mul(DEFLATE_LIMIT),
        other => {
            return Err(NpzError::Compression { member: member.to_owned(), method: method_name(other) });
        }
    };
    if stored > available || !possible {
        return Err(damaged(member, "it claims more data than there is", None));
    }
    usize::try_from(size).map_err(|_| damaged(member, "it is larger than memory", None))
}

/// The method's name, or its number where the archive reader has no name for it.
fn method_name(method: CompressionMethod) -> String {
    // Other variants are named by `Display`, which leaves the number of an unknown one out; `Debug` has it.
    match method.to_string() {
        name if name == "Unknown" => format!("{method:?}"),
        name => name,
    }
}

fn read_header(zip: &mut Zip<'_>, index: usize, member: &str) -> Result<NpyHeader, NpzError> {
    let not_an_array = |source| NpzError::Header { member: member.to_owned(), source };
    let failed = |error| damaged(member, "it cannot be read", Some(ZipError::Io(error)));
    let mut file = zip.by_index(index).map_err(|error| damaged(member, "it cannot be opened", Some(error)))?;
    let mut header = Vec::with_capacity(2 * npy::PROBE_BYTES);
    let mut more = |header: &mut Vec<u8>, length: usize| {
        let missing = length.saturating_sub(header.len());
        // Grows with what arrives, not with what is claimed.
        file.by_ref().take(missing as u64).read_to_end(header).map_err(failed)
    };
    more(&mut header, npy::PROBE_BYTES)?;
    let length = npy::header_bytes(&header).map_err(not_an_array)?;
    more(&mut header, length)?;
    NpyHeader::parse(&header).map_err(not_an_array)
}

fn damaged(member: &str, reason: &'static str, source: Option<ZipError>) -> NpzError {
    NpzError::Damaged { member: member.to_owned(), reason, source }
}
