// An extension module in C++ over the header alone: a few functions over a store that somebody else opened.
//
// `store.hpp` is what any such module needs. Build it with a C++ compiler, with `object_store_c.h` in the include path, and nothing to
// link.
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>

#define IMPORTER "consumers.cpp 0.1.0"
#include "store.hpp"

#include <deque>
#include <new>
#include <optional>
#include <vector>

namespace {

// Parses arguments as `PyArg_ParseTuple` does.
template <class... Targets>
void parse(PyObject *arguments, const char *format, Targets *...targets) {
  if (!PyArg_ParseTuple(arguments, format, targets...)) throw Raised();
}

osc_get_args whole(const char *path) {
  OSC_ARGS(osc_get_args, args);
  args.path = osc_str_from(path);
  args.prefetch_bytes = UINT64_MAX;  // all of it, with the first answer
  return args;
}

Object joined(const osc_buffer *buffers, size_t count) {
  size_t length = 0;
  for (size_t index = 0; index < count; index++) length += buffers[index].len;
  Object bytes(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(length)));
  char *target = PyBytes_AsString(bytes.get());
  for (size_t index = 0; index < count; index++) {
    if (buffers[index].len > 0) memcpy(target, buffers[index].ptr, buffers[index].len);
    target += buffers[index].len;
  }
  return bytes;
}

void append(const Object &list, const Object &item) {
  if (PyList_Append(list.get(), item.get()) < 0) throw Raised();
}

// Bytes to hand over: a string of our own, as Python's are freed by a thread that has the interpreter, and a store's threads have not.
class Payload {
 public:
  explicit Payload(std::string_view content) : owner_(new std::string(content)) {
    buffer_ = {reinterpret_cast<const uint8_t *>(owner_->data()), owner_->size(), owner_,
               [](void *owner) noexcept { delete static_cast<std::string *>(owner); }};
  }
  Payload(const Payload &) = delete;
  ~Payload() {
    if (!is_taken_) osc_buffer_release(&buffer_);
  }
  const osc_buffer *buffer() const { return &buffer_; }
  // A call that was not refused has taken the bytes.
  void given(const Operation &operation) { is_taken_ = !operation.is_refused(); }

 private:
  std::string *owner_;
  osc_buffer buffer_;
  bool is_taken_ = false;
};

std::pair<Object, const void *> content_of(const Store &store, const char *path) {
  Result result = Operation(store.vtable(), store.vtable()->get, store.data(), whole(path)).finish();
  const auto &body = result.body<osc_get_body>();
  return {joined(body.buffers, body.buffer_count), body.buffer_count == 0 ? nullptr : body.buffers[0].ptr};
}

// What the store says of itself.
PyObject *describe(PyObject *object) {
  Store store(object);
  osc_buffer name;
  int32_t code = store.vtable()->describe == nullptr ? -OSC_ERROR_NOT_SUPPORTED
                                                     : store.vtable()->describe(store.data(), OSC_DESCRIBE_NAME, &name);
  if (code != 0) refuse(store.vtable(), code);
  std::string text(view({name.ptr, name.len}));
  osc_buffer_release(&name);
  text.append(" of ").append(view(store.vtable()->header.info));
  return PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
}

// An object, and the address at which its bytes were received.
PyObject *get(PyObject *arguments) {
  PyObject *object;
  const char *path;
  parse(arguments, "Os", &object, &path);
  auto [content, address] = content_of(Store(object), path);
  Object number(PyLong_FromVoidPtr(const_cast<void *>(address)));
  return PyTuple_Pack(2, content.get(), number.get());
}

// Several ranges of an object.
PyObject *get_ranges(PyObject *arguments) {
  PyObject *object, *pairs;
  const char *path;
  parse(arguments, "OsO!", &object, &path, &PyList_Type, &pairs);
  Store store(object);
  std::vector<osc_range> ranges;
  for (Py_ssize_t index = 0; index < PyList_Size(pairs); index++) {
    unsigned long long start, end;
    if (!PyArg_Parse(PyList_GetItem(pairs, index), "(KK)", &start, &end)) throw Raised();
    ranges.push_back({OSC_RANGE_BOUNDED, start, end});
  }
  OSC_ARGS(osc_ranges_args, args);
  args.path = osc_str_from(path);
  args.ranges = ranges.data();
  args.range_count = ranges.size();
  Result result = Operation(store.vtable(), store.vtable()->get_ranges, store.data(), args).finish();
  const auto &body = result.body<osc_stream_body>();
  Object list(PyList_New(0));
  for (size_t index = 0; index < body.buffer_count; index++) append(list, joined(&body.buffers[index], 1));
  return list.give();
}

// The bytes of an object, counted while they arrive.
PyObject *stream_length(PyObject *arguments) {
  PyObject *object;
  const char *path;
  parse(arguments, "Os", &object, &path);
  Store store(object);
  osc_get_args args = whole(path);
  args.prefetch_bytes = 0;
  unsigned long long length = 0;
  auto count = [&length](const auto &body) {
    for (size_t index = 0; index < body.buffer_count; index++) length += body.buffers[index].len;
  };
  Result first = Operation(store.vtable(), store.vtable()->get, store.data(), args).finish();
  const auto &body = first.body<osc_get_body>();
  count(body);
  // Taken are the stream and the buffers.
  for (size_t index = 0; index < body.buffer_count; index++) osc_buffer_release(&body.buffers[index]);
  Stream stream(store.vtable(), body.stream);
  first.taken();
  for (bool is_end = !stream; !is_end;) {
    Result result = stream.next();
    count(result.body<osc_stream_body>());
    is_end = result.is_end();
  }
  return PyLong_FromUnsignedLongLong(length);
}

// Reads an object `count` times at once. `is_attached` holds on to the interpreter meanwhile: a store must not need it.
PyObject *gather(PyObject *arguments) {
  PyObject *object;
  const char *path;
  Py_ssize_t count;
  int is_attached;
  parse(arguments, "Osnp", &object, &path, &count, &is_attached);
  Store store(object);
  std::deque<Operation> operations;
  for (Py_ssize_t index = 0; index < count; index++) {
    operations.emplace_back(store.vtable(), store.vtable()->get, store.data(), whole(path));
  }
  unsigned long long length = 0;
  for (Operation &operation : operations) {
    Result result = operation.finish(is_attached != 0);
    length += result.body<osc_get_body>().end - result.body<osc_get_body>().start;
  }
  return PyLong_FromUnsignedLongLong(length);
}

// Writes an object, and returns the address of the bytes that were handed over. `create`: only where there is none.
PyObject *put(PyObject *arguments, PyObject *keywords) {
  static const char *names[] = {"store", "path", "content", "create", nullptr};
  PyObject *object;
  const char *path, *content;
  Py_ssize_t length;
  int create = 0;
  if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "Osy#|$p", const_cast<char **>(names), &object, &path, &content,
                                   &length, &create)) {
    throw Raised();
  }
  Store store(object);
  Payload payload({content, static_cast<size_t>(length)});
  void *address = const_cast<uint8_t *>(payload.buffer()->ptr);
  OSC_ARGS(osc_put_args, args);
  args.path = osc_str_from(path);
  args.buffers = payload.buffer();
  args.buffer_count = 1;
  args.mode = create ? OSC_PUT_CREATE : OSC_PUT_OVERWRITE;
  Operation operation(store.vtable(), store.vtable()->put, store.data(), args);
  payload.given(operation);
  operation.finish();
  return PyLong_FromVoidPtr(address);
}

// An upload: called off unless it is completed, as what was stored of it costs money until then.
class Upload {
 public:
  Upload(const Store &store, const char *path) : vtable_(store.vtable()) {
    OSC_ARGS(osc_upload_args, args);
    args.path = osc_str_from(path);
    Result result = Operation(vtable_, vtable_->upload_start, store.data(), args).finish();
    handle_ = result.body<osc_upload_body>().upload;
    result.taken();
  }
  Upload(const Upload &) = delete;
  ~Upload() {
    if (!is_complete_) {
      OSC_ARGS(osc_end_args, args);
      Operation(vtable_, vtable_->upload_abort, handle_, args);
    }
    vtable_->upload_release(handle_);
  }
  void part(std::string_view content) {
    Payload payload(content);
    OSC_ARGS(osc_part_args, args);
    args.buffers = payload.buffer();
    args.buffer_count = 1;
    Operation operation(vtable_, vtable_->upload_part, handle_, args);
    payload.given(operation);
    operation.finish();
  }
  void complete() {
    OSC_ARGS(osc_end_args, args);
    Operation(vtable_, vtable_->upload_complete, handle_, args).finish();
    is_complete_ = true;
  }

 private:
  const osc_vtable *vtable_;
  void *handle_;
  bool is_complete_ = false;
};

// Writes an object in parts.
PyObject *upload(PyObject *arguments) {
  PyObject *object, *parts;
  const char *path;
  parse(arguments, "OsO!", &object, &path, &PyList_Type, &parts);
  Upload upload(Store(object), path);
  for (Py_ssize_t index = 0; index < PyList_Size(parts); index++) {
    char *content;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(PyList_GetItem(parts, index), &content, &length) < 0) throw Raised();
    upload.part({content, static_cast<size_t>(length)});
  }
  upload.complete();
  return Py_NewRef(Py_None);
}

// The paths and sizes of the objects under a prefix.
PyObject *list_objects(PyObject *arguments) {
  PyObject *object;
  const char *prefix;
  parse(arguments, "Os", &object, &prefix);
  Store store(object);
  OSC_ARGS(osc_list_args, args);
  args.prefix = osc_str_from(prefix);
  void *handle = nullptr;
  int32_t code = store.vtable()->list == nullptr ? -OSC_ERROR_NOT_IMPLEMENTED
                                                 : store.vtable()->list(store.data(), &args, &handle);
  if (code != 0) refuse(store.vtable(), code);
  Stream stream(store.vtable(), handle);
  Object found(PyList_New(0));
  for (bool is_end = false; !is_end;) {
    Result result = stream.next();
    const auto &body = result.body<osc_list_body>();
    const osc_meta *meta = body.objects;
    for (size_t index = 0; index < body.object_count; index++, meta = osc_meta_next(meta)) {
      std::string_view path = view(meta->location);
      append(found, Object(Py_BuildValue("(s#K)", path.data(), static_cast<Py_ssize_t>(path.size()),
                                         static_cast<unsigned long long>(meta->size))));
    }
    is_end = result.is_end();
  }
  return found.give();
}

// A store that the module keeps between calls, as one with a cache does. It stays until the process ends.
std::optional<Store> &kept() {
  static auto *store = new std::optional<Store>();
  return *store;
}

PyObject *keep(PyObject *object) {
  kept() = Store(object);
  return Py_NewRef(Py_None);
}

PyObject *get_kept(PyObject *arguments) {
  const char *path;
  parse(arguments, "s", &path);
  if (!kept()) raise(PyExc_ValueError, "no store was kept");
  Store store = *kept();  // another thread may keep another one meanwhile
  return content_of(store, path).first.give();
}

// No exception of C++ may reach Python.
template <class Function, class... Arguments>
PyObject *guarded(Function function, Arguments... arguments) {
  try {
    return function(arguments...);
  } catch (const Raised &) {
    return nullptr;
  } catch (const std::bad_alloc &) {
    return PyErr_NoMemory();
  }
}

template <PyObject *(*function)(PyObject *)>
PyObject *called(PyObject *, PyObject *arguments) {
  return guarded(function, arguments);
}

PyObject *called_put(PyObject *, PyObject *arguments, PyObject *keywords) { return guarded(put, arguments, keywords); }

PyMethodDef functions[] = {
    {"describe", called<describe>, METH_O, "What the store says of itself."},
    {"get", called<get>, METH_VARARGS, "An object, and the address at which its bytes were received."},
    {"get_ranges", called<get_ranges>, METH_VARARGS, "Several ranges of an object."},
    {"stream_length", called<stream_length>, METH_VARARGS, "The bytes of an object, counted while they arrive."},
    {"gather", called<gather>, METH_VARARGS, "Reads an object several times at once."},
    {"put", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(called_put)), METH_VARARGS | METH_KEYWORDS,
     "Writes an object."},
    {"upload", called<upload>, METH_VARARGS, "Writes an object in parts."},
    {"list_objects", called<list_objects>, METH_VARARGS, "The paths and sizes of the objects under a prefix."},
    {"keep", called<keep>, METH_O, "Keeps a store for later calls."},
    {"get_kept", called<get_kept>, METH_VARARGS, "An object of the store that was kept."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "cpp", "A consumer of object stores in C++.", -1, functions, nullptr, nullptr, nullptr, nullptr,
};

PyObject *made() {
  Object module(PyModule_Create(&definition));
  Object built_with(Py_BuildValue("{ssssss}", "language", "C++17", "binding", "Python's C interface", "store",
                                  "object_store_c.h"));
  if (PyModule_AddObjectRef(module.get(), "BUILT_WITH", built_with.get()) < 0) throw Raised();
  return module.give();
}

}  // namespace

PyMODINIT_FUNC PyInit_cpp() { return guarded(made); }
