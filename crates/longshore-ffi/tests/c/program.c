/* Uses a store as a program of its own, to be run with sanitizers and beneath valgrind: it ends with 0 when all went well.
 *
 * With an argument it does what must be found there, so that a silent check is not taken for a good one. */
#include "object_store_c.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct exporter exporter;
exporter *exporter_begin(void);
const osc_store *exporter_store(const exporter *exporter);
size_t exporter_end(exporter *exporter);

int consume(const osc_store *store, char *message, size_t size);

/* Not a constant for the compiler, which would otherwise see what is wrong. */
static volatile size_t zero;
static volatile uint8_t seen;

/* What the exporter has to say of itself: bytes of its own, the caller's to give back. */
static osc_buffer described(const osc_store *store) {
  osc_buffer buffer;
  memset(&buffer, 0, sizeof buffer);
  if (store->vtable->describe(store->data, OSC_DESCRIBE_NAME, &buffer) != 0 || buffer.len == 0) {
    abort();
  }
  return buffer;
}

static void give_back(void *owner) OSC_NOEXCEPT { free(owner); }
static void (*volatile release)(void *) OSC_NOEXCEPT = give_back;

static int control(const osc_store *store, const char *what) {
  osc_buffer buffer = described(store);
  seen = buffer.ptr[zero];
  if (strcmp(what, "read") == 0) {
    osc_buffer_release(&buffer);
    seen = buffer.ptr[zero];
  } else if (strcmp(what, "beyond") == 0) {
    uint8_t *copy = (uint8_t *)malloc(buffer.len);
    memcpy(copy, buffer.ptr, buffer.len);
    seen = copy[buffer.len + zero];
    free(copy);
    osc_buffer_release(&buffer);
  } else if (strcmp(what, "twice") == 0) {
    osc_buffer own;
    osc_buffer_release(&buffer);
    memset(&own, 0, sizeof own);
    own.owner = malloc(8);
    own.release = release;
    osc_buffer_release(&own);
    osc_buffer_release(&own);
  } else if (strcmp(what, "leak") == 0) {
    memset(&buffer, 0, sizeof buffer);
  } else if (strcmp(what, "undefined") == 0) {
    const osc_header *header = (const osc_header *)(const void *)((const char *)store->vtable + 1 + zero);
    seen = (uint8_t)header->abi_major;
    osc_buffer_release(&buffer);
  } else {
    osc_buffer_release(&buffer);
    return 2;
  }
  return 0;
}

int main(int count, char **arguments) {
  char message[200];
  exporter *exporter = exporter_begin();
  const osc_store *store = exporter_store(exporter);
  int code = count > 1 ? control(store, arguments[1]) : consume(store, message, sizeof message);
  if (code == 1) {
    fprintf(stderr, "%s\n", message);
  }
  if (exporter_end(exporter) != 0) {
    fprintf(stderr, "operations were still under way at the end\n");
    code = 3;
  }
  return code;
}
