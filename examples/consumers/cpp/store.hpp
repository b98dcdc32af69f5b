// What an extension module in C++ needs to use stores of others: copy it. `IMPORTER` is who asks, for the messages of errors.
//
// Everything is owned, and given back by destructors. A `Raised` says that a Python exception is set. All of it is used by threads that
// have the interpreter; only the callback, and the body of `Detached`, are not.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#define OSC_WITH_WAIT
#include "object_store_c.h"

struct Raised {};

// A reference to a Python object.
class Object {
 public:
  explicit Object(PyObject *made) : object_(made) {
    if (made == nullptr) throw Raised();
  }
  Object(Object &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Object(const Object &) = delete;
  Object &operator=(const Object &) = delete;
  ~Object() { Py_XDECREF(object_); }
  PyObject *get() const { return object_; }
  PyObject *give() { return std::exchange(object_, nullptr); }

 private:
  PyObject *object_;
};

// Before Python 3.14, a thread that comes back while the interpreter ends is ended by unwinding its stack. That would run destructors
// without the interpreter, and reach functions that let nothing out. So it stays here, until the process ends.
[[gnu::noinline]] inline void attach(PyThreadState *state) {
  struct Stay {
    bool is_back = false;
    ~Stay() {
      while (!is_back) pause();
    }
  } stay;
  PyEval_RestoreThread(state);
  stay.is_back = true;
}

// While this lives, other threads of Python run.
class Detached {
 public:
  Detached() : state_(PyEval_SaveThread()) {}
  Detached(const Detached &) = delete;
  ~Detached() { attach(state_); }

 private:
  PyThreadState *state_;
};

inline std::string_view view(osc_str text) { return {reinterpret_cast<const char *>(text.ptr), text.len}; }

inline osc_str lent(std::string_view text) { return {reinterpret_cast<const uint8_t *>(text.data()), text.size()}; }

[[noreturn]] inline void raise(PyObject *type, const std::string &message) {
  PyErr_SetString(type, message.c_str());
  throw Raised();
}

// The kind of an error crosses with it, so code that branches on it goes on to work.
inline PyObject *exception_of(int32_t code) {
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

// Raises what a refused call means: minus an error's code.
[[noreturn]] inline void refuse(const osc_vtable *vtable, int32_t code) {
  const char *reason = code == -OSC_ERROR_FORKED ? "belongs to the process that this one was forked from; ask for it again here"
                       : code == -OSC_ERROR_SHUTDOWN ? "has shut down"
                       : code == -OSC_ERROR_BUSY     ? "has too much under way; try again later"
                                                     : "refuses what was asked";
  raise(exception_of(-code), std::string(IMPORTER) + ": the store of " + std::string(view(vtable->header.info)) + " " + reason +
                                 " (error " + std::to_string(-code) + ")");
}

// What an operation came to. What is not taken out of it is given back.
class Result {
 public:
  Result(const osc_vtable *vtable, const osc_result &result) : vtable_(vtable), result_(result) {}
  Result(Result &&other) noexcept : vtable_(std::exchange(other.vtable_, nullptr)), result_(other.result_) {}
  Result(const Result &) = delete;
  ~Result() {
    if (vtable_ != nullptr) osc_result_discard(vtable_, &result_);
  }
  bool is_end() const { return (result_.flags & OSC_END) != 0; }
  template <class Body>
  const Body &body() const {
    return *static_cast<const Body *>(result_.body);
  }
  void check() const {
    if (result_.status == 0) return;
    bool has_path = result_.error != nullptr && result_.error->path.ptr != nullptr;
    std::string message = has_path ? std::string(view(result_.error->path)) : "a store";
    for (const osc_error *error = result_.error; error != nullptr; error = error->source) {
      message.append(": ").append(view(error->message));
    }
    raise(exception_of(result_.status), message + " (error " + std::to_string(result_.status) + ")");
  }
  // Releases the result itself; what was in it is the caller's, who has taken all of it.
  void taken() {
    vtable_ = nullptr;
    if (result_.release != nullptr) result_.release(result_.owner);
  }

 private:
  const osc_vtable *vtable_;
  osc_result result_;
};

// An operation that has begun. Its callback writes into it, so it neither moves nor goes before that.
class Operation {
 public:
  template <class Args>
  Operation(const osc_vtable *vtable,
            int32_t (*slot)(void *, const Args *, osc_complete, void *, osc_result *, void **) OSC_NOEXCEPT, void *target,
            const Args &args)
      : vtable_(vtable) {
    osc_wait_init(&wait_);
    code_ = slot == nullptr ? -OSC_ERROR_NOT_IMPLEMENTED
                            : slot(target, &args, osc_wait_complete, &wait_, nullptr, nullptr);
  }
  Operation(const Operation &) = delete;
  ~Operation() {
    if (code_ == OSC_PENDING) {
      Detached detached;
      osc_wait_for(&wait_);
      osc_result_discard(vtable_, &wait_.result);
    }
    osc_wait_destroy(&wait_);
  }
  bool is_refused() const { return code_ < 0; }
  // The result, whose `check` has passed. `is_attached` holds on to the interpreter while it waits.
  Result finish(bool is_attached = false) {
    if (code_ < 0) refuse(vtable_, code_);
    if (is_attached) {
      osc_wait_for(&wait_);
    } else {
      Detached detached;
      osc_wait_for(&wait_);
    }
    code_ = OSC_DONE;
    Result result(vtable_, wait_.result);
    result.check();
    return result;
  }

 private:
  const osc_vtable *vtable_;
  osc_wait wait_;
  int32_t code_;
};

// A reference to a live store.
class Store {
 public:
  // Takes the store out of any object that has one, or out of a capsule.
  explicit Store(PyObject *object) {
    if (PyCapsule_CheckExact(object)) {
      open(object);
      return;
    }
    Object type(PyObject_Type(object));
    PyObject *found = PyObject_GetAttrString(type.get(), OSC_METHOD_NAME);
    if (found == nullptr && PyErr_ExceptionMatches(PyExc_AttributeError)) {
      PyErr_Clear();
      PyErr_Format(PyExc_TypeError, "%s needs an object store, which is an object with a method %s; this has none: %R", IMPORTER,
                   OSC_METHOD_NAME, object);
    }
    Object method(found);
    Object arguments(PyTuple_Pack(1, object));
    Object keywords(Py_BuildValue("{s(ii)}", "max_abi", OSC_MAJOR, OSC_MINOR));
    Object capsule(PyObject_Call(method.get(), arguments.get(), keywords.get()));
    open(capsule.get());
  }
  Store(const Store &other) : store_(other.store_) { retain(); }
  Store &operator=(Store other) {
    std::swap(store_, other.store_);
    return *this;
  }
  ~Store() { store_.vtable->release(store_.data); }
  const osc_vtable *vtable() const { return store_.vtable; }
  void *data() const { return store_.data; }

 private:
  void open(PyObject *capsule) {
    if (!PyCapsule_IsValid(capsule, OSC_CAPSULE_NAME)) {
      const char *name = PyCapsule_CheckExact(capsule) ? PyCapsule_GetName(capsule) : nullptr;
      PyErr_Clear();
      raise(PyExc_BufferError, std::string(IMPORTER) + " needs a capsule named " + OSC_CAPSULE_NAME + ", and got " +
                                   (name == nullptr ? "something else" : std::string("one named ") + name));
    }
    store_ = *static_cast<const osc_store *>(PyCapsule_GetPointer(capsule, OSC_CAPSULE_NAME));
    if (const char *refusal = osc_store_check(&store_)) {
      raise(PyExc_BufferError, std::string(IMPORTER) + " cannot use this store: " + refusal);
    }
    retain();
  }
  void retain() const {
    int32_t code = store_.vtable->retain(store_.data);
    if (code != 0) refuse(store_.vtable, code);
  }

  osc_store store_;
};

// A stream: of an object's bytes, or of a listing.
class Stream {
 public:
  Stream(const osc_vtable *vtable, void *handle) : vtable_(vtable), handle_(handle) {}
  Stream(const Stream &) = delete;
  ~Stream() {
    if (handle_ != nullptr) vtable_->stream_release(handle_);
  }
  explicit operator bool() const { return handle_ != nullptr; }
  Result next() {
    OSC_ARGS(osc_next_args, args);
    return Operation(vtable_, vtable_->stream_next, handle_, args).finish();
  }

 private:
  const osc_vtable *vtable_;
  void *handle_;
};
