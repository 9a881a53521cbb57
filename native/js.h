#pragma once

#include <node_api.h>

#include <cstddef>
#include <exception>
#include <string>
#include <vector>

/**
 * Node-API as C++, as far as the addon needs it. Every call of Node-API can fail, most of all in a worker that is being
 * terminated, where no error can be created or thrown any more: then the call from JavaScript returns, and that is all.
 */
namespace nabla::js {

/** A call of Node-API that failed. Where that is JavaScript's doing an exception is pending. */
struct Refused {
  napi_status status;
};

inline void check(napi_status status) {
  if (status != napi_ok) throw Refused{status};
}

/** Throws in JavaScript what was thrown here, if anything can be thrown there. */
void pass_on(napi_env env, std::exception_ptr thrown) noexcept;

/** An error for what was thrown here. */
napi_value error_of(napi_env env, std::exception_ptr thrown);

/** The value of `body`, or nothing if it throws; JavaScript sees the error. No exception may leave an addon. */
template <typename Body>
napi_value guarded(napi_env env, const Body& body) noexcept {
  try {
    return body();
  } catch (...) {
    pass_on(env, std::current_exception());
    return nullptr;
  }
}

/** A call from JavaScript: its arguments, and what the function was made with. */
template <size_t Arguments>
struct Call {
  napi_value arguments[Arguments];
  void* data;

  Call(napi_env env, napi_callback_info info) {
    size_t count = Arguments;
    check(napi_get_cb_info(env, info, &count, arguments, nullptr, &data));
  }
};

inline napi_value undefined(napi_env env) {
  napi_value value;
  check(napi_get_undefined(env, &value));
  return value;
}

inline napi_value number(napi_env env, double of) {
  napi_value value;
  check(napi_create_double(env, of, &value));
  return value;
}

inline napi_value boolean(napi_env env, bool of) {
  napi_value value;
  check(napi_get_boolean(env, of, &value));
  return value;
}

inline napi_value string(napi_env env, const std::string& of) {
  napi_value value;
  check(napi_create_string_utf8(env, of.data(), of.size(), &value));
  return value;
}

inline napi_value function(napi_env env, const char* name, napi_callback callback, void* data) {
  napi_value value;
  check(napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, data, &value));
  return value;
}

inline double to_double(napi_env env, napi_value value) {
  double number;
  check(napi_get_value_double(env, value, &number));
  return number;
}

inline napi_value property(napi_env env, napi_value object, const char* name) {
  napi_value value;
  check(napi_get_named_property(env, object, name, &value));
  return value;
}

/** Where a typed array's elements are. They stay there as long as JavaScript holds the array. */
template <typename T>
struct Elements {
  T* data;
  size_t length;

  T* begin() const { return data; }
  T* end() const { return data + length; }
};

template <typename T>
inline constexpr napi_typedarray_type kArrayType = napi_float64_array;
template <>
inline constexpr napi_typedarray_type kArrayType<int32_t> = napi_int32_array;

template <typename T>
Elements<T> elements(napi_env env, napi_value array) {
  napi_typedarray_type type;
  Elements<T> found;
  void* data;
  check(napi_get_typedarray_info(env, array, &type, &found.length, &data, nullptr, nullptr));
  if (type != kArrayType<T>) throw Refused{napi_invalid_arg};
  found.data = static_cast<T*>(data);
  return found;
}

/** An array of texts. */
std::vector<std::string> strings(napi_env env, napi_value array);

napi_value array_of(napi_env env, const std::vector<double>& numbers);

/** What a reference is to; nullptr if that was collected. */
inline napi_value value_of(napi_env env, napi_ref reference) {
  napi_value value;
  check(napi_get_reference_value(env, reference, &value));
  return value;
}

inline napi_ref reference_to(napi_env env, napi_value value, uint32_t holds) {
  napi_ref reference;
  check(napi_create_reference(env, value, holds, &reference));
  return reference;
}

}  // namespace nabla::js
