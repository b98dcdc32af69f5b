//! Where each field lies, on 64-bit machines: asserted by the compiler, and listed for the comparison with what a C compiler says.

use crate::raw::{
    CopyArgs, DeleteArgs, DeleteBody, EndArgs, Error, GetArgs, GetBody, ListArgs, ListBody, Meta, NextArgs, Pair,
    PartArgs, PutArgs, PutBody, Range, RangesArgs, Result, SignArgs, SignBody, Store, StreamBody, UploadArgs,
    UploadBody, Vtable,
};
use crate::{Buffer, Header, Str};

/// A struct, as it lies in memory.
#[derive(Clone, Copy, Debug)]
pub struct Struct {
    /// Its name in C.
    pub name: &'static str,
    /// Its bytes.
    pub size: usize,
    /// Its alignment.
    pub align: usize,
    /// Its fields, in order.
    pub fields: &'static [Field],
}

/// A field of a [`Struct`].
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Where it begins.
    pub offset: usize,
    /// Its bytes.
    pub size: usize,
}

const fn size_of_field<Struct, Field>(_: fn(&Struct) -> &Field) -> usize {
    size_of::<Field>()
}

macro_rules! layout {
    ($($name:literal $type:ident $size:literal { $($field:ident $offset:literal),* })*) => {
        $(const _: () = {
            assert!(size_of::<$type>() == $size, concat!("the size of ", $name));
            assert!(align_of::<$type>() <= 8, concat!("the alignment of ", $name));
            // No padding: what is filled in field by field leaves nothing unsaid.
            assert!(0 $(+ size_of_field(|value: &$type| &value.$field))* == $size, concat!("padding in ", $name));
            $(assert!(core::mem::offset_of!($type, $field) == $offset, concat!("the offset of ", $name, ".", stringify!($field)));)*
        };)*

        /// Every struct of the interface, as this compiler lays it out.
        pub const STRUCTS: &[Struct] = &[$(Struct {
            name: $name,
            size: size_of::<$type>(),
            align: align_of::<$type>(),
            fields: &[$(Field {
                name: stringify!($field),
                offset: core::mem::offset_of!($type, $field),
                size: size_of_field(|value: &$type| &value.$field),
            }),*],
        }),*];
    };
}

layout! {
    "osc_str" Str 16 { ptr 0, len 8 }
    "osc_buffer" Buffer 32 { ptr 0, len 8, owner 16, release 24 }
    "osc_header" Header 48 { magic 0, abi_major 8, abi_minor 10, struct_size 12, features 16, exporter 24, info 32 }
    "osc_pair" Pair 32 { key 0, value 16 }
    "osc_range" Range 24 { kind 0, start 8, end 16 }
    "osc_get_args" GetArgs 120 {
        struct_size 0, flags 4, path 8, range 24, if_match 48, if_none_match 64, if_modified_since_ns 80,
        if_unmodified_since_ns 88, version 96, prefetch_bytes 112
    }
    "osc_ranges_args" RangesArgs 40 { struct_size 0, flags 4, path 8, ranges 24, range_count 32 }
    "osc_put_args" PutArgs 112 {
        struct_size 0, flags 4, path 8, buffers 24, buffer_count 32, mode 40, if_e_tag 48, if_version 64, attributes 80,
        attribute_count 88, tags 96, tag_count 104
    }
    "osc_upload_args" UploadArgs 56 {
        struct_size 0, flags 4, path 8, attributes 24, attribute_count 32, tags 40, tag_count 48
    }
    "osc_part_args" PartArgs 24 { struct_size 0, flags 4, buffers 8, buffer_count 16 }
    "osc_end_args" EndArgs 8 { struct_size 0, flags 4 }
    "osc_list_args" ListArgs 40 { struct_size 0, flags 4, prefix 8, start_after 24 }
    "osc_next_args" NextArgs 24 { struct_size 0, flags 4, target_bytes 8, max_items 16 }
    "osc_delete_args" DeleteArgs 24 { struct_size 0, flags 4, paths 8, path_count 16 }
    "osc_copy_args" CopyArgs 40 { struct_size 0, flags 4, from 8, to 24 }
    "osc_sign_args" SignArgs 80 {
        struct_size 0, flags 4, method 8, paths 24, path_count 32, expires_ns 40, query 48, query_count 56, headers 64,
        header_count 72
    }
    "osc_result" Result 48 { struct_size 0, kind 4, status 8, flags 12, body 16, error 24, owner 32, release 40 }
    "osc_error" Error 72 {
        struct_size 0, code 4, flags 8, http_status 12, store 16, path 32, message 48, source 64
    }
    "osc_meta" Meta 72 {
        struct_size 0, flags 4, location 8, e_tag 24, version 40, size 56, last_modified_ns 64
    }
    "osc_get_body" GetBody 72 {
        struct_size 0, flags 4, meta 8, start 16, end 24, attributes 32, attribute_count 40, buffers 48, buffer_count 56,
        stream 64
    }
    "osc_stream_body" StreamBody 24 { struct_size 0, flags 4, buffers 8, buffer_count 16 }
    "osc_put_body" PutBody 40 { struct_size 0, flags 4, e_tag 8, version 24 }
    "osc_upload_body" UploadBody 16 { struct_size 0, flags 4, upload 8 }
    "osc_list_body" ListBody 40 {
        struct_size 0, flags 4, objects 8, object_count 16, prefixes 24, prefix_count 32
    }
    "osc_delete_body" DeleteBody 24 { struct_size 0, flags 4, errors 8, error_count 16 }
    "osc_sign_body" SignBody 24 { struct_size 0, flags 4, urls 8, url_count 16 }
    "osc_store" Store 16 { vtable 0, data 8 }
    "osc_vtable" Vtable 200 {
        header 0, retain 48, release 56, describe 64, operation_cancel 72, operation_release 80, get 88, get_ranges 96,
        put 104, upload_start 112, upload_part 120, upload_complete 128, upload_abort 136, upload_release 144, list 152,
        stream_next 160, stream_release 168, delete 176, copy 184, sign 192
    }
}
