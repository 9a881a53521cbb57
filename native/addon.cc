#include <napi.h>

#include <cstdlib>
#include <exception>
#include <string>

#include "cpu.h"
#include "heap.h"
#include "instructions.h"
#include "micro_ops.h"
#include "parallel.h"

/** The N-API surface; lib/backend/native/addon.ts is its type. */
namespace nabla {

namespace {

constexpr int kTapeLength = 4096;

/** What one environment (the main thread, or a worker) has of its own. */
struct Environment {
  const Isa* isa;
  ProgramStore programs;
  /** Memory of the tape's ArrayBuffer, which `tape_reference` keeps alive. */
  double* tape;
  Napi::Reference<Napi::ArrayBuffer> tape_reference;

  Environment() { enter_environment(); }
  ~Environment() { leave_environment(); }
};

/** Runs the instruction on the tape. The one call that is made all the time: it goes without the C++ wrappers. */
napi_value run(napi_env env, napi_callback_info info) {
  void* data;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  const auto* environment = static_cast<Environment*>(data);
  double result;
  try {
    result = execute(environment->tape, environment->programs, *environment->isa->kernels);
  } catch (const std::exception& error) {
    napi_throw_error(env, "ERR_NABLA", error.what());
    return nullptr;
  }
  napi_value value;
  napi_create_double(env, result, &value);
  return value;
}

Napi::Value define(const Napi::CallbackInfo& info) {
  const auto code = info[0].As<Napi::Int32Array>();
  const auto constants = info[1].As<Napi::Float64Array>();
  auto* environment = static_cast<Environment*>(info.Data());
  return Napi::Number::New(info.Env(), environment->programs.define(code.Data(), constants.Data()));
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

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  const Isa* isa = choose_isa(env);
  keep_freed_memory();
  auto* environment = new Environment;
  environment->isa = isa;
  env.SetInstanceData(environment);

  napi_value run_function;
  napi_create_function(env, "run", NAPI_AUTO_LENGTH, run, environment, &run_function);
  exports["run"] = Napi::Value(env, run_function);
  exports["tape"] = Napi::Float64Array::New(env, kTapeLength, make_tape(env, *environment), 0);
  exports["define"] = Napi::Function::New(env, define, "define", environment);
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
