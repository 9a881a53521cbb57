#include <napi.h>

#include <cstdlib>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <optional>
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
constexpr const char* kErrorCode = "ERR_NABLA";

/** A loop under way, and what of JavaScript belongs to it. */
struct RunningLoop {
  napi_deferred promise;
  /** What `start` was given, and with it the memory in use. */
  Napi::ObjectReference plan;
  /** [instruction, position] for JavaScript. */
  double* stop;
  std::optional<Loop> loop;
};

/** What one environment (the main thread, or a worker) has of its own. */
struct Environment {
  const Isa* isa;
  ProgramStore programs;
  /** Memory of the tape's ArrayBuffer, which `tape_reference` keeps alive. */
  double* tape;
  Napi::Reference<Napi::ArrayBuffer> tape_reference;
  std::list<RunningLoop> loops;

  Environment() { enter_environment(); }
  ~Environment() { leave_environment(); }
};

double as_double(const void* address) { return static_cast<double>(reinterpret_cast<uintptr_t>(address)); }

template <typename T>
T* as_pointer(double address) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(address));
}

/**
 * The calls that are made all the time: they take what is on the tape, and go without the C++ wrappers. `act` returns
 * an integer.
 */
template <int64_t (*act)(Environment&)>
napi_value raw_call(napi_env env, napi_callback_info info) {
  void* data;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  int64_t result;
  try {
    result = act(*static_cast<Environment*>(data));
  } catch (const std::exception& error) {
    napi_throw_error(env, kErrorCode, error.what());
    return nullptr;
  }
  napi_value value;
  napi_create_int64(env, result, &value);
  return value;
}

/** The tape: an instruction. */
int64_t run(Environment& environment) { return execute(environment.tape, *environment.isa->kernels); }

/** The tape: the address of a replay, then what its ports are bound to; afterwards, the position where it stopped. */
int64_t replay(Environment& environment) {
  double* tape = environment.tape;
  const Stop stop = as_pointer<Replay>(tape[0])->run(tape + 1, *environment.isa->kernels);
  tape[0] = static_cast<double>(stop.position);
  return stop.instruction;
}

template <typename Array>
auto vector_of(const Napi::Value& value) {
  const auto array = value.As<Array>();
  return std::vector(array.Data(), array.Data() + array.ElementLength());
}

/** link(owner, code, starts, relocations, addresses): the address of a replay that lives as long as `owner`. */
Napi::Value link(const Napi::CallbackInfo& info) {
  auto replay = std::make_unique<Replay>(vector_of<Napi::Float64Array>(info[1]), vector_of<Napi::Int32Array>(info[2]),
                                         vector_of<Napi::Int32Array>(info[3]), vector_of<Napi::Float64Array>(info[4]));
  info[0].As<Napi::Object>().AddFinalizer([](Napi::Env, Replay* owned) { delete owned; }, replay.get());
  return Napi::Number::New(info.Env(), as_double(replay.release()));
}

double number(const Napi::Object& object, const char* name) {
  return object.Get(name).As<Napi::Number>().DoubleValue();
}

std::vector<Feed> feeds_of(const std::vector<double>& numbers) {
  std::vector<Feed> feeds;
  for (size_t i = 0; i < numbers.size(); i += 3) {
    feeds.push_back(
        {static_cast<int>(numbers[i]), as_pointer<const char>(numbers[i + 1]), static_cast<int64_t>(numbers[i + 2])});
  }
  return feeds;
}

Steps steps_of(const Napi::Object& plan) {
  return {
      .count = static_cast<int64_t>(number(plan, "steps")),
      .batch_size = static_cast<int64_t>(number(plan, "batchSize")),
      .ports = vector_of<Napi::Float64Array>(plan.Get("ports")),
      .feeds = feeds_of(vector_of<Napi::Float64Array>(plan.Get("feeds"))),
      .order = as_pointer<const int32_t>(number(plan, "order")),
      .watched = as_pointer<const char>(number(plan, "watched")),
      .watched_type = static_cast<DType>(number(plan, "watchedType")),
      .history = as_pointer<double>(number(plan, "history")),
      .control = plan.Get("control").As<Napi::Int32Array>().Data(),
  };
}

/** Settles the promise of a loop whose thread is done. Where JavaScript must not run any more that fails, unheard. */
void settle(napi_env env, RunningLoop& running) {
  try {
    const Stop stop = running.loop->result();
    running.stop[0] = static_cast<double>(stop.instruction);
    running.stop[1] = static_cast<double>(stop.position);
    napi_value nothing;
    napi_get_undefined(env, &nothing);
    napi_resolve_deferred(env, running.promise, nothing);
  } catch (const std::exception& failure) {
    napi_value code, message, error;
    napi_create_string_utf8(env, kErrorCode, NAPI_AUTO_LENGTH, &code);
    napi_create_string_utf8(env, failure.what(), NAPI_AUTO_LENGTH, &message);
    napi_create_error(env, code, message, &error);
    napi_reject_deferred(env, running.promise, error);
  }
}

/** On the environment's own thread, when a loop's thread has let go of what `start` made for it. */
void finish_loop(napi_env env, void* data, void* hint) {
  auto* running = static_cast<RunningLoop*>(data);
  if (running->loop) settle(env, *running);
  static_cast<Environment*>(hint)->loops.remove_if([=](const RunningLoop& one) { return &one == running; });
}

/** An environment that ends takes its memory with it: its loops must end before. */
void end_loops(void* data) {
  auto* environment = static_cast<Environment*>(data);
  for (RunningLoop& running : environment->loops) running.loop->stop();
  for (RunningLoop& running : environment->loops) running.loop.reset();
}

/**
 * A function for a loop's thread to call when it is done, upon which the environment's thread finishes the loop. Until
 * then the event loop stays alive.
 */
std::function<void()> when_done(Napi::Env env, Environment& environment, RunningLoop& running) {
  // That the last thread releases it is the message; it is never called.
  napi_threadsafe_function held;
  const auto call = [](napi_env, napi_value, void*, void*) {};
  const napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "nabla"), 0,
                                                             1, &running, finish_loop, &environment, call, &held);
  if (status != napi_ok) throw Napi::Error::New(env);
  return [held] { napi_release_threadsafe_function(held, napi_tsfn_release); };
}

/** start(plan): a promise that is settled when the loop has ended. */
Napi::Value start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto plan = info[0].As<Napi::Object>();
  auto& environment = *static_cast<Environment*>(info.Data());
  RunningLoop& running = environment.loops.emplace_back();
  napi_value promise;
  napi_create_promise(env, &running.promise, &promise);
  running.plan = Napi::Persistent(plan);
  running.stop = plan.Get("stop").As<Napi::Float64Array>().Data();
  running.loop.emplace(*as_pointer<Replay>(number(plan, "replay")), *environment.isa->kernels, steps_of(plan),
                       when_done(env, environment, running));
  return Napi::Value(env, promise);
}

Napi::Value define(const Napi::CallbackInfo& info) {
  const auto code = info[0].As<Napi::Int32Array>();
  const auto constants = info[1].As<Napi::Float64Array>();
  auto* environment = static_cast<Environment*>(info.Data());
  return Napi::Number::New(info.Env(), as_double(environment->programs.define(code.Data(), constants.Data())));
}

Napi::Value address_of(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), as_double(info[0].As<Napi::ArrayBuffer>().Data()));
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

Napi::Value raw_function(Napi::Env env, const char* name, napi_callback callback, Environment* environment) {
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
  napi_add_env_cleanup_hook(env, end_loops, environment);

  exports["run"] = raw_function(env, "run", raw_call<run>, environment);
  exports["replay"] = raw_function(env, "replay", raw_call<replay>, environment);
  exports["tape"] = Napi::Float64Array::New(env, kTapeLength, make_tape(env, *environment), 0);
  exports["link"] = Napi::Function::New(env, link, "link");
  exports["start"] = Napi::Function::New(env, start, "start", environment);
  exports["define"] = Napi::Function::New(env, define, "define", environment);
  exports["addressOf"] = Napi::Function::New(env, address_of, "addressOf");
  exports["getNumThreads"] = Napi::Function::New(env, get_num_threads, "getNumThreads");
  exports["setNumThreads"] = Napi::Function::New<set_threads>(env, "setNumThreads");
  exports["layout"] = Napi::Number::New(env, kLayout);
  exports["microOps"] = string_array(env, micro_op_names());
  exports["maxDims"] = Napi::Number::New(env, kMaxDims);
  exports["maxOperands"] = Napi::Number::New(env, kMaxOperands);
  exports["isa"] = Napi::String::New(env, isa->name);
  exports["isas"] = string_array(env, available_isas());
  return exports;
}

NODE_API_MODULE(nabla, initialize)

}  // namespace

}  // namespace nabla
