/* What an author in C or C++ does with a store: this is compiled as both, and called by the Rust tests, whose store it gets. */
#define OSC_WITH_WAIT
#include "object_store_c.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                                                                                     \
  do {                                                                                                                       \
    if (!(condition)) {                                                                                                      \
      snprintf(message, size, "line %d: %s", __LINE__, #condition);                                                          \
      return 1;                                                                                                              \
    }                                                                                                                        \
  } while (0)

static int released;

static void count_release(void *owner) OSC_NOEXCEPT {
  __atomic_fetch_add(&released, 1, __ATOMIC_SEQ_CST);
  free(owner);
}

/* Waits for a call that answered `code`; the result is the caller's own after zero. */
static int finish(osc_wait *wait, int32_t code) {
  if (code == OSC_PENDING) {
    osc_wait_for(wait);
    return 0;
  }
  return code == OSC_DONE ? 0 : 1;
}

static int text_is(osc_str text, const char *expected) {
  return text.len == strlen(expected) && memcmp(text.ptr, expected, text.len) == 0;
}

static int put(const osc_store *store, const char *path, const char *content, uint64_t mode, osc_wait *wait) {
  OSC_ARGS(osc_put_args, args);
  osc_buffer buffer;
  size_t length = strlen(content);
  char *copy = (char *)malloc(length + 1);
  memcpy(copy, content, length + 1);
  buffer.ptr = (const uint8_t *)copy;
  buffer.len = length;
  buffer.owner = copy;
  buffer.release = count_release;
  args.path = osc_str_from(path);
  args.buffers = &buffer;
  args.buffer_count = 1;
  args.mode = mode;
  osc_wait_init(wait);
  int32_t code = store->vtable->put(store->data, &args, osc_wait_complete, wait, NULL, NULL);
  if (code < 0) {
    osc_buffer_release(&buffer);
    return code;
  }
  return finish(wait, code);
}

#ifdef __cplusplus
extern "C"
#endif
int consume(const osc_store *store, char *message, size_t size);

int consume(const osc_store *given, char *message, size_t size) {
  osc_wait wait;
  osc_store store = *given;
  const char *refusal = osc_store_check(&store);
  CHECK(refusal == NULL);

  /* What is no such table is refused, as data: nothing is called. */
  {
    osc_vtable other = *store.vtable;
    osc_store strange;
    strange.vtable = &other;
    strange.data = NULL;
    CHECK(osc_store_check(&strange) == NULL);
    other.header.magic ^= 1;
    CHECK(osc_store_check(&strange) != NULL);
    other = *store.vtable;
    other.header.abi_major = 2;
    CHECK(osc_store_check(&strange) != NULL);
    other = *store.vtable;
    other.header.struct_size = sizeof other - 1;
    CHECK(osc_store_check(&strange) != NULL && !OSC_HAS(&other, sign));
    other = *store.vtable;
    other.stream_release = NULL;
    CHECK(osc_store_check(&strange) != NULL);
    strange.vtable = NULL;
    CHECK(osc_store_check(&strange) != NULL && osc_store_check(NULL) != NULL);
  }
  CHECK(store.vtable->retain(store.data) == 0);
  CHECK(OSC_HAS(store.vtable, sign));

  /* A conditional put: the second one loses. */
  CHECK(put(&store, "c/one", "hello from C", OSC_PUT_CREATE, &wait) == 0);
  CHECK(wait.result.status == 0 && wait.result.kind == OSC_KIND_PUT);
  CHECK(((const osc_put_body *)wait.result.body)->e_tag.ptr != NULL);
  osc_result_discard(store.vtable, &wait.result);
  osc_wait_destroy(&wait);
  CHECK(put(&store, "c/one", "too late", OSC_PUT_CREATE, &wait) == 0);
  CHECK(wait.result.status == OSC_ERROR_ALREADY_EXISTS);
  CHECK(wait.result.error != NULL && text_is(wait.result.error->path, "c/one"));
  CHECK(wait.result.error->message.len > 0);
  osc_result_discard(store.vtable, &wait.result);
  osc_wait_destroy(&wait);

  /* A whole object, inline where it is ready. */
  {
    OSC_ARGS(osc_get_args, args);
    args.flags = OSC_ALLOW_INLINE;
    args.path = osc_str_from("c/one");
    args.prefetch_bytes = 1 << 20;
    osc_wait_init(&wait);
    CHECK(finish(&wait, store.vtable->get(store.data, &args, osc_wait_complete, &wait, &wait.result, NULL)) == 0);
    CHECK(wait.result.status == 0 && wait.result.kind == OSC_KIND_GET);
    const osc_get_body *body = (const osc_get_body *)wait.result.body;
    CHECK(body->stream == NULL && body->buffer_count == 1 && body->meta->size == 12);
    CHECK(body->buffers[0].len == 12 && memcmp(body->buffers[0].ptr, "hello from C", 12) == 0);
    /* The buffer outlives the result. */
    osc_buffer kept = body->buffers[0];
    wait.result.release(wait.result.owner);
    CHECK(memcmp(kept.ptr, "hello from C", 12) == 0);
    osc_buffer_release(&kept);
    osc_wait_destroy(&wait);
  }

  /* Piece by piece, from a stream. */
  {
    OSC_ARGS(osc_get_args, args);
    args.path = osc_str_from("c/one");
    args.range.kind = OSC_RANGE_OFFSET;
    args.range.start = 6;
    osc_wait_init(&wait);
    CHECK(finish(&wait, store.vtable->get(store.data, &args, osc_wait_complete, &wait, NULL, NULL)) == 0);
    CHECK(wait.result.status == 0);
    void *stream = ((const osc_get_body *)wait.result.body)->stream;
    CHECK(stream != NULL);
    wait.result.release(wait.result.owner);
    osc_wait_destroy(&wait);
    char content[16];
    size_t length = 0;
    for (int is_end = 0; !is_end;) {
      OSC_ARGS(osc_next_args, next);
      osc_wait_init(&wait);
      CHECK(finish(&wait, store.vtable->stream_next(stream, &next, osc_wait_complete, &wait, NULL, NULL)) == 0);
      CHECK(wait.result.status == 0 && wait.result.kind == OSC_KIND_BUFFERS);
      const osc_stream_body *body = (const osc_stream_body *)wait.result.body;
      for (size_t index = 0; index < body->buffer_count; index++) {
        CHECK(length + body->buffers[index].len <= sizeof content);
        memcpy(content + length, body->buffers[index].ptr, body->buffers[index].len);
        length += body->buffers[index].len;
      }
      is_end = (wait.result.flags & OSC_END) != 0;
      osc_result_discard(store.vtable, &wait.result);
      osc_wait_destroy(&wait);
    }
    CHECK(length == 6 && memcmp(content, "from C", 6) == 0);
    store.vtable->stream_release(stream);
  }

  /* A listing. */
  {
    OSC_ARGS(osc_list_args, args);
    OSC_ARGS(osc_next_args, next);
    void *stream = NULL;
    args.prefix = osc_str_from("c");
    CHECK(store.vtable->list(store.data, &args, &stream) == 0);
    osc_wait_init(&wait);
    CHECK(finish(&wait, store.vtable->stream_next(stream, &next, osc_wait_complete, &wait, NULL, NULL)) == 0);
    CHECK(wait.result.kind == OSC_KIND_LIST && (wait.result.flags & OSC_END) != 0);
    const osc_list_body *body = (const osc_list_body *)wait.result.body;
    const osc_meta *object = body->objects;
    CHECK(body->object_count == 1 && text_is(object->location, "c/one") && object->last_modified_ns > 0);
    CHECK((const char *)osc_meta_next(object) - (const char *)object == (ptrdiff_t)sizeof(osc_meta));
    osc_result_discard(store.vtable, &wait.result);
    osc_wait_destroy(&wait);
    store.vtable->stream_release(stream);
  }

  /* What this version has no name for. */
  {
    struct {
      osc_copy_args known;
      uint64_t unknown;
    } longer;
    memset(&longer, 0, sizeof longer);
    longer.known.struct_size = sizeof longer;
    longer.unknown = 1;
    longer.known.from = osc_str_from("c/one");
    longer.known.to = osc_str_from("c/two");
    CHECK(store.vtable->copy(store.data, &longer.known, osc_wait_complete, &wait, NULL, NULL) == -OSC_ERROR_NOT_SUPPORTED);
    longer.unknown = 0;
    osc_wait_init(&wait);
    CHECK(finish(&wait, store.vtable->copy(store.data, &longer.known, osc_wait_complete, &wait, NULL, NULL)) == 0);
    CHECK(wait.result.status == 0 && wait.result.kind == OSC_KIND_NONE);
    osc_result_discard(store.vtable, &wait.result);
    osc_wait_destroy(&wait);
  }

  /* Deleting, with an answer for each path. */
  {
    OSC_ARGS(osc_delete_args, args);
    osc_str paths[3];
    paths[0] = osc_str_from("c/one");
    paths[1] = osc_str_from("c//two");
    paths[2] = osc_str_from("c/two");
    args.paths = paths;
    args.path_count = 3;
    osc_wait_init(&wait);
    CHECK(finish(&wait, store.vtable->delete_(store.data, &args, osc_wait_complete, &wait, NULL, NULL)) == 0);
    CHECK(wait.result.kind == OSC_KIND_DELETE);
    const osc_delete_body *body = (const osc_delete_body *)wait.result.body;
    CHECK(body->error_count == 3 && body->errors[0] == NULL && body->errors[2] == NULL);
    CHECK(body->errors[1] != NULL && body->errors[1]->code == OSC_ERROR_INVALID_PATH);
    osc_result_discard(store.vtable, &wait.result);
    osc_wait_destroy(&wait);
  }

#ifndef WITHOUT_FORK
  /* In a forked child the store says so at once; the parent goes on. */
  {
    OSC_ARGS(osc_get_args, args);
    args.path = osc_str_from("c/one");
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      alarm(20);
      int is_refused = store.vtable->get(store.data, &args, osc_wait_complete, &wait, NULL, NULL) == -OSC_ERROR_FORKED;
      is_refused = is_refused && store.vtable->retain(store.data) == -OSC_ERROR_FORKED;
      store.vtable->release(store.data);
      _exit(is_refused ? 42 : 1);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    osc_wait_init(&wait);
    CHECK(finish(&wait, store.vtable->get(store.data, &args, osc_wait_complete, &wait, NULL, NULL)) == 0);
    CHECK(wait.result.status == OSC_ERROR_NOT_FOUND);
    osc_result_discard(store.vtable, &wait.result);
    osc_wait_destroy(&wait);
  }
#endif

  store.vtable->release(store.data);
  CHECK(__atomic_load_n(&released, __ATOMIC_SEQ_CST) == 2);
  return 0;
}
