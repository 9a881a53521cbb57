#pragma once

#include <node_api.h>

#include <cstdint>
#include <vector>

namespace nabla {

/**
 * Objects of JavaScript that go by numbers, and the numbers of those that the collector has taken. Finalizers would
 * wait until JavaScript yields, and a loop of operations may not do so for long.
 */
class Watch {
 public:
  void add(napi_env env, napi_value object, double number);

  /** The numbers of what was taken since the last call; of old objects only if the collector has looked at those, or
   * `all` is true. */
  std::vector<double> collected(napi_env env, bool all);

 private:
  struct Watched {
    napi_ref reference;
    double number;
  };

  /** An object that nothing else knows, and how many collections it has seen. It is held until the second, which makes
   * it old. */
  struct Sign {
    napi_ref reference = nullptr;
    int age = 0;
  };

  static void take(napi_env env, std::vector<Watched>& watched, std::vector<double>& gone);
  bool saw_all(napi_env env);

  /** By how many collections they have lived through: none, one, and more. What is old is taken only where the
   * collector looks at all. */
  std::vector<Watched> young_, grown_, old_;
  /** Nothing else holds it, so that it is gone when the collector has run. */
  napi_ref fresh_ = nullptr;
  Sign aged_;
};

}  // namespace nabla
