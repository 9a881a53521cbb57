#include "watch.h"

#include "js.h"

namespace nabla {

namespace {

bool is_gone(napi_env env, napi_ref reference) { return js::value_of(env, reference) == nullptr; }

/** To an object of its own, in place of what `reference` was to. */
void renew(napi_env env, napi_ref& reference, uint32_t holds) {
  if (reference != nullptr) js::check(napi_delete_reference(env, reference));
  reference = nullptr;
  napi_value object;
  js::check(napi_create_object(env, &object));
  reference = js::reference_to(env, object, holds);
}

}  // namespace

void Watch::add(napi_env env, napi_value object, double number) {
  young_.push_back({js::reference_to(env, object, 0), number});
}

std::vector<double> Watch::collected(napi_env env, bool all) {
  std::vector<double> gone;
  const bool ran = fresh_ == nullptr || is_gone(env, fresh_);
  if (!ran && !all) return gone;
  take(env, young_, gone);
  take(env, grown_, gone);
  if (saw_all(env) || all) take(env, old_, gone);
  old_.insert(old_.end(), grown_.begin(), grown_.end());
  grown_.swap(young_);
  young_.clear();
  renew(env, fresh_, 0);
  return gone;
}

void Watch::take(napi_env env, std::vector<Watched>& watched, std::vector<double>& gone) {
  size_t kept = 0;
  for (const Watched& one : watched) {
    if (!is_gone(env, one.reference)) {
      watched[kept++] = one;
      continue;
    }
    js::check(napi_delete_reference(env, one.reference));
    gone.push_back(one.number);
  }
  watched.resize(kept);
}

/** Whether the collector has looked at old objects since the last time that it had. */
bool Watch::saw_all(napi_env env) {
  const bool is_old = aged_.age >= 2;
  const bool saw = aged_.reference == nullptr || (is_old && is_gone(env, aged_.reference));
  if (saw) {
    renew(env, aged_.reference, 1);
    aged_.age = 0;
  } else if (!is_old && ++aged_.age == 2) {
    uint32_t holds;
    js::check(napi_reference_unref(env, aged_.reference, &holds));
  }
  return saw;
}

}  // namespace nabla
