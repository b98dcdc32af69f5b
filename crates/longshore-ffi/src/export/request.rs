//! Arguments as `object_store` has them. What makes no sense is refused at once, with minus an error's code.

use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use longshore_abi::arguments::slice;
use longshore_abi::raw::{
    self, ERROR_INVALID_ARGUMENT, ERROR_NOT_SUPPORTED, GetArgs, METADATA_PREFIX, Pair, PutArgs, Range, RangesArgs,
    SignArgs,
};
use longshore_abi::{Buffer, OwnedBuffer, Str};
use object_store_014::path::Path;
use object_store_014::{Attribute, Attributes, GetOptions, GetRange, PutMode, PutPayload, TagSet, UpdateVersion};

use super::SignRequest;

/// Text as it was lent.
///
/// # Safety
///
/// `text` must come from arguments that are lent for `'a`.
pub(super) unsafe fn text<'a>(text: Str) -> Result<&'a str, i32> {
    if text.ptr.is_null() && text.len != 0 {
        return Err(-ERROR_INVALID_ARGUMENT);
    }
    // SAFETY: handed on.
    unsafe { text.as_str() }.ok_or(-ERROR_INVALID_ARGUMENT)
}

/// A path. One that a store cannot have is no refusal, but the operation's error.
pub(super) type Wanted = Result<Path, object_store_014::path::Error>;

/// # Safety
///
/// As for [`text`].
pub(super) unsafe fn path(given: Str) -> Result<Wanted, i32> {
    // SAFETY: handed on.
    Ok(Path::parse(unsafe { text(given) }?))
}

/// As [`text`], where a null pointer says that there is none.
///
/// # Safety
///
/// As for [`text`].
pub(super) unsafe fn optional(given: Str) -> Result<Option<String>, i32> {
    // SAFETY: handed on.
    let text = unsafe { text(given) }?;
    Ok((!given.ptr.is_null()).then(|| text.to_owned()))
}

/// # Safety
///
/// As for [`text`].
pub(super) unsafe fn paths(start: *const Str, count: usize) -> Result<Vec<Wanted>, i32> {
    // SAFETY: handed on.
    unsafe { slice(start, count)?.iter().map(|each| path(*each)).collect() }
}

/// # Safety
///
/// As for [`text`].
pub(super) unsafe fn pairs(start: *const Pair, count: usize) -> Result<Vec<(String, String)>, i32> {
    // SAFETY: handed on.
    let read = |pair: &Pair| unsafe { Ok((text(pair.key)?.to_owned(), text(pair.value)?.to_owned())) };
    // SAFETY: handed on.
    unsafe { slice(start, count)? }.iter().map(read).collect()
}

/// # Safety
///
/// As for [`text`].
pub(super) unsafe fn attributes(start: *const Pair, count: usize) -> Result<Attributes, i32> {
    let mut attributes = Attributes::with_capacity(count.min(64));
    // SAFETY: handed on.
    for (key, value) in unsafe { pairs(start, count) }? {
        let key = match key.as_str() {
            "cache-control" => Attribute::CacheControl,
            "content-disposition" => Attribute::ContentDisposition,
            "content-encoding" => Attribute::ContentEncoding,
            "content-language" => Attribute::ContentLanguage,
            "content-type" => Attribute::ContentType,
            "storage-class" => Attribute::StorageClass,
            other => match other.strip_prefix(METADATA_PREFIX) {
                Some(name) => Attribute::Metadata(name.to_owned().into()),
                None => return Err(-ERROR_NOT_SUPPORTED),
            },
        };
        attributes.insert(key, value.into());
    }
    Ok(attributes)
}

/// What an attribute is called; `None` for a kind that a later `object_store` adds.
pub(super) fn attribute_name(attribute: &Attribute) -> Option<String> {
    Some(match attribute {
        Attribute::CacheControl => "cache-control".into(),
        Attribute::ContentDisposition => "content-disposition".into(),
        Attribute::ContentEncoding => "content-encoding".into(),
        Attribute::ContentLanguage => "content-language".into(),
        Attribute::ContentType => "content-type".into(),
        Attribute::StorageClass => "storage-class".into(),
        Attribute::Metadata(name) => format!("{METADATA_PREFIX}{name}"),
        _ => return None,
    })
}

/// # Safety
///
/// As for [`text`].
pub(super) unsafe fn tags(start: *const Pair, count: usize) -> Result<TagSet, i32> {
    let mut tags = TagSet::default();
    // SAFETY: handed on.
    for (key, value) in unsafe { pairs(start, count) }? {
        tags.push(&key, &value);
    }
    Ok(tags)
}

/// # Safety
///
/// `args` must be lent for the call.
pub(super) unsafe fn get_options(args: &GetArgs) -> Result<GetOptions, i32> {
    let time = |nanoseconds: i64| (nanoseconds != 0).then(|| DateTime::from_timestamp_nanos(nanoseconds));
    // SAFETY: handed on.
    let (if_match, if_none_match, version) =
        unsafe { (optional(args.if_match)?, optional(args.if_none_match)?, optional(args.version)?) };
    Ok(GetOptions {
        if_match,
        if_none_match,
        if_modified_since: time(args.if_modified_since_ns),
        if_unmodified_since: time(args.if_unmodified_since_ns),
        range: range(args.range)?,
        version,
        head: args.flags & raw::GET_HEAD != 0,
        ..Default::default()
    })
}

fn range(range: Range) -> Result<Option<GetRange>, i32> {
    match range {
        Range { kind: raw::RANGE_ALL, start: 0, end: 0 } => Ok(None),
        Range { kind: raw::RANGE_BOUNDED, start, end } if start <= end => Ok(Some(GetRange::Bounded(start..end))),
        Range { kind: raw::RANGE_OFFSET, start, end: 0 } => Ok(Some(GetRange::Offset(start))),
        Range { kind: raw::RANGE_SUFFIX, start: 0, end } => Ok(Some(GetRange::Suffix(end))),
        Range { kind: raw::RANGE_ALL..=raw::RANGE_SUFFIX, .. } => Err(-ERROR_INVALID_ARGUMENT),
        _ => Err(-ERROR_NOT_SUPPORTED),
    }
}

/// # Safety
///
/// `args` must be lent for the call.
pub(super) unsafe fn ranges(args: &RangesArgs) -> Result<Vec<std::ops::Range<u64>>, i32> {
    // SAFETY: handed on.
    let given = unsafe { slice(args.ranges, args.range_count) }?;
    given
        .iter()
        .map(|each| match range(*each)? {
            Some(GetRange::Bounded(range)) => Ok(range),
            _ => Err(-ERROR_INVALID_ARGUMENT),
        })
        .collect()
}

/// # Safety
///
/// `args` must be lent for the call.
pub(super) unsafe fn put_mode(args: &PutArgs) -> Result<PutMode, i32> {
    // SAFETY: handed on.
    let (e_tag, version) = unsafe { (optional(args.if_e_tag)?, optional(args.if_version)?) };
    match (args.mode, e_tag.is_some() || version.is_some()) {
        (raw::PUT_OVERWRITE, false) => Ok(PutMode::Overwrite),
        (raw::PUT_CREATE, false) => Ok(PutMode::Create),
        (raw::PUT_UPDATE, true) => Ok(PutMode::Update(UpdateVersion { e_tag, version })),
        (raw::PUT_OVERWRITE..=raw::PUT_UPDATE, _) => Err(-ERROR_INVALID_ARGUMENT),
        _ => Err(-ERROR_NOT_SUPPORTED),
    }
}

/// Buffers that are still the caller's: checked, not yet taken.
pub(super) struct Offered<'a>(&'a [Buffer]);

impl Offered<'_> {
    /// # Safety
    ///
    /// The buffers must be lent for the call, and the caller's to give.
    pub(super) unsafe fn check(start: *const Buffer, count: usize) -> Result<Self, i32> {
        // SAFETY: handed on.
        let buffers = unsafe { slice(start, count) }?;
        let is_good = |buffer: &Buffer| buffer.len <= isize::MAX as usize && (buffer.len == 0 || !buffer.ptr.is_null());
        if buffers.iter().all(is_good) { Ok(Self(buffers)) } else { Err(-ERROR_INVALID_ARGUMENT) }
    }

    /// Takes them over: from here on the call must answer zero or more.
    pub(super) fn take(self) -> PutPayload {
        let take = |buffer: &Buffer| {
            let buffer = Buffer { ptr: buffer.ptr, len: buffer.len, owner: buffer.owner, release: buffer.release };
            // SAFETY: the caller gives the buffers with the call, and they are taken once, since `self` is.
            Bytes::from_owner(unsafe { OwnedBuffer::from_raw(buffer) })
        };
        self.0.iter().map(take).collect()
    }
}

/// # Safety
///
/// `args` must be lent for the call.
pub(super) unsafe fn signing(args: &SignArgs) -> Result<(Vec<Wanted>, SignRequest), i32> {
    // SAFETY: handed on.
    let (method, paths, query, headers) = unsafe {
        (
            text(args.method)?.to_owned(),
            paths(args.paths, args.path_count)?,
            pairs(args.query, args.query_count)?,
            pairs(args.headers, args.header_count)?,
        )
    };
    if method.is_empty() {
        return Err(-ERROR_INVALID_ARGUMENT);
    }
    Ok((paths, SignRequest { method, expires: Duration::from_nanos(args.expires_ns), query, headers }))
}

/// A listing that was asked for.
pub(super) struct Listed {
    pub(super) prefix: Option<String>,
    pub(super) start_after: Option<String>,
    pub(super) has_delimiter: bool,
}

/// # Safety
///
/// `args` must be lent for the call.
pub(super) unsafe fn listed(args: &raw::ListArgs) -> Result<Listed, i32> {
    // SAFETY: handed on.
    let (prefix, start_after) = unsafe { (optional(args.prefix)?, optional(args.start_after)?) };
    let has_delimiter = args.flags & raw::LIST_DELIMITER != 0;
    // `object_store` cannot say both, and neither is left out in silence.
    if has_delimiter && start_after.is_some() {
        return Err(-ERROR_NOT_SUPPORTED);
    }
    Ok(Listed { prefix, start_after, has_delimiter })
}
