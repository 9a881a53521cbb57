#include "js.h"

#include <new>
#include <system_error>

#include "failure.h"

namespace nabla::js {

namespace {

/** Calls `use(code, message)` with what lib/backend/native/failure.ts knows a failure by. */
template <typename Use>
void describe(std::exception_ptr thrown, const Use& use) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Refused&) {
    use("ERR_NABLA", "a call of Node-API failed");
  } catch (const std::bad_alloc& failure) {
    use("ERR_NABLA_MEMORY", failure.what());
  } catch (const std::system_error& failure) {
    use("ERR_NABLA_THREAD", failure.what());
  } catch (const Failure& failure) {
    use(failure.code, failure.what());
  } catch (const std::exception& failure) {
    use("ERR_NABLA", failure.what());
  }
}

}  // namespace

/** Calls fail where an exception is pending already, or JavaScript must not run any more. That is as it should be. */
void pass_on(napi_env env, std::exception_ptr thrown) noexcept {
  describe(thrown, [env](const char* code, const char* message) { napi_throw_error(env, code, message); });
}

napi_value error_of(napi_env env, std::exception_ptr thrown) {
  napi_value error = nullptr;
  describe(thrown, [env, &error](const char* code, const char* message) {
    check(napi_create_error(env, string(env, code), string(env, message), &error));
  });
  return error;
}

std::vector<std::string> strings(napi_env env, napi_value array) {
  uint32_t length;
  check(napi_get_array_length(env, array, &length));
  std::vector<std::string> found(length);
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    size_t bytes;
    check(napi_get_element(env, array, i, &element));
    check(napi_get_value_string_utf8(env, element, nullptr, 0, &bytes));
    found[i].resize(bytes);
    check(napi_get_value_string_utf8(env, element, found[i].data(), bytes + 1, nullptr));
  }
  return found;
}

napi_value array_of(napi_env env, const std::vector<double>& numbers) {
  napi_value array;
  check(napi_create_array_with_length(env, numbers.size(), &array));
  uint32_t index = 0;
  for (const double one : numbers) check(napi_set_element(env, array, index++, number(env, one)));
  return array;
}

}  // namespace nabla::js
