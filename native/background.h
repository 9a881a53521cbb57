#pragma once

#include <node_api.h>

#include <memory>
#include <optional>
#include <vector>

#include "loop.h"

namespace nabla {

class BackgroundLoop;

/** The loops that an environment has under way. */
using BackgroundLoops = std::vector<BackgroundLoop*>;

/**
 * A loop, and what of JavaScript belongs to it. It lives until Node lets go of the message that its thread sends at the
 * end, which may be after the environment's own end.
 */
class BackgroundLoop {
 public:
  /** Starts a loop and returns the promise of its end. `plan`, a LoopPlan, stays reachable with all memory in use. */
  static napi_value start(napi_env env, napi_value plan, BackgroundLoops& loops, Replay& replay,
                          const Kernels& kernels);

  /** Ends all loops: an environment that ends takes their memory with it. */
  static void end_all(BackgroundLoops& loops);

 private:
  static void finish(napi_env env, void* data, void* hint);
  static napi_threadsafe_function end_message(napi_env env, BackgroundLoop& self);

  void settle(napi_env env);

  /** Null once the environment has ended. */
  BackgroundLoops* loops_ = nullptr;
  std::optional<Loop> loop_;
  napi_deferred promise_ = nullptr;
  napi_ref plan_ = nullptr;
  /** [instruction, position] for JavaScript. */
  double* stop_ = nullptr;
};

}  // namespace nabla
