// On Windows a library names the file that each function comes from, which would be node.exe: in an executable of
// another name nothing would be found. So these are looked up where the process itself has them, and no import library
// is needed. One that is missing here is an error of the linker.

#include <node_api.h>
#include <windows.h>

namespace {

/** Node's own file, or the library that it was linked to. */
FARPROC find(const char* name) {
  const FARPROC found = GetProcAddress(GetModuleHandleA(nullptr), name);
  if (found != nullptr) return found;
  const HMODULE shared = GetModuleHandleA("libnode.dll");
  return shared == nullptr ? nullptr : GetProcAddress(shared, name);
}

}  // namespace

/** What a call of a function that was declared as imported goes through. */
#define NABLA_IMPORT(name) extern "C" const FARPROC __imp_##name = find(#name);

NABLA_IMPORT(napi_add_env_cleanup_hook)
NABLA_IMPORT(napi_add_finalizer)
NABLA_IMPORT(napi_create_array)
NABLA_IMPORT(napi_create_array_with_length)
NABLA_IMPORT(napi_create_arraybuffer)
NABLA_IMPORT(napi_create_double)
NABLA_IMPORT(napi_create_error)
NABLA_IMPORT(napi_create_external_arraybuffer)
NABLA_IMPORT(napi_create_function)
NABLA_IMPORT(napi_create_int64)
NABLA_IMPORT(napi_create_object)
NABLA_IMPORT(napi_create_promise)
NABLA_IMPORT(napi_create_reference)
NABLA_IMPORT(napi_create_string_utf8)
NABLA_IMPORT(napi_create_threadsafe_function)
NABLA_IMPORT(napi_create_typedarray)
NABLA_IMPORT(napi_delete_reference)
NABLA_IMPORT(napi_get_array_length)
NABLA_IMPORT(napi_get_arraybuffer_info)
NABLA_IMPORT(napi_get_boolean)
NABLA_IMPORT(napi_get_cb_info)
NABLA_IMPORT(napi_get_element)
NABLA_IMPORT(napi_get_named_property)
NABLA_IMPORT(napi_get_reference_value)
NABLA_IMPORT(napi_get_typedarray_info)
NABLA_IMPORT(napi_get_undefined)
NABLA_IMPORT(napi_get_value_bool)
NABLA_IMPORT(napi_get_value_double)
NABLA_IMPORT(napi_get_value_int32)
NABLA_IMPORT(napi_get_value_string_utf8)
NABLA_IMPORT(napi_reference_unref)
NABLA_IMPORT(napi_reject_deferred)
NABLA_IMPORT(napi_release_threadsafe_function)
NABLA_IMPORT(napi_resolve_deferred)
NABLA_IMPORT(napi_set_element)
NABLA_IMPORT(napi_set_instance_data)
NABLA_IMPORT(napi_set_named_property)
NABLA_IMPORT(napi_throw_error)
