#include "weak_list.h"

#include <algorithm>

#include "js.h"

namespace nabla {

void WeakList::add(napi_env env, napi_value object) {
  if (references_.size() >= limit_) {
    values(env);
    limit_ = std::max<size_t>(1024, 2 * references_.size());
  }
  references_.push_back(js::reference_to(env, object, 0));
}

napi_value WeakList::values(napi_env env) {
  napi_value found;
  js::check(napi_create_array(env, &found));
  size_t kept = 0;
  for (const napi_ref reference : references_) {
    const napi_value value = js::value_of(env, reference);
    if (value == nullptr) {
      js::check(napi_delete_reference(env, reference));
      continue;
    }
    js::check(napi_set_element(env, found, static_cast<uint32_t>(kept), value));
    references_[kept++] = reference;
  }
  references_.resize(kept);
  return found;
}

}  // namespace nabla
