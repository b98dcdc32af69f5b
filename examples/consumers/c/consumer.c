/* An extension module in C over the header alone: a few functions over a store that somebody else opened.
 *
 * `store.h` takes the store out of an object, raises errors, and waits. Build it with a C compiler, with `object_store_c.h` in the
 * include path, and nothing to link. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>

#include <stdlib.h>

#define IMPORTER "consumers.c 0.1.0"
#include "store.h"

/* ---- operations ---------------------------------------------------------------------------------------------------------- */

static int32_t begin_get(const osc_store *store, const char *path, osc_wait *wait) {
  OSC_ARGS(osc_get_args, args);
  args.path = osc_str_from(path);
  args.prefetch_bytes = UINT64_MAX; /* all of it, with the first answer */
  return BEGIN(store, get, store->data, &args, wait);
}

/* The bytes of several buffers as one object. */
static PyObject *joined(const osc_buffer *buffers, size_t count) {
  size_t index, length = 0;
  PyObject *bytes;
  char *target;
  for (index = 0; index < count; index++) {
    length += buffers[index].len;
  }
  bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)length);
  if (bytes == NULL) {
    return NULL;
  }
  target = PyBytes_AsString(bytes);
  for (index = 0; index < count; index++) {
    if (buffers[index].len > 0) {
      memcpy(target, buffers[index].ptr, buffers[index].len);
      target += buffers[index].len;
    }
  }
  return bytes;
}

/* An object, and the address at which its first bytes were received. */
static PyObject *get_from(const osc_store *store, const char *path) {
  osc_wait wait;
  const osc_get_body *body;
  PyObject *content, *found = NULL;
  if (finish(store, &wait, begin_get(store, path, &wait)) < 0) {
    return NULL;
  }
  body = (const osc_get_body *)wait.result.body;
  content = joined(body->buffers, body->buffer_count);
  if (content != NULL) {
    const void *address = body->buffer_count == 0 ? NULL : body->buffers[0].ptr;
    found = Py_BuildValue("(NN)", content, PyLong_FromVoidPtr((void *)address));
  }
  osc_result_discard(store->vtable, &wait.result);
  return found;
}

static void release_copy(void *owner) { free(owner); }

/* Bytes to hand over: a copy, as Python's own are freed by a thread that has the interpreter, and a store's threads have not. */
static int copied(const char *bytes, Py_ssize_t length, osc_buffer *buffer) {
  void *copy = malloc(length > 0 ? (size_t)length : 1);
  if (copy == NULL) {
    PyErr_NoMemory();
    return -1;
  }
  memcpy(copy, bytes, (size_t)length);
  buffer->ptr = (const uint8_t *)copy;
  buffer->len = (size_t)length;
  buffer->owner = copy;
  buffer->release = release_copy;
  return 0;
}

/* Brings what is next of a stream. */
static int next(const osc_store *store, void *stream, osc_wait *wait) {
  OSC_ARGS(osc_next_args, args);
  return finish(store, wait, BEGIN(store, stream_next, stream, &args, wait));
}

/* ---- the functions ------------------------------------------------------------------------------------------------------- */

static PyObject *describe(PyObject *module, PyObject *object) {
  osc_store store;
  osc_buffer name;
  PyObject *text = NULL;
  int32_t code;
  (void)module;
  if (take_store(object, &store) < 0) {
    return NULL;
  }
  code = OSC_HAS(store.vtable, describe) ? store.vtable->describe(store.data, OSC_DESCRIBE_NAME, &name)
                                         : -OSC_ERROR_NOT_IMPLEMENTED;
  if (code == 0) {
    PyObject *kind = PyUnicode_DecodeUTF8((const char *)name.ptr, (Py_ssize_t)name.len, "replace");
    PyObject *info = text_of(store.vtable->header.info);
    if (kind != NULL && info != NULL) {
      text = PyUnicode_FromFormat("%U of %U", kind, info);
    }
    Py_XDECREF(kind);
    Py_XDECREF(info);
    osc_buffer_release(&name);
  } else {
    raise_refusal(&store, code);
  }
  store.vtable->release(store.data);
  return text;
}

static PyObject *get(PyObject *module, PyObject *arguments) {
  PyObject *object, *found;
  const char *path;
  osc_store store;
  (void)module;
  if (!PyArg_ParseTuple(arguments, "Os", &object, &path) || take_store(object, &store) < 0) {
    return NULL;
  }
  found = get_from(&store, path);
  store.vtable->release(store.data);
  return found;
}

static PyObject *get_ranges(PyObject *module, PyObject *arguments) {
  PyObject *object, *list, *found = NULL;
  const char *path;
  osc_store store;
  osc_wait wait;
  osc_range *ranges;
  Py_ssize_t index, count;
  (void)module;
  if (!PyArg_ParseTuple(arguments, "OsO!", &object, &path, &PyList_Type, &list) || take_store(object, &store) < 0) {
    return NULL;
  }
  count = PyList_Size(list);
  ranges = (osc_range *)calloc((size_t)count + 1, sizeof *ranges);
  for (index = 0; index < count && ranges != NULL; index++) {
    unsigned long long start, end;
    if (!PyArg_Parse(PyList_GetItem(list, index), "(KK)", &start, &end)) {
      break;
    }
    ranges[index].kind = OSC_RANGE_BOUNDED;
    ranges[index].start = start;
    ranges[index].end = end;
  }
  if (ranges == NULL) {
    PyErr_NoMemory();
  } else if (index == count) {
    OSC_ARGS(osc_ranges_args, args);
    args.path = osc_str_from(path);
    args.ranges = ranges;
    args.range_count = (size_t)count;
    if (finish(&store, &wait, BEGIN(&store, get_ranges, store.data, &args, &wait)) == 0) {
      const osc_stream_body *body = (const osc_stream_body *)wait.result.body;
      found = PyList_New(0);
      for (index = 0; index < count && found != NULL; index++) {
        PyObject *content = joined(&body->buffers[index], 1);
        if (content == NULL || PyList_Append(found, content) < 0) {
          Py_CLEAR(found);
        }
        Py_XDECREF(content);
      }
      osc_result_discard(store.vtable, &wait.result);
    }
  }
  free(ranges);
  store.vtable->release(store.data);
  return found;
}

static PyObject *stream_length(PyObject *module, PyObject *arguments) {
  PyObject *object;
  const char *path;
  osc_store store;
  osc_wait wait;
  unsigned long long length = 0;
  int is_good = 1, is_end = 0;
  void *stream = NULL;
  (void)module;
  if (!PyArg_ParseTuple(arguments, "Os", &object, &path) || take_store(object, &store) < 0) {
    return NULL;
  }
  {
    OSC_ARGS(osc_get_args, args);
    args.path = osc_str_from(path);
    is_good = finish(&store, &wait, BEGIN(&store, get, store.data, &args, &wait)) == 0;
  }
  if (is_good) {
    const osc_get_body *body = (const osc_get_body *)wait.result.body;
    size_t index;
    for (index = 0; index < body->buffer_count; index++) {
      length += body->buffers[index].len;
      osc_buffer_release(&body->buffers[index]);
    }
    stream = body->stream; /* ours, as the buffers were: so the result is released, and not discarded */
    release_taken(&wait.result);
    is_end = stream == NULL;
  }
  while (is_good && !is_end) {
    is_good = next(&store, stream, &wait) == 0;
    if (is_good) {
      const osc_stream_body *body = (const osc_stream_body *)wait.result.body;
      size_t index;
      for (index = 0; index < body->buffer_count; index++) {
        length += body->buffers[index].len;
      }
      is_end = (wait.result.flags & OSC_END) != 0;
      osc_result_discard(store.vtable, &wait.result);
    }
  }
  if (stream != NULL) {
    store.vtable->stream_release(stream);
  }
  store.vtable->release(store.data);
  return is_good ? PyLong_FromUnsignedLongLong(length) : NULL;
}

/* Reads an object `count` times at once. `is_attached` holds on to the interpreter meanwhile: a store must not need it. */
static PyObject *gather(PyObject *module, PyObject *arguments) {
  PyObject *object;
  const char *path;
  Py_ssize_t count, index;
  int is_attached;
  unsigned long long length = 0;
  osc_store store;
  osc_wait *waits;
  int32_t *codes;
  (void)module;
  if (!PyArg_ParseTuple(arguments, "Osnp", &object, &path, &count, &is_attached) || take_store(object, &store) < 0) {
    return NULL;
  }
  waits = (osc_wait *)calloc((size_t)count + 1, sizeof *waits);
  codes = (int32_t *)calloc((size_t)count + 1, sizeof *codes);
  if (waits == NULL || codes == NULL) {
    PyErr_NoMemory();
    count = 0;
  }
  for (index = 0; index < count; index++) {
    codes[index] = begin_get(&store, path, &waits[index]);
  }
  for (index = 0; index < count; index++) {
    if (is_attached && codes[index] == OSC_PENDING) {
      osc_wait_for(&waits[index]);
      codes[index] = OSC_DONE;
    }
    /* Each is waited for, also after a failure: the callbacks write into `waits`. */
    if (finish(&store, &waits[index], codes[index]) == 0) {
      const osc_get_body *body = (const osc_get_body *)waits[index].result.body;
      length += body->end - body->start;
      osc_result_discard(store.vtable, &waits[index].result);
    }
  }
  free(waits);
  free(codes);
  store.vtable->release(store.data);
  return PyErr_Occurred() ? NULL : PyLong_FromUnsignedLongLong(length);
}

/* Writes an object, and returns the address of the bytes that were handed over. `create`: only where there is none. */
static PyObject *put(PyObject *module, PyObject *arguments, PyObject *keywords) {
  static char *names[] = {(char *)"store", (char *)"path", (char *)"content", (char *)"create", NULL};
  PyObject *object;
  const char *path, *content;
  Py_ssize_t length;
  int create = 0;
  osc_store store;
  osc_buffer buffer;
  PyObject *address = NULL;
  (void)module;
  if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "Osy#|$p", names, &object, &path, &content, &length, &create) ||
      take_store(object, &store) < 0) {
    return NULL;
  }
  if (copied(content, length, &buffer) == 0) {
    osc_wait wait;
    int32_t code;
    uintptr_t start = (uintptr_t)buffer.ptr;
    OSC_ARGS(osc_put_args, args);
    args.path = osc_str_from(path);
    args.buffers = &buffer;
    args.buffer_count = 1;
    args.mode = create ? OSC_PUT_CREATE : OSC_PUT_OVERWRITE;
    code = BEGIN(&store, put, store.data, &args, &wait);
    if (code < 0) {
      osc_buffer_release(&buffer); /* nothing was consumed */
    }
    if (finish(&store, &wait, code) == 0) {
      osc_result_discard(store.vtable, &wait.result);
      address = PyLong_FromSize_t(start);
    }
  }
  store.vtable->release(store.data);
  return address;
}

/* One part of an upload. */
static int upload_part(const osc_store *store, void *upload, PyObject *part) {
  osc_wait wait;
  osc_buffer buffer;
  char *content;
  Py_ssize_t length;
  int32_t code;
  OSC_ARGS(osc_part_args, args);
  if (PyBytes_AsStringAndSize(part, &content, &length) < 0 || copied(content, length, &buffer) < 0) {
    return -1;
  }
  args.buffers = &buffer;
  args.buffer_count = 1;
  code = BEGIN(store, upload_part, upload, &args, &wait);
  if (code < 0) {
    osc_buffer_release(&buffer);
  }
  if (finish(store, &wait, code) < 0) {
    return -1;
  }
  osc_result_discard(store->vtable, &wait.result);
  return 0;
}

/* Writes an object in parts. */
static PyObject *upload(PyObject *module, PyObject *arguments) {
  PyObject *object, *parts;
  const char *path;
  osc_store store;
  osc_wait wait;
  void *handle = NULL;
  Py_ssize_t index = 0;
  int is_good;
  (void)module;
  if (!PyArg_ParseTuple(arguments, "OsO!", &object, &path, &PyList_Type, &parts) || take_store(object, &store) < 0) {
    return NULL;
  }
  {
    OSC_ARGS(osc_upload_args, args);
    args.path = osc_str_from(path);
    is_good = finish(&store, &wait, BEGIN(&store, upload_start, store.data, &args, &wait)) == 0;
  }
  if (is_good) {
    handle = ((const osc_upload_body *)wait.result.body)->upload;
    release_taken(&wait.result);
  }
  for (; is_good && index < PyList_Size(parts); index++) {
    is_good = upload_part(&store, handle, PyList_GetItem(parts, index)) == 0;
  }
  if (is_good) {
    OSC_ARGS(osc_end_args, args);
    is_good = finish(&store, &wait, BEGIN(&store, upload_complete, handle, &args, &wait)) == 0;
    if (is_good) {
      osc_result_discard(store.vtable, &wait.result);
    }
  } else if (handle != NULL) {
    /* What was stored of it costs money until it is called off. The first error is the one to tell. */
    PyObject *type, *value, *trace;
    OSC_ARGS(osc_end_args, args);
    PyErr_Fetch(&type, &value, &trace);
    if (finish(&store, &wait, BEGIN(&store, upload_abort, handle, &args, &wait)) == 0) {
      osc_result_discard(store.vtable, &wait.result);
    }
    PyErr_Restore(type, value, trace);
  }
  if (handle != NULL) {
    store.vtable->upload_release(handle);
  }
  store.vtable->release(store.data);
  if (!is_good) {
    return NULL;
  }
  Py_RETURN_NONE;
}

/* The paths and sizes of the objects under a prefix. */
static PyObject *list_objects(PyObject *module, PyObject *arguments) {
  PyObject *object, *found;
  const char *prefix;
  osc_store store;
  osc_wait wait;
  void *stream = NULL;
  int32_t code;
  int is_end = 0;
  (void)module;
  OSC_ARGS(osc_list_args, args);
  if (!PyArg_ParseTuple(arguments, "Os", &object, &prefix) || take_store(object, &store) < 0) {
    return NULL;
  }
  args.prefix = osc_str_from(prefix);
  code = OSC_HAS(store.vtable, list) ? store.vtable->list(store.data, &args, &stream) : -OSC_ERROR_NOT_IMPLEMENTED;
  found = code == 0 ? PyList_New(0) : NULL;
  if (code != 0) {
    raise_refusal(&store, code);
  }
  while (found != NULL && !is_end) {
    const osc_list_body *body;
    const osc_meta *meta;
    size_t index;
    if (next(&store, stream, &wait) < 0) {
      Py_CLEAR(found);
      break;
    }
    body = (const osc_list_body *)wait.result.body;
    meta = body->objects;
    for (index = 0; index < body->object_count && found != NULL; index++, meta = osc_meta_next(meta)) {
      PyObject *pair = Py_BuildValue("(s#K)", (const char *)meta->location.ptr, (Py_ssize_t)meta->location.len,
                                     (unsigned long long)meta->size);
      if (pair == NULL || PyList_Append(found, pair) < 0) {
        Py_CLEAR(found);
      }
      Py_XDECREF(pair);
    }
    is_end = (wait.result.flags & OSC_END) != 0;
    osc_result_discard(store.vtable, &wait.result);
  }
  if (stream != NULL) {
    store.vtable->stream_release(stream);
  }
  store.vtable->release(store.data);
  return found;
}

/* A store that the module keeps between calls, as one with a cache does. */
static osc_store kept;

static PyObject *keep(PyObject *module, PyObject *object) {
  osc_store store, before = kept;
  (void)module;
  if (take_store(object, &store) < 0) {
    return NULL;
  }
  kept = store;
  if (before.vtable != NULL) {
    before.vtable->release(before.data);
  }
  Py_RETURN_NONE;
}

static PyObject *get_kept(PyObject *module, PyObject *arguments) {
  const char *path;
  PyObject *found, *content;
  osc_store store;
  (void)module;
  if (!PyArg_ParseTuple(arguments, "s", &path)) {
    return NULL;
  }
  if (kept.vtable == NULL) {
    PyErr_SetString(PyExc_ValueError, "no store was kept");
    return NULL;
  }
  store = kept;
  if (retain(&store) < 0) { /* another thread may keep another one meanwhile */
    return NULL;
  }
  found = get_from(&store, path);
  store.vtable->release(store.data);
  if (found == NULL) {
    return NULL;
  }
  content = Py_NewRef(PyTuple_GetItem(found, 0));
  Py_DECREF(found);
  return content;
}

static PyMethodDef functions[] = {
    {"describe", describe, METH_O, "What the store says of itself."},
    {"get", get, METH_VARARGS, "An object, and the address at which its bytes were received."},
    {"get_ranges", get_ranges, METH_VARARGS, "Several ranges of an object."},
    {"stream_length", stream_length, METH_VARARGS, "The bytes of an object, counted while they arrive."},
    {"gather", gather, METH_VARARGS, "Reads an object several times at once."},
    {"put", (PyCFunction)(void (*)(void))put, METH_VARARGS | METH_KEYWORDS, "Writes an object."},
    {"upload", upload, METH_VARARGS, "Writes an object in parts."},
    {"list_objects", list_objects, METH_VARARGS, "The paths and sizes of the objects under a prefix."},
    {"keep", keep, METH_O, "Keeps a store for later calls."},
    {"get_kept", get_kept, METH_VARARGS, "An object of the store that was kept."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "c", "A consumer of object stores in C.", -1, functions, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_c(void) {
  PyObject *module = PyModule_Create(&definition);
  PyObject *built_with = Py_BuildValue("{ssssss}", "language", "C11", "binding", "Python's C interface", "store",
                                       "object_store_c.h");
  if (module == NULL || built_with == NULL || PyModule_AddObjectRef(module, "BUILT_WITH", built_with) < 0) {
    Py_CLEAR(module);
  }
  Py_XDECREF(built_with);
  return module;
}
