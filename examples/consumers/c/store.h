/* What an extension module in C needs to use stores of others: copy it. `IMPORTER` is who asks, for the messages of errors.
 *
 * All of it is called by a thread that has the interpreter; only the callback of `finish` is not. */
#ifndef STORE_H
#define STORE_H

#define OSC_WITH_WAIT
#include "object_store_c.h"

#include <stdlib.h>

/* ---- errors -------------------------------------------------------------------------------------------------------------- */

static PyObject *exception_of(int32_t code) {
  switch (code) {
  case OSC_ERROR_NOT_FOUND:
    return PyExc_FileNotFoundError;
  case OSC_ERROR_ALREADY_EXISTS:
    return PyExc_FileExistsError;
  case OSC_ERROR_PERMISSION_DENIED:
  case OSC_ERROR_UNAUTHENTICATED:
    return PyExc_PermissionError;
  case OSC_ERROR_INVALID_PATH:
    return PyExc_ValueError;
  case OSC_ERROR_FORKED:
  case OSC_ERROR_SHUTDOWN:
  case OSC_ERROR_CANCELLED:
    return PyExc_RuntimeError;
  default:
    return PyExc_OSError;
  }
}

/* Text of the interface, which has no zero at its end, as Python's. */
static PyObject *text_of(osc_str text) {
  return PyUnicode_DecodeUTF8(text.len == 0 ? "" : (const char *)text.ptr, (Py_ssize_t)text.len, "replace");
}

/* Raises what a refused call means: minus an error's code. */
static void raise_refusal(const osc_store *store, int32_t code) {
  PyObject *info = text_of(store->vtable->header.info);
  const char *reason = "refuses what was asked";
  if (code == -OSC_ERROR_FORKED) {
    reason = "belongs to the process that this one was forked from; ask for it again here";
  } else if (code == -OSC_ERROR_SHUTDOWN) {
    reason = "has shut down";
  } else if (code == -OSC_ERROR_BUSY) {
    reason = "has too much under way; try again later";
  }
  if (info != NULL) {
    PyErr_Format(exception_of(-code), "%s: the store of %U %s (error %d)", IMPORTER, info, reason, (int)-code);
    Py_DECREF(info);
  }
}

/* Raises what a result says, with its reasons. */
static void raise_result(const osc_result *result) {
  const osc_error *error = result->error;
  PyObject *message = error == NULL || error->path.ptr == NULL ? PyUnicode_FromString("a store") : text_of(error->path);
  for (; error != NULL && message != NULL; error = error->source) {
    PyObject *said = text_of(error->message);
    PyObject *longer = said == NULL ? NULL : PyUnicode_FromFormat("%U: %U", message, said);
    Py_XDECREF(said);
    Py_DECREF(message);
    message = longer;
  }
  if (message != NULL) {
    PyErr_Format(exception_of(result->status), "%U (error %d)", message, (int)result->status);
    Py_DECREF(message);
  }
}

/* ---- the store ----------------------------------------------------------------------------------------------------------- */

/* Takes another reference: 0, or -1 with an exception. */
static int retain(const osc_store *store) {
  int32_t code = store->vtable->retain(store->data);
  if (code != 0) {
    raise_refusal(store, code);
    return -1;
  }
  return 0;
}

/* Looks into a capsule, and takes a reference to its store: 0, or -1 with an exception. */
static int open_capsule(PyObject *capsule, osc_store *store) {
  const osc_store *found;
  const char *refusal;
  if (!PyCapsule_IsValid(capsule, OSC_CAPSULE_NAME)) {
    const char *name = PyCapsule_CheckExact(capsule) ? PyCapsule_GetName(capsule) : NULL;
    PyErr_Clear();
    PyErr_Format(PyExc_BufferError, "%s needs a capsule named %s, and got %s%s", IMPORTER, OSC_CAPSULE_NAME,
                 name == NULL ? "something else" : "one named ", name == NULL ? "" : name);
    return -1;
  }
  found = (const osc_store *)PyCapsule_GetPointer(capsule, OSC_CAPSULE_NAME);
  refusal = osc_store_check(found);
  if (refusal != NULL) {
    PyErr_Format(PyExc_BufferError, "%s cannot use this store: %s", IMPORTER, refusal);
    return -1;
  }
  if (retain(found) < 0) {
    return -1;
  }
  *store = *found;
  return 0;
}

/* Takes the store out of any object that has one, or out of a capsule. The caller releases it. */
static int take_store(PyObject *object, osc_store *store) {
  PyObject *type, *method, *arguments, *keywords, *capsule = NULL;
  int outcome;
  if (PyCapsule_CheckExact(object)) {
    return open_capsule(object, store);
  }
  type = PyObject_Type(object);
  method = PyObject_GetAttrString(type, OSC_METHOD_NAME);
  Py_DECREF(type);
  if (method == NULL) {
    if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
      PyErr_Clear();
      PyErr_Format(PyExc_TypeError, "%s needs an object store, which is an object with a method %s; this has none: %R", IMPORTER,
                   OSC_METHOD_NAME, object);
    }
    return -1;
  }
  arguments = PyTuple_Pack(1, object);
  keywords = Py_BuildValue("{s(ii)}", "max_abi", OSC_MAJOR, OSC_MINOR);
  if (arguments != NULL && keywords != NULL) {
    capsule = PyObject_Call(method, arguments, keywords);
  }
  Py_XDECREF(arguments);
  Py_XDECREF(keywords);
  Py_DECREF(method);
  if (capsule == NULL) {
    return -1;
  }
  outcome = open_capsule(capsule, store);
  Py_DECREF(capsule);
  return outcome;
}

/* ---- waiting ------------------------------------------------------------------------------------------------------------- */

/* Gives back a result whose buffers, stream and upload were taken. */
static void release_taken(const osc_result *result) {
  if (result->release != NULL) {
    result->release(result->owner);
  }
}

/* Begins an operation on a store, a stream or an upload. What a store cannot do is a slot that is empty, or not there. */
#define BEGIN(store, slot, target, args, wait)                                                                               \
  (osc_wait_init(wait), OSC_HAS((store)->vtable, slot)                                                                       \
                            ? (store)->vtable->slot(target, args, osc_wait_complete, wait, NULL, NULL)                       \
                            : -OSC_ERROR_NOT_IMPLEMENTED)

/* Waits for an operation whose call answered `code`, without holding up Python's other threads: 0, or -1 with an exception. After 0
 * the result is the caller's, who discards it. */
static int finish(const osc_store *store, osc_wait *wait, int32_t code) {
  if (code == OSC_PENDING) {
    Py_BEGIN_ALLOW_THREADS
    osc_wait_for(wait);
    Py_END_ALLOW_THREADS
  }
  osc_wait_destroy(wait);
  if (code < 0) {
    raise_refusal(store, code);
    return -1;
  }
  if (wait->result.status != 0) {
    raise_result(&wait->result);
    osc_result_discard(store->vtable, &wait->result);
    return -1;
  }
  return 0;
}

#endif
