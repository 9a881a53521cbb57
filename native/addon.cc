#include <node_api.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "background.h"
#include "checks.h"
#include "cpu.h"
#include "execute.h"
#include "failure.h"
#include "heap.h"
#include "js.h"
#include "loop_threads.h"
#include "micro_ops.h"
#include "mpi/world.h"
#include "parallel.h"
#include "planted.h"
#include "program_store.h"
#include "replay.h"
#include "watch.h"
#include "weak_list.h"

/** What JavaScript sees of the core; lib/backend/native/addon.ts is its type. */
namespace nabla {

namespace {

constexpr int kTapeLength = 4096;

/** What one environment (the main thread, or a worker) has of its own. */
struct Environment {
  const Isa* isa = nullptr;
  ProgramStore programs;
  /** Memory of the tape's ArrayBuffer, which a reference keeps alive as long as the environment. */
  double* tape = nullptr;
  BackgroundLoops loops;
  std::deque<WeakList> weak_lists;
  Watch watch;

  Environment() { enter_environment(); }
  ~Environment() {
    if (leave_environment()) end_loop_threads();
  }
};

double as_double(const void* address) { return static_cast<double>(reinterpret_cast<uintptr_t>(address)); }

template <typename T>
T* as_pointer(double address) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(address));
}

/** The calls that are made all the time: they take what is on the tape. `act` returns an integer; for `kDone`, as
   nearly always, the call returns undefined, which costs least. */
template <int64_t (*act)(Environment&)>
napi_value raw_call(napi_env env, napi_callback_info info) {
  void* data;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  int64_t result;
  try {
    result = act(*static_cast<Environment*>(data));
  } catch (...) {
    js::pass_on(env, std::current_exception());
    return nullptr;
  }
  if (result == kDone) return nullptr;
  napi_value value = nullptr;
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

/** The other calls, which may throw. `act` takes what the environment has, and the arguments. */
template <size_t Arguments, napi_value (*act)(napi_env, Environment&, const napi_value*)>
napi_value call(napi_env env, napi_callback_info info) {
  return js::guarded(env, [=] {
    const js::Call<Arguments> made(env, info);
    return act(env, *static_cast<Environment*>(made.data), made.arguments);
  });
}

template <typename T>
std::vector<T> vector_of(napi_env env, napi_value array) {
  const auto elements = js::elements<T>(env, array);
  return std::vector<T>(elements.begin(), elements.end());
}

/** link(owner, code, starts, relocations, addresses): the address of a replay that lives as long as `owner`. */
napi_value link(napi_env env, Environment&, const napi_value* arguments) {
  auto replay = std::make_unique<Replay>(vector_of<double>(env, arguments[1]), vector_of<int32_t>(env, arguments[2]),
                                         vector_of<int32_t>(env, arguments[3]), vector_of<double>(env, arguments[4]));
  const napi_value address = js::number(env, as_double(replay.get()));
  const auto end = [](napi_env, void* owned, void*) { delete static_cast<Replay*>(owned); };
  js::check(napi_add_finalizer(env, arguments[0], replay.get(), end, nullptr, nullptr));
  replay.release();
  return address;
}

/** start(plan): a promise that is settled when the loop has ended. */
napi_value start(napi_env env, Environment& environment, const napi_value* arguments) {
  const napi_value plan = arguments[0];
  auto& replay = *as_pointer<Replay>(js::to_double(env, js::property(env, plan, "replay")));
  return BackgroundLoop::start(env, plan, environment.loops, replay, *environment.isa->kernels);
}

napi_value define(napi_env env, Environment& environment, const napi_value* arguments) {
  const auto code = js::elements<int32_t>(env, arguments[0]);
  const auto constants = js::elements<double>(env, arguments[1]);
  return js::number(env, as_double(environment.programs.define(code.data, constants.data)));
}

napi_value address_of(napi_env env, Environment&, const napi_value* arguments) {
  void* data;
  size_t bytes;
  js::check(napi_get_arraybuffer_info(env, arguments[0], &data, &bytes));
  checks::note_memory(data, bytes);
  ask_for_huge_pages(data, bytes);
  return js::number(env, as_double(data));
}

/** makeWeakList(): its address; it lives as long as the environment. */
napi_value make_weak_list(napi_env env, Environment& environment, const napi_value*) {
  return js::number(env, as_double(&environment.weak_lists.emplace_back()));
}

/** addWeakly(list, object) */
napi_value add_weakly(napi_env env, Environment&, const napi_value* arguments) {
  as_pointer<WeakList>(js::to_double(env, arguments[0]))->add(env, arguments[1]);
  return js::undefined(env);
}

/** weakValues(list): an array. */
napi_value weak_values(napi_env env, Environment&, const napi_value* arguments) {
  return as_pointer<WeakList>(js::to_double(env, arguments[0]))->values(env);
}

/** watch(owners, numbers) */
napi_value watch(napi_env env, Environment& environment, const napi_value* arguments) {
  uint32_t index = 0;
  for (const double number : js::elements<double>(env, arguments[1])) {
    napi_value owner;
    js::check(napi_get_element(env, arguments[0], index++, &owner));
    environment.watch.add(env, owner, number);
  }
  return js::undefined(env);
}

/** collected(all): an array of numbers. */
napi_value collected(napi_env env, Environment& environment, const napi_value* arguments) {
  bool all;
  js::check(napi_get_value_bool(env, arguments[0], &all));
  return js::array_of(env, environment.watch.collected(env, all));
}

napi_value get_num_threads(napi_env env, Environment&, const napi_value*) { return js::number(env, num_threads()); }

napi_value set_threads(napi_env env, Environment&, const napi_value* arguments) {
  int32_t count;
  js::check(napi_get_value_int32(env, arguments[0], &count));
  set_num_threads(count);
  return js::undefined(env);
}

/** join(files, seconds): what this process is among the ranks. */
napi_value join(napi_env env, Environment&, const napi_value* arguments) {
  const mpi::Place place = mpi::join(js::strings(env, arguments[0]), js::to_double(env, arguments[1]));
  napi_value result;
  js::check(napi_create_object(env, &result));
  js::check(napi_set_named_property(env, result, "rank", js::number(env, place.rank)));
  js::check(napi_set_named_property(env, result, "size", js::number(env, place.size)));
  js::check(napi_set_named_property(env, result, "library", js::string(env, place.version)));
  return result;
}

/** sharedBuffer(bytes): memory that all ranks of this machine see, as an ArrayBuffer; undefined where there is none. */
napi_value shared_buffer(napi_env env, Environment&, const napi_value* arguments) {
  const double bytes = js::to_double(env, arguments[0]);
  char* memory = mpi::allocate_shared(static_cast<int64_t>(bytes));
  const auto end = [](napi_env, void* data, void*) { mpi::release_shared(static_cast<char*>(data)); };
  napi_value buffer = nullptr;
  if (memory == nullptr) return js::undefined(env);
  const napi_status status =
      napi_create_external_arraybuffer(env, memory, static_cast<size_t>(bytes), end, nullptr, &buffer);
  if (status == napi_ok) return buffer;
  // Engines that take no memory of others' say so; where it is refused for another reason, `end` has been called.
  if (status != napi_no_external_buffers_allowed) throw js::Refused{status};
  mpi::release_shared(memory);
  return js::undefined(env);
}

/** exchangeTimes(): seconds and counts, as `exchange_times` has them. */
napi_value exchange_times(napi_env env, Environment&, const napi_value*) {
  return js::array_of(env, mpi::exchange_times());
}

/** leave(code) */
napi_value leave(napi_env env, Environment&, const napi_value* arguments) {
  mpi::leave(static_cast<int>(js::to_double(env, arguments[0])));
  return js::undefined(env);
}

#ifdef NABLA_CHECKED
napi_value plant_fault(napi_env env, Environment&, const napi_value* arguments) {
  char fault[32];
  js::check(napi_get_value_string_utf8(env, arguments[0], fault, sizeof fault, nullptr));
  plant(fault);
  return js::undefined(env);
}
#endif

napi_value string_array(napi_env env, const std::vector<std::string>& strings) {
  napi_value array;
  js::check(napi_create_array_with_length(env, strings.size(), &array));
  uint32_t index = 0;
  for (const std::string& one : strings) js::check(napi_set_element(env, array, index++, js::string(env, one)));
  return array;
}

std::vector<std::string> micro_op_names() {
  return {
#define NABLA_NAME(name, arity, value) #name,
      NABLA_MICRO_OPS(NABLA_NAME)
#undef NABLA_NAME
  };
}

/** The names of an enum, from the text of its list: `kSum, kProd` are `sum` and `prod`. */
std::vector<std::string> names_of(const std::string& list) {
  std::vector<std::string> names;
  for (size_t start = 0; start < list.size();) {
    const size_t end = std::min(list.find(',', start), list.size());
    std::string name = list.substr(start + 1, end - start - 1);
    name[0] = static_cast<char>(name[0] + ('a' - 'A'));
    names.push_back(std::move(name));
    start = end + 2;
  }
  return names;
}

/** As `signatures` of lib/backend/instructions.ts has them. */
std::vector<std::string> instruction_signatures(const Kernels& kernels) {
  std::vector<std::string> signatures;
  for (int i = 0; i < kernels.count; i++) {
    const Kernel& kernel = kernels.all[i];
    std::string signature = std::string(kernel.name) + "(" + kernel.arguments + ")";
    const char* before = " of ";
    for (const std::string& name : names_of(kernel.choices)) {
      signature += before + name;
      before = ", ";
    }
    signatures.push_back(std::move(signature));
  }
  return signatures;
}

/** The implementations that this machine can run. */
std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Isa& isa : isas()) {
    if (isa.runs_here()) names.push_back(isa.name);
  }
  return names;
}

const Isa* choose_isa() {
  const char* wanted = std::getenv("NABLA_ISA");
  const Isa* isa = select_isa(wanted);
  if (isa != nullptr) return isa;
  std::string known;
  for (const std::string& name : available_isas()) known += (known.empty() ? "" : ", ") + name;
  throw Failure("ERR_NABLA_ISA", "NABLA_ISA=" + std::string(wanted) + ": this machine can run " + known);
}

napi_value make_tape(napi_env env, Environment& environment) {
  void* memory;
  napi_value buffer, tape;
  js::check(napi_create_arraybuffer(env, kTapeLength * sizeof(double), &memory, &buffer));
  js::check(napi_create_typedarray(env, napi_float64_array, kTapeLength, buffer, 0, &tape));
  js::reference_to(env, buffer, 1);
  environment.tape = static_cast<double*>(memory);
  return tape;
}

/** JavaScript has run for the last time; what it holds, the memory of loops above all, is still there. */
void end_environment(void* data) { BackgroundLoop::end_all(static_cast<Environment*>(data)->loops); }

void delete_environment(napi_env, void* data, void*) { delete static_cast<Environment*>(data); }

/** From here on the environment lives as long as Node's, whatever fails. */
Environment& make_environment(napi_env env, const Isa* isa) {
  auto made = std::make_unique<Environment>();
  made->isa = isa;
  js::check(napi_set_instance_data(env, made.get(), delete_environment, nullptr));
  Environment& environment = *made.release();
  js::check(napi_add_env_cleanup_hook(env, end_environment, &environment));
  return environment;
}

napi_value initialize(napi_env env, napi_value exports) {
  const Isa* isa = choose_isa();
  keep_freed_memory();
  Environment& environment = make_environment(env, isa);
  const auto set = [=](const char* name, napi_value value) {
    js::check(napi_set_named_property(env, exports, name, value));
  };
  const auto set_function = [&](const char* name, napi_callback callback) {
    set(name, js::function(env, name, callback, &environment));
  };
  set("tape", make_tape(env, environment));
  set_function("run", raw_call<run>);
  set_function("replay", raw_call<replay>);
  set_function("link", call<5, link>);
  set_function("start", call<1, start>);
  set_function("define", call<2, define>);
  set_function("addressOf", call<1, address_of>);
  set_function("makeWeakList", call<1, make_weak_list>);
  set_function("addWeakly", call<2, add_weakly>);
  set_function("weakValues", call<1, weak_values>);
  set_function("watch", call<2, watch>);
  set_function("collected", call<1, collected>);
  set_function("getNumThreads", call<1, get_num_threads>);
  set_function("setNumThreads", call<1, set_threads>);
  set_function("join", call<2, join>);
  set_function("sharedBuffer", call<1, shared_buffer>);
  set_function("exchangeTimes", call<1, exchange_times>);
  set_function("leave", call<1, leave>);
#ifdef NABLA_CHECKED
  set_function("plant", call<1, plant_fault>);
#endif
  set("layout", js::number(env, kLayout));
  set("maxDims", js::number(env, kMaxDims));
  set("maxOperands", js::number(env, kMaxOperands));
  set("instructions", string_array(env, instruction_signatures(*isa->kernels)));
  set("microOps", string_array(env, micro_op_names()));
  set("folds", string_array(env, names_of(kFoldKindNames)));
  set("dtypes", string_array(env, names_of(kDTypeNames)));
  set("isa", js::string(env, isa->name));
  set("isas", string_array(env, available_isas()));
  set("checked", js::boolean(env, checks::kChecked));
  return exports;
}

}  // namespace

}  // namespace nabla

NAPI_MODULE_INIT() {
  return nabla::js::guarded(env, [=] { return nabla::initialize(env, exports); });
}
