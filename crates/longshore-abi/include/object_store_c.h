/*
 * One live object store for every module of a process: the C interface, version 1.0.
 *
 * SPEC.md says what it means; this file says how it lies in memory, and is complete without any library. C11 or C++17.
 *
 * In short. A capsule named OSC_CAPSULE_NAME leads to an osc_store. Check its header as data, with osc_store_check. Take a
 * reference with retain, give it back with release; both from any thread. Whoever calls fills a struct of arguments with OSC_ARGS,
 * and gets PENDING, DONE or minus an error. After PENDING, the callback is called exactly once, on a thread of the exporter: it must
 * not block or throw. A result is given back with osc_result_discard, or piece by piece.
 */
#ifndef OBJECT_STORE_C_H
#define OBJECT_STORE_C_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(OSC_WITH_WAIT) && !defined(_WIN32)
#include <pthread.h>
#endif

#ifdef __cplusplus
extern "C" {
#define OSC_STATIC_ASSERT static_assert
#define OSC_NOEXCEPT noexcept
#else
#define OSC_STATIC_ASSERT _Static_assert
#define OSC_NOEXCEPT
#endif

/* ---- numbers ------------------------------------------------------------------------------------------------------------ */

#define OSC_MAGIC UINT64_C(0x014942412d43534f) /* "OSC-ABI\x01", the first letter lowest */
#define OSC_MAJOR 1
#define OSC_MINOR 0
#define OSC_CAPSULE_NAME "object_store_v1"
#define OSC_METHOD_NAME "__object_store_capsule__"

#define OSC_FEATURE_PANIC_SAFE UINT64_C(1)
#define OSC_FEATURE_INLINE UINT64_C(2)
#define OSC_FEATURE_FORK_SAFE UINT64_C(4)

#define OSC_PENDING 0
#define OSC_DONE 1

#define OSC_ERROR_GENERIC 1 /* and whatever has no name here */
#define OSC_ERROR_NOT_FOUND 2
#define OSC_ERROR_ALREADY_EXISTS 3
#define OSC_ERROR_PRECONDITION 4
#define OSC_ERROR_NOT_MODIFIED 5
#define OSC_ERROR_PERMISSION_DENIED 6
#define OSC_ERROR_UNAUTHENTICATED 7
#define OSC_ERROR_INVALID_PATH 8
#define OSC_ERROR_NOT_SUPPORTED 9
#define OSC_ERROR_NOT_IMPLEMENTED 10
#define OSC_ERROR_INVALID_ARGUMENT 11
#define OSC_ERROR_TIMEOUT 12
#define OSC_ERROR_THROTTLED 13
#define OSC_ERROR_CANCELLED 14
#define OSC_ERROR_PANICKED 15
#define OSC_ERROR_SHUTDOWN 16
#define OSC_ERROR_FORKED 17
#define OSC_ERROR_BUSY 18

#define OSC_RETRYABLE UINT32_C(1) /* flag of an error */

#define OSC_KIND_NONE UINT32_C(0)
#define OSC_KIND_GET UINT32_C(1)
#define OSC_KIND_BUFFERS UINT32_C(2)
#define OSC_KIND_PUT UINT32_C(3)
#define OSC_KIND_UPLOAD UINT32_C(4)
#define OSC_KIND_LIST UINT32_C(5)
#define OSC_KIND_DELETE UINT32_C(6)
#define OSC_KIND_SIGN UINT32_C(7)

#define OSC_END UINT32_C(1) /* flag of a result */

#define OSC_ALLOW_INLINE UINT32_C(1) /* flag of any arguments */
#define OSC_GET_HEAD UINT32_C(0x100)
#define OSC_LIST_DELIMITER UINT32_C(0x100)
#define OSC_COPY_IF_ABSENT UINT32_C(0x100)
#define OSC_COPY_RENAME UINT32_C(0x200)

#define OSC_RANGE_ALL UINT64_C(0)
#define OSC_RANGE_BOUNDED UINT64_C(1) /* start .. end */
#define OSC_RANGE_OFFSET UINT64_C(2)  /* start .. */
#define OSC_RANGE_SUFFIX UINT64_C(3)  /* the last `end` bytes */

#define OSC_PUT_OVERWRITE UINT64_C(0)
#define OSC_PUT_CREATE UINT64_C(1)
#define OSC_PUT_UPDATE UINT64_C(2)

#define OSC_DESCRIBE_NAME UINT32_C(1)
#define OSC_DESCRIBE_URL UINT32_C(2)
#define OSC_DESCRIBE_CONFIG_JSON UINT32_C(3)
#define OSC_DESCRIBE_STATS_JSON UINT32_C(4)

#define OSC_METADATA_PREFIX "metadata:"

/* ---- text and bytes ------------------------------------------------------------------------------------------------------ */

/* UTF-8, lent, not ended by a zero. ptr may be NULL where len is 0; where text is optional, NULL says that there is none. */
typedef struct osc_str {
  const uint8_t *ptr;
  size_t len;
} osc_str;

/* Bytes of whoever made them: their owner calls release(owner) once, from any thread. No release: they stay for ever. */
typedef struct osc_buffer {
  const uint8_t *ptr;
  size_t len;
  void *owner;
  void (*release)(void *owner) OSC_NOEXCEPT;
} osc_buffer;

typedef struct osc_pair {
  osc_str key;
  osc_str value;
} osc_pair;

/* ---- the header, the same for every version of every table --------------------------------------------------------------- */

typedef struct osc_header {
  uint64_t magic;
  uint16_t abi_major;
  uint16_t abi_minor;
  uint32_t struct_size; /* bytes of the whole table */
  uint64_t features;
  const void *exporter; /* the address of something private: equal for tables of one binary */
  osc_str info;         /* who made this, for people */
} osc_header;

/* ---- arguments: lent for the call, buffers excepted ---------------------------------------------------------------------- */

typedef struct osc_range {
  uint64_t kind;
  uint64_t start;
  uint64_t end;
} osc_range;

typedef struct osc_get_args {
  uint32_t struct_size;
  uint32_t flags; /* ALLOW_INLINE, GET_HEAD */
  osc_str path;
  osc_range range;
  osc_str if_match; /* optional */
  osc_str if_none_match;
  int64_t if_modified_since_ns; /* since 1970; 0: no condition */
  int64_t if_unmodified_since_ns;
  osc_str version;
  uint64_t prefetch_bytes; /* an answer of no more comes whole with the completion */
} osc_get_args;

typedef struct osc_ranges_args {
  uint32_t struct_size;
  uint32_t flags; /* ALLOW_INLINE */
  osc_str path;
  const osc_range *ranges; /* each RANGE_BOUNDED */
  size_t range_count;
} osc_ranges_args;

typedef struct osc_put_args {
  uint32_t struct_size;
  uint32_t flags; /* ALLOW_INLINE */
  osc_str path;
  const osc_buffer *buffers; /* the exporter's from when the call returns >= 0 */
  size_t buffer_count;
  uint64_t mode;
  osc_str if_e_tag; /* for PUT_UPDATE */
  osc_str if_version;
  const osc_pair *attributes;
  size_t attribute_count;
  const osc_pair *tags;
  size_t tag_count;
} osc_put_args;

typedef struct osc_upload_args {
  uint32_t struct_size;
  uint32_t flags; /* ALLOW_INLINE */
  osc_str path;
  const osc_pair *attributes;
  size_t attribute_count;
  const osc_pair *tags;
  size_t tag_count;
} osc_upload_args;

typedef struct osc_part_args {
  uint32_t struct_size;
  uint32_t flags; /* ALLOW_INLINE */
  const osc_buffer *buffers; /* the exporter's from when the call returns >= 0 */
  size_t buffer_count;
} osc_part_args;

typedef struct osc_end_args {
  uint32_t struct_size;
  uint32_t flags; /* ALLOW_INLINE */
} osc_end_args;

typedef struct osc_list_args {
  uint32_t struct_size;
  uint32_t flags;      /* LIST_DELIMITER */
  osc_str prefix;      /* optional */
  osc_str start_after; /* optional */
} osc_list_args;

typedef struct osc_next_args {
  uint32_t struct_size;
  uint32_t flags;        /* ALLOW_INLINE */
  uint64_t target_bytes; /* 0: as the exporter likes */
  uint64_t max_items;    /* 0: as the exporter likes */
} osc_next_args;

typedef struct osc_delete_args {
  uint32_t struct_size;
  uint32_t flags; /* ALLOW_INLINE */
  const osc_str *paths;
  size_t path_count;
} osc_delete_args;

typedef struct osc_copy_args {
  uint32_t struct_size;
  uint32_t flags; /* ALLOW_INLINE, COPY_IF_ABSENT, COPY_RENAME */
  osc_str from;
  osc_str to;
} osc_copy_args;

typedef struct osc_sign_args {
  uint32_t struct_size;
  uint32_t flags; /* ALLOW_INLINE */
  osc_str method;
  const osc_str *paths;
  size_t path_count;
  uint64_t expires_ns;
  const osc_pair *query;
  size_t query_count;
  const osc_pair *headers;
  size_t header_count;
} osc_sign_args;

/* ---- results: good until released, buffers and handles excepted ---------------------------------------------------------- */

typedef struct osc_error {
  uint32_t struct_size;
  int32_t code;
  uint32_t flags;
  uint32_t http_status; /* 0: none */
  osc_str store;        /* optional: the kind of store */
  osc_str path;         /* optional: the object */
  osc_str message;
  const struct osc_error *source; /* why, or NULL */
} osc_error;

typedef struct osc_result {
  uint32_t struct_size;
  uint32_t kind;
  int32_t status; /* 0, or an error's code */
  uint32_t flags;
  const void *body;
  const osc_error *error; /* may be NULL */
  void *owner;
  void (*release)(void *owner) OSC_NOEXCEPT; /* may be NULL */
} osc_result;

typedef struct osc_meta {
  uint32_t struct_size; /* in an array, the next one begins so many bytes later */
  uint32_t flags;
  osc_str location;
  osc_str e_tag;   /* optional */
  osc_str version; /* optional */
  uint64_t size;
  int64_t last_modified_ns; /* since 1970 */
} osc_meta;

typedef struct osc_get_body {
  uint32_t struct_size;
  uint32_t flags;
  const osc_meta *meta;
  uint64_t start;
  uint64_t end;
  const osc_pair *attributes;
  size_t attribute_count;
  const osc_buffer *buffers; /* the reader's own */
  size_t buffer_count;
  void *stream; /* what follows the buffers, the reader's own; NULL: nothing */
} osc_get_body;

typedef struct osc_stream_body {
  uint32_t struct_size;
  uint32_t flags;
  const osc_buffer *buffers; /* the reader's own */
  size_t buffer_count;
} osc_stream_body;

typedef struct osc_put_body {
  uint32_t struct_size;
  uint32_t flags;
  osc_str e_tag;   /* optional */
  osc_str version; /* optional */
} osc_put_body;

typedef struct osc_upload_body {
  uint32_t struct_size;
  uint32_t flags;
  void *upload; /* the reader's own */
} osc_upload_body;

typedef struct osc_list_body {
  uint32_t struct_size;
  uint32_t flags;
  const osc_meta *objects; /* step by osc_meta_next */
  size_t object_count;
  const osc_str *prefixes;
  size_t prefix_count;
} osc_list_body;

typedef struct osc_delete_body {
  uint32_t struct_size;
  uint32_t flags;
  const osc_error *const *errors; /* for each path, NULL or why not */
  size_t error_count;
} osc_delete_body;

typedef struct osc_sign_body {
  uint32_t struct_size;
  uint32_t flags;
  const osc_str *urls; /* each is a secret */
  size_t url_count;
} osc_sign_body;

/* ---- the table ----------------------------------------------------------------------------------------------------------- */

/* Called once, by a thread of the exporter. *result is good during the call, what it leads to until it is released. */
typedef void (*osc_complete)(void *user, const osc_result *result) OSC_NOEXCEPT;

/* inline_out may be NULL without ALLOW_INLINE; operation_out where nobody will cancel. */
#define OSC_SUBMIT(name, args)                                                                                               \
  int32_t (*name)(void *target, const args *arguments, osc_complete complete, void *user, osc_result *inline_out,            \
                  void **operation_out) OSC_NOEXCEPT

typedef struct osc_vtable {
  osc_header header;
  int32_t (*retain)(void *data) OSC_NOEXCEPT;
  void (*release)(void *data) OSC_NOEXCEPT;
  int32_t (*describe)(void *data, uint32_t what, osc_buffer *out) OSC_NOEXCEPT;
  void (*operation_cancel)(void *operation) OSC_NOEXCEPT;
  void (*operation_release)(void *operation) OSC_NOEXCEPT;
  OSC_SUBMIT(get, osc_get_args);
  OSC_SUBMIT(get_ranges, osc_ranges_args);
  OSC_SUBMIT(put, osc_put_args);
  OSC_SUBMIT(upload_start, osc_upload_args);
  OSC_SUBMIT(upload_part, osc_part_args);    /* target: an upload */
  OSC_SUBMIT(upload_complete, osc_end_args); /* target: an upload */
  OSC_SUBMIT(upload_abort, osc_end_args);    /* target: an upload */
  void (*upload_release)(void *upload) OSC_NOEXCEPT;
  int32_t (*list)(void *data, const osc_list_args *arguments, void **stream_out) OSC_NOEXCEPT;
  OSC_SUBMIT(stream_next, osc_next_args); /* target: a stream */
  void (*stream_release)(void *stream) OSC_NOEXCEPT;
  OSC_SUBMIT(delete_, osc_delete_args);
  OSC_SUBMIT(copy, osc_copy_args);
  OSC_SUBMIT(sign, osc_sign_args);
} osc_vtable;

/* What a capsule leads to. */
typedef struct osc_store {
  const osc_vtable *vtable;
  void *data;
} osc_store;

/* ---- how it lies in memory ----------------------------------------------------------------------------------------------- */

#if UINTPTR_MAX == UINT64_MAX
OSC_STATIC_ASSERT(sizeof(osc_str) == 16, "osc_str");
OSC_STATIC_ASSERT(sizeof(osc_buffer) == 32, "osc_buffer");
OSC_STATIC_ASSERT(sizeof(osc_pair) == 32, "osc_pair");
OSC_STATIC_ASSERT(sizeof(osc_header) == 48, "osc_header");
OSC_STATIC_ASSERT(offsetof(osc_header, struct_size) == 12, "osc_header.struct_size");
OSC_STATIC_ASSERT(offsetof(osc_header, info) == 32, "osc_header.info");
OSC_STATIC_ASSERT(sizeof(osc_range) == 24, "osc_range");
OSC_STATIC_ASSERT(sizeof(osc_get_args) == 120, "osc_get_args");
OSC_STATIC_ASSERT(offsetof(osc_get_args, prefetch_bytes) == 112, "osc_get_args.prefetch_bytes");
OSC_STATIC_ASSERT(sizeof(osc_ranges_args) == 40, "osc_ranges_args");
OSC_STATIC_ASSERT(sizeof(osc_put_args) == 112, "osc_put_args");
OSC_STATIC_ASSERT(sizeof(osc_upload_args) == 56, "osc_upload_args");
OSC_STATIC_ASSERT(sizeof(osc_part_args) == 24, "osc_part_args");
OSC_STATIC_ASSERT(sizeof(osc_end_args) == 8, "osc_end_args");
OSC_STATIC_ASSERT(sizeof(osc_list_args) == 40, "osc_list_args");
OSC_STATIC_ASSERT(sizeof(osc_next_args) == 24, "osc_next_args");
OSC_STATIC_ASSERT(sizeof(osc_delete_args) == 24, "osc_delete_args");
OSC_STATIC_ASSERT(sizeof(osc_copy_args) == 40, "osc_copy_args");
OSC_STATIC_ASSERT(sizeof(osc_sign_args) == 80, "osc_sign_args");
OSC_STATIC_ASSERT(sizeof(osc_error) == 72, "osc_error");
OSC_STATIC_ASSERT(sizeof(osc_result) == 48, "osc_result");
OSC_STATIC_ASSERT(offsetof(osc_result, release) == 40, "osc_result.release");
OSC_STATIC_ASSERT(sizeof(osc_meta) == 72, "osc_meta");
OSC_STATIC_ASSERT(sizeof(osc_get_body) == 72, "osc_get_body");
OSC_STATIC_ASSERT(sizeof(osc_stream_body) == 24, "osc_stream_body");
OSC_STATIC_ASSERT(sizeof(osc_put_body) == 40, "osc_put_body");
OSC_STATIC_ASSERT(sizeof(osc_upload_body) == 16, "osc_upload_body");
OSC_STATIC_ASSERT(sizeof(osc_list_body) == 40, "osc_list_body");
OSC_STATIC_ASSERT(sizeof(osc_delete_body) == 24, "osc_delete_body");
OSC_STATIC_ASSERT(sizeof(osc_sign_body) == 24, "osc_sign_body");
OSC_STATIC_ASSERT(sizeof(osc_store) == 16, "osc_store");
OSC_STATIC_ASSERT(sizeof(osc_vtable) == 200, "osc_vtable");
OSC_STATIC_ASSERT(offsetof(osc_vtable, get) == 88, "osc_vtable.get");
OSC_STATIC_ASSERT(offsetof(osc_vtable, sign) == 192, "osc_vtable.sign");
#endif

/* ---- helpers ------------------------------------------------------------------------------------------------------------- */

/* Declares arguments of a type, with their size filled in and everything else zero. */
#define OSC_ARGS(type, name)                                                                                                 \
  type name;                                                                                                                 \
  memset(&name, 0, sizeof name);                                                                                             \
  name.struct_size = (uint32_t)sizeof name

/* Whether a table has a slot. */
#define OSC_HAS(vtable, slot)                                                                                                \
  ((vtable)->header.struct_size >= offsetof(osc_vtable, slot) + sizeof((vtable)->slot) && (vtable)->slot != NULL)

/* Whether a result's body has a field. */
#define OSC_BODY_HAS(type, body, field)                                                                                      \
  ((body)->struct_size >= offsetof(type, field) + sizeof((body)->field))

static inline osc_str osc_str_from(const char *text) {
  osc_str lent;
  lent.ptr = (const uint8_t *)text;
  lent.len = text == NULL ? 0 : strlen(text);
  return lent;
}

static inline const osc_meta *osc_meta_next(const osc_meta *meta) {
  return (const osc_meta *)(const void *)((const char *)meta + meta->struct_size);
}

/* NULL, or in what a store is not one that this header describes. Calls nothing. */
static inline const char *osc_store_check(const osc_store *store) {
  const osc_header *header;
  if (store == NULL || store->vtable == NULL) {
    return "there is no store";
  }
  header = &store->vtable->header;
  if (header->magic != OSC_MAGIC) {
    return "this is no table of an object store";
  }
  if (header->abi_major != OSC_MAJOR) {
    return "the table has another major version";
  }
  /* It ended with sign. What came later is asked for with OSC_HAS. */
  if (header->struct_size < offsetof(osc_vtable, sign) + sizeof(store->vtable->sign)) {
    return "the table is shorter than that of version 1.0";
  }
  if (store->vtable->retain == NULL || store->vtable->release == NULL || store->vtable->operation_cancel == NULL ||
      store->vtable->operation_release == NULL || store->vtable->stream_next == NULL ||
      store->vtable->stream_release == NULL || store->vtable->upload_release == NULL) {
    return "the table lacks a function that every store has";
  }
  return NULL;
}

static inline void osc_buffer_release(const osc_buffer *buffer) {
  if (buffer->release != NULL) {
    buffer->release(buffer->owner);
  }
}

/* Gives back a result and all that is in it: also its buffers, its stream and its upload. Whoever took some of them gives back
 * the others by hand, and calls result->release(result->owner). */
static inline void osc_result_discard(const osc_vtable *vtable, const osc_result *result) {
  size_t index;
  if (result->body != NULL && result->kind == OSC_KIND_GET) {
    const osc_get_body *body = (const osc_get_body *)result->body;
    for (index = 0; index < body->buffer_count; index++) {
      osc_buffer_release(&body->buffers[index]);
    }
    if (body->stream != NULL) {
      vtable->stream_release(body->stream);
    }
  } else if (result->body != NULL && result->kind == OSC_KIND_BUFFERS) {
    const osc_stream_body *body = (const osc_stream_body *)result->body;
    for (index = 0; index < body->buffer_count; index++) {
      osc_buffer_release(&body->buffers[index]);
    }
  } else if (result->body != NULL && result->kind == OSC_KIND_UPLOAD) {
    vtable->upload_release(((const osc_upload_body *)result->body)->upload);
  }
  if (result->release != NULL) {
    result->release(result->owner);
  }
}

/* With OSC_WITH_WAIT defined: waiting for one operation, by a mutex and a condition of POSIX.
 *
 *   osc_wait wait;
 *   osc_wait_init(&wait);
 *   int32_t code = store->vtable->get(store->data, &args, osc_wait_complete, &wait, &wait.result, NULL);
 *   if (code == OSC_PENDING) osc_wait_for(&wait);     // after PENDING or DONE, wait.result is the caller's own
 *   osc_wait_destroy(&wait);                          // after a negative code there is no result
 */
#if defined(OSC_WITH_WAIT) && !defined(_WIN32)

typedef struct osc_wait {
  pthread_mutex_t mutex;
  pthread_cond_t condition;
  int is_done;
  osc_result result;
} osc_wait;

static inline void osc_wait_init(osc_wait *wait) {
  memset(&wait->result, 0, sizeof wait->result);
  wait->is_done = 0;
  pthread_mutex_init(&wait->mutex, NULL);
  pthread_cond_init(&wait->condition, NULL);
}

static inline void osc_wait_complete(void *user, const osc_result *result) OSC_NOEXCEPT {
  osc_wait *wait = (osc_wait *)user;
  size_t size = result->struct_size < sizeof *result ? result->struct_size : sizeof *result;
  pthread_mutex_lock(&wait->mutex);
  memcpy(&wait->result, result, size);
  wait->is_done = 1;
  /* Inside the lock: whoever waits may destroy the condition as soon as it has the lock. */
  pthread_cond_signal(&wait->condition);
  pthread_mutex_unlock(&wait->mutex);
}

static inline void osc_wait_for(osc_wait *wait) {
  pthread_mutex_lock(&wait->mutex);
  while (!wait->is_done) {
    pthread_cond_wait(&wait->condition, &wait->mutex);
  }
  pthread_mutex_unlock(&wait->mutex);
}

static inline void osc_wait_destroy(osc_wait *wait) {
  pthread_cond_destroy(&wait->condition);
  pthread_mutex_destroy(&wait->mutex);
}
#endif

#ifdef __cplusplus
}
#endif

#endif
