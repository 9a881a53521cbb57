#pragma once

#include <node_api.h>

#include <cstddef>
#include <vector>

namespace nabla {

/**
 * Objects of JavaScript that can be found as long as something else keeps them. A WeakRef would keep each of them until
 * JavaScript yields, and a loop that makes models may not do so for long.
 */
class WeakList {
 public:
  void add(napi_env env, napi_value object);

  /** An array of those that are still there. */
  napi_value values(napi_env env);

 private:
  std::vector<napi_ref> references_;
  /** How many there may be before those that are gone are looked for. */
  size_t limit_ = 1024;
};

}  // namespace nabla
