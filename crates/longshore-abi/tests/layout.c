/* Prints the layout that a C compiler gives the header, in the words of golden/osc_v1_0.txt. */
#include "object_store_c.h"

#include <inttypes.h>
#include <stdio.h>

#define STRUCT(type) printf("struct %s size %zu align %zu\n", #type, sizeof(type), _Alignof(type))
#define NAMED(type, field, name)                                                                                             \
  printf("  %s offset %zu size %zu\n", name, offsetof(type, field), sizeof(((type *)0)->field))
#define FIELD(type, field) NAMED(type, field, #field)
#define NUMBER(name) printf("%s %" PRId64 "\n", #name, (int64_t)OSC_##name)
#define TEXT(name) printf("%s \"%s\"\n", #name, OSC_##name)

int main(void) {
#include "layout_facts.h"
  return 0;
}
