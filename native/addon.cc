#include <napi.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cpu.h"
#include "heap.h"
#include "instructions.h"
#include "loop.h"
#include "micro_ops.h"
#include "parallel.h"
#include "program_store.h"
#include "replay.h"

/** The N-API surface; lib/backend/native/addon.ts is its type. */
namespace nabla {

namespace {

constexpr int kTapeLength = 4096;

/** A loop that runs in the background, and what of JavaScript belongs to it. */
struct Background {
  Napi::Promise::Deferred promise;
  /** Memory that is in use. */
  Napi::ObjectReference memory;
  Napi::ThreadSafeFunction settle;
  std::unique_ptr<Loop> loop;
};

/** What one environment (the main thread, or a worker) has of its own. */
struct Environment {
  const Isa* isa;
  ProgramStore programs;
  /** By handle; null where they were unlinked. */
  std::vector<std::unique_ptr<Replay>> replays;
  std::set<std::unique_ptr<Background>> running;
  /** Memory of the tape's ArrayBuffer, which `tape_reference` keeps alive. */
  double* tape;
  Napi::Reference<Napi::ArrayBuffer> tape_reference;

  Environment() { enter_environment(); }
  ~Environment() { leave_environment(); }
};

/** Has all loops of an environment that ends stop, and waits for them: they use its memory. */
void stop_running(void* data) {
  auto* environment = static_cast<Environment*>(data);
  for (const auto& background : environment->running) background->loop->stop();
  for (const auto& background : environment->running) background->loop.reset();
}

/** Runs the instruction on the tape. The one call that is made all the time: it goes without the C++ wrappers. */
napi_value run(napi_env env, napi_callback_info info) {
  void* data;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  const auto* environment = static_cast<Environment*>(data);
  double result;
  try {
    result = static_cast<double>(execute(environment->tape, *environment->isa->kernels));
  } catch (const std::exception& error) {
    napi_throw_error(env, "ERR_NABLA", error.what());
    return nullptr;
  }
  napi_value value;
  napi_create_double(env, result, &value);
  return value;
}

/** Runs the instructions that the tape names, on the ports' addresses that follow. */
napi_value replay(napi_env env, napi_callback_info info) {
  void* data;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  const auto* environment = static_cast<Environment*>(data);
  Stop stop;
  try {
    Replay& instructions = *environment->replays[static_cast<size_t>(environment->tape[0])];
    stop = instructions.run(environment->tape + 1, *environment->isa->kernels);
  } catch (const std::exception& error) {
    napi_throw_error(env, "ERR_NABLA", error.what());
    return nullptr;
  }
  environment->tape[0] = static_cast<double>(stop.position);
  napi_value value;
  napi_create_double(env, static_cast<double>(stop.instruction), &value);
  return value;
}

Napi::Value define(const Napi::CallbackInfo& info) {
  const auto code = info[0].As<Napi::Int32Array>();
  const auto constants = info[1].As<Napi::Float64Array>();
  auto* environment = static_cast<Environment*>(info.Data());
  const Program* program = environment->programs.define(code.Data(), constants.Data());
  return Napi::Number::New(info.Env(), static_cast<double>(reinterpret_cast<uintptr_t>(program)));
}

template <typename T>
std::vector<T> copy_of(const Napi::TypedArrayOf<T>& array) {
  return std::vector<T>(array.Data(), array.Data() + array.ElementLength());
}

Napi::Value link(const Napi::CallbackInfo& info) {
  auto& replays = static_cast<Environment*>(info.Data())->replays;
  replays.push_back(std::make_unique<Replay>(
      copy_of<double>(info[0].As<Napi::Float64Array>()), copy_of<int32_t>(info[1].As<Napi::Int32Array>()),
      copy_of<int32_t>(info[2].As<Napi::Int32Array>()), copy_of<double>(info[3].As<Napi::Float64Array>())));
  return Napi::Number::New(info.Env(), static_cast<double>(replays.size() - 1));
}

void unlink(const Napi::CallbackInfo& info) {
  static_cast<Environment*>(info.Data())->replays[info[0].As<Napi::Number>().Uint32Value()].reset();
}

template <typename T>
T* pointer(const Napi::Object& from, const char* name) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(from.Get(name).As<Napi::Number>().DoubleValue()));
}

Steps steps_of(const Napi::Object& run) {
  Steps steps;
  steps.count = run.Get("steps").As<Napi::Number>().Int64Value();
  steps.batch_size = run.Get("batchSize").As<Napi::Number>().Int64Value();
  steps.ports = copy_of<double>(run.Get("ports").As<Napi::Float64Array>());
  const std::vector<double> feeds = copy_of<double>(run.Get("feeds").As<Napi::Float64Array>());
  for (size_t i = 0; i < feeds.size(); i += 3) {
    const char* rows = reinterpret_cast<const char*>(static_cast<uintptr_t>(feeds[i + 1]));
    steps.feeds.push_back({static_cast<int>(feeds[i]), rows, static_cast<int64_t>(feeds[i + 2])});
  }
  steps.order = pointer<const int32_t>(run, "order");
  steps.watched = pointer<const char>(run, "watched");
  steps.watched_type = static_cast<DType>(run.Get("watchedType").As<Napi::Number>().Int32Value());
  steps.history = pointer<double>(run, "history");
  steps.control = run.Get("control").As<Napi::Int32Array>().Data();
  return steps;
}

/** Settles the promise of a loop whose thread is done. */
void settle(Napi::Env env, Environment* environment, Background* background) {
  const auto found = std::find_if(environment->running.begin(), environment->running.end(),
                                  [=](const auto& one) { return one.get() == background; });
  try {
    const Stop stop = background->loop->join();
    Napi::Object result = Napi::Object::New(env);
    result["instruction"] = Napi::Number::New(env, static_cast<double>(stop.instruction));
    result["position"] = Napi::Number::New(env, static_cast<double>(stop.position));
    background->promise.Resolve(result);
  } catch (const std::exception& error) {
    background->promise.Reject(Napi::Error::New(env, error.what()).Value());
  }
  environment->running.erase(found);
}

Napi::Value start(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto* environment = static_cast<Environment*>(info.Data());
  Replay& replay = *environment->replays[info[0].As<Napi::Number>().Uint32Value()];
  const auto run = info[1].As<Napi::Object>();
  auto owned = std::make_unique<Background>(
      Background{Napi::Promise::Deferred::New(env), Napi::Persistent(run),
                 Napi::ThreadSafeFunction::New(env, Napi::Function(), "nabla", 0, 1), nullptr});
  Background* background = owned.get();
  environment->running.insert(std::move(owned));
  const auto done = [environment, background] {
    Napi::ThreadSafeFunction settled = background->settle;
    const auto call = [=](Napi::Env env, Napi::Function) { settle(env, environment, background); };
    if (settled.NonBlockingCall(call) != napi_closing) settled.Release();
  };
  background->loop = std::make_unique<Loop>(replay, *environment->isa->kernels, steps_of(run), done);
  return background->promise.Promise();
}

Napi::Value address_of(const Napi::CallbackInfo& info) {
  const auto address = reinterpret_cast<uintptr_t>(info[0].As<Napi::ArrayBuffer>().Data());
  return Napi::Number::New(info.Env(), static_cast<double>(address));
}

Napi::Value get_num_threads(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), num_threads()); }

void set_threads(const Napi::CallbackInfo& info) { nabla::set_num_threads(info[0].As<Napi::Number>().Int32Value()); }

template <typename Names>
Napi::Array string_array(Napi::Env env, const Names& names) {
  Napi::Array array = Napi::Array::New(env);
  for (const std::string& name : names) array[array.Length()] = name;
  return array;
}

std::vector<std::string> micro_op_names() {
  return {
#define NABLA_NAME(name, arity, value) #name,
      NABLA_MICRO_OPS(NABLA_NAME)
#undef NABLA_NAME
  };
}

/** The implementations that this machine can run. */
std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Isa& isa : isas()) {
    if (isa.runs_here()) names.push_back(isa.name);
  }
  return names;
}

const Isa* choose_isa(Napi::Env env) {
  const char* wanted = std::getenv("NABLA_ISA");
  const Isa* isa = select_isa(wanted);
  if (isa != nullptr) return isa;
  std::string known;
  for (const std::string& name : available_isas()) known += (known.empty() ? "" : ", ") + name;
  Napi::Error error = Napi::Error::New(env, "NABLA_ISA=" + std::string(wanted) + ": this machine can run " + known);
  error.Set("code", "ERR_NABLA_ISA");
  throw error;
}

Napi::ArrayBuffer make_tape(Napi::Env env, Environment& environment) {
  Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, kTapeLength * sizeof(double));
  environment.tape = static_cast<double*>(buffer.Data());
  environment.tape_reference = Napi::Reference<Napi::ArrayBuffer>::New(buffer, 1);
  return buffer;
}

/** A function without the C++ wrapper, which costs as much as a small instruction. */
Napi::Value plain_function(Napi::Env env, const char* name, napi_callback callback, Environment* environment) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, environment, &function);
  return Napi::Value(env, function);
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  const Isa* isa = choose_isa(env);
  keep_freed_memory();
  auto* environment = new Environment;
  environment->isa = isa;
  env.SetInstanceData(environment);
  napi_add_env_cleanup_hook(env, stop_running, environment);

  exports["run"] = plain_function(env, "run", run, environment);
  exports["replay"] = plain_function(env, "replay", replay, environment);
  exports["tape"] = Napi::Float64Array::New(env, kTapeLength, make_tape(env, *environment), 0);
  exports["define"] = Napi::Function::New(env, define, "define", environment);
  exports["link"] = Napi::Function::New(env, link, "link", environment);
  exports["unlink"] = Napi::Function::New(env, unlink, "unlink", environment);
  exports["start"] = Napi::Function::New(env, start, "start", environment);
  exports["addressOf"] = Napi::Function::New(env, address_of, "addressOf");
  exports["getNumThreads"] = Napi::Function::New(env, get_num_threads, "getNumThreads");
  exports["setNumThreads"] = Napi::Function::New<set_threads>(env, "setNumThreads");
  exports["microOps"] = string_array(env, micro_op_names());
  exports["maxOperands"] = Napi::Number::New(env, kMaxOperands);
  exports["isa"] = Napi::String::New(env, isa->name);
  exports["isas"] = string_array(env, available_isas());
  return exports;
}

NODE_API_MODULE(nabla, initialize)

}  // namespace

}  // namespace nabla
