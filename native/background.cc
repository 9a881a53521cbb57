#include "background.h"

#include <utility>

#include "js.h"

namespace nabla {

namespace {

template <typename T>
T* as_pointer(double address) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(address));
}

/** The properties of a LoopPlan. */
class Plan {
 public:
  Plan(napi_env env, napi_value plan) : env_(env), plan_(plan) {}

  double number(const char* name) const { return js::to_double(env_, js::property(env_, plan_, name)); }

  template <typename T>
  js::Elements<T> elements(const char* name) const {
    return js::elements<T>(env_, js::property(env_, plan_, name));
  }

  std::vector<Feed> feeds() const {
    std::vector<Feed> feeds;
    const auto numbers = elements<double>("feeds");
    for (size_t i = 0; i + 3 < numbers.length; i += 4) {
      const double* feed = numbers.data + i;
      feeds.push_back({static_cast<int>(feed[0]), as_pointer<const char>(feed[1]), static_cast<int64_t>(feed[2]),
                       static_cast<int64_t>(feed[3])});
    }
    return feeds;
  }

  std::vector<NumberTarget> targets() const {
    std::vector<NumberTarget> targets;
    const auto numbers = elements<double>("targets");
    for (size_t i = 0; i + 1 < numbers.length; i += 2) {
      targets.push_back({as_pointer<double>(numbers.data[i]), static_cast<int64_t>(numbers.data[i + 1])});
    }
    return targets;
  }

  Steps steps() const {
    const auto ports = elements<double>("ports");
    return {
        .count = static_cast<int64_t>(number("steps")),
        .batch_size = static_cast<int64_t>(number("batchSize")),
        .ports = std::vector(ports.begin(), ports.end()),
        .feeds = feeds(),
        .order = as_pointer<const int32_t>(number("order")),
        .targets = targets(),
        .rows = as_pointer<const double>(number("rows")),
        .watched = as_pointer<const char>(number("watched")),
        .watched_type = static_cast<DType>(number("watchedType")),
        .history = as_pointer<double>(number("history")),
        .control = elements<int32_t>("control").data,
    };
  }

 private:
  napi_env env_;
  napi_value plan_;
};

}  // namespace

napi_value BackgroundLoop::start(napi_env env, napi_value plan, BackgroundLoops& loops, Replay& replay,
                                 const Kernels& kernels) {
  const Plan properties(env, plan);
  Steps steps = properties.steps();
  auto self = std::make_unique<BackgroundLoop>();
  self->stop_ = properties.elements<double>("stop").data;
  loops.reserve(loops.size() + 1);
  napi_value promise;
  js::check(napi_create_promise(env, &self->promise_, &promise));
  const napi_threadsafe_function message = end_message(env, *self);
  // From here on it is the message that it lives by.
  BackgroundLoop& running = *self.release();
  try {
    js::check(napi_create_reference(env, plan, 1, &running.plan_));
    running.loop_.emplace(replay, kernels, std::move(steps),
                          [message] { napi_release_threadsafe_function(message, napi_tsfn_release); });
  } catch (...) {
    napi_release_threadsafe_function(message, napi_tsfn_release);
    throw;
  }
  running.loops_ = &loops;
  loops.push_back(&running);
  return promise;
}

/** That its one thread releases it is the message; it is never called. Until then the event loop stays alive. */
napi_threadsafe_function BackgroundLoop::end_message(napi_env env, BackgroundLoop& self) {
  napi_threadsafe_function message;
  const auto call = [](napi_env, napi_value, void*, void*) {};
  js::check(napi_create_threadsafe_function(env, nullptr, nullptr, js::string(env, "nabla"), 0, 1, &self, finish,
                                            nullptr, call, &message));
  return message;
}

/** On the environment's own thread: the loop's thread is done, or the environment has ended and its loops with it. */
void BackgroundLoop::finish(napi_env env, void* data, void*) {
  const std::unique_ptr<BackgroundLoop> self(static_cast<BackgroundLoop*>(data));
  if (self->loops_ != nullptr) {
    std::erase(*self->loops_, self.get());
    self->settle(env);
  }
  if (self->plan_ != nullptr) napi_delete_reference(env, self->plan_);
}

/** Where JavaScript must not run any more this fails, unheard. */
void BackgroundLoop::settle(napi_env env) {
  try {
    const Stop stop = loop_->result();
    stop_[0] = static_cast<double>(stop.instruction);
    stop_[1] = static_cast<double>(stop.position);
    napi_resolve_deferred(env, promise_, js::undefined(env));
  } catch (const js::Refused&) {
    return;
  } catch (...) {
    js::guarded(env, [&] {
      napi_reject_deferred(env, promise_, js::error_of(env, std::current_exception()));
      return nullptr;
    });
  }
}

void BackgroundLoop::end_all(BackgroundLoops& loops) {
  for (BackgroundLoop* running : loops) running->loop_->stop();
  for (BackgroundLoop* running : loops) {
    running->loop_.reset();
    running->loops_ = nullptr;
  }
  loops.clear();
}

}  // namespace nabla
