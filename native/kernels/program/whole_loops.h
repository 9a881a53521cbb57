#pragma once

#include "../../whole_programs.h"
#include "slots.h"

/** Programs that are compiled as wholes, as loops over a tile. */
namespace nabla::NABLA_ISA {
namespace {

namespace micro {
template <MicroOp op>
struct OpOf;
#define NABLA_TYPE(name, arity, value) \
  template <>                          \
  struct OpOf<MicroOp::name> {         \
    using Type = name##_op;            \
  };
NABLA_ALL_OPS(NABLA_TYPE)
#undef NABLA_TYPE
}  // namespace micro

/**
 * The code of a program. Slots are arrays whose indices the compiler knows, everywhere, so that it keeps them in
 * registers: hence all is inline, and no loop goes over slots.
 */
template <typename T, int Index>
struct WholeCode {
  static constexpr const WholeProgram& kProgram = kWholePrograms[Index];
  static constexpr int kOperands = kProgram.inputs + kProgram.outputs;
  using V = Vec<T>;

  /** Whether a slot is one value throughout: of an input that is, or a constant. */
  static constexpr bool is_value(int slot) {
    if (slot < kProgram.inputs) return (kProgram.walked >> slot & 1) == 0;
    return slot >= kOperands && slot < kOperands + kProgram.constants;
  }

  template <int S>
  [[gnu::always_inline]] static void load_value(V* values, T* const* at) {
    if constexpr (is_value(S)) values[S] = load(at[S]);
  }

  template <bool IsWhole, int S>
  [[gnu::always_inline]] static void load_element(V* slots, T* const* at, int64_t i, int64_t n) {
    if constexpr (!is_value(S)) slots[S] = IsWhole ? load(at[S] + i) : load_partial(at[S] + i, n - i);
  }

  /** Of operands that an operation does not have, any. */
  template <int S>
  [[gnu::always_inline]] static V get(const V* slots, const V* values) {
    if constexpr (S < 0) return V{};
    return is_value(S) ? values[S] : slots[S];
  }

  template <int I>
  [[gnu::always_inline]] static void compute(V* slots, const V* values) {
    constexpr WholeInstruction m = kProgram.code[I];
    slots[m.dst] =
        micro::OpOf<m.op>::Type::apply(get<m.a>(slots, values), get<m.b>(slots, values), get<m.c>(slots, values));
  }

  template <bool IsWhole, int S>
  [[gnu::always_inline]] static void store_output(const V* slots, T* const* at, int64_t i, int64_t n) {
    if constexpr (IsWhole) {
      store<T>(at[S] + i, slots[S]);
    } else {
      store_partial(at[S] + i, slots[S], n - i);
    }
  }

  /** All of a vector is read before any of it is written: outputs may be inputs. */
  template <bool IsWhole, int... I, int... C, int... O>
  [[gnu::always_inline]] static void step(const V* values, T* const* at, int64_t i, int64_t n, Indices<I...>,
                                          Indices<C...>, Indices<O...>) {
    V slots[kProgram.slots()];
    (load_element<IsWhole, I>(slots, at, i, n), ...);
    (compute<C>(slots, values), ...);
    (store_output<IsWhole, kProgram.inputs + O>(slots, at, i, n), ...);
  }

  template <int... S, int... O>
  [[gnu::always_inline]] static void run_over(T* const* memory, int64_t n, Indices<S...>, Indices<O...> outputs) {
    constexpr MakeIndices<kProgram.inputs> inputs{};
    constexpr MakeIndices<kProgram.count> code{};
    V values[kProgram.slots()];
    T* const at[] = {memory[S]...};
    (load_value<S>(values, at), ...);
    int64_t i = 0;
    for (; i + kLanes<T> <= n; i += kLanes<T>) step<true>(values, at, i, n, inputs, code, outputs);
    if (i < n) step<false>(values, at, i, n, inputs, code, outputs);
  }

  /** `memory` is of inputs, outputs and constants. */
  static void run(T* const* memory, int64_t n) {
    run_over(memory, n, MakeIndices<kOperands + kProgram.constants>{}, MakeIndices<kProgram.outputs>{});
  }
};

template <typename T>
using WholeLoop = void (*)(T* const* at, int64_t n);

template <typename T, int... Index>
constexpr WholeLoop<T> whole_loop_of(int index, Indices<Index...>) {
  constexpr WholeLoop<T> all[] = {WholeCode<T, Index>::run...};
  return all[index];
}

template <typename T>
void run_whole(WholeLoop<T> loop, const Program& program, const Slots<T>& slots, int64_t n) {
  T* at[kMaxOperands];
  const int count = program.inputs + program.outputs + program.constants;
  for (int i = 0; i < count; i++) at[i] = slots[i];
  if (program.whole.is_swapped) {
    at[0] = slots[1];
    at[1] = slots[0];
  }
  loop(at, n);
}

/** The loop that a program is as a whole, if it is one and its inputs are one value where that is expected; or else
 * null. */
template <typename T>
WholeLoop<T> whole_loop(const Program& program, const Slots<T>& slots) {
  if constexpr (__is_same(T, float)) {
    const WholeMatch& match = program.whole;
    if (match.index < 0) return nullptr;
    for (int i = 0; i < program.inputs; i++) {
      const int known = match.is_swapped && i < 2 ? 1 - i : i;
      const bool is_walked = (kWholePrograms[match.index].walked >> known & 1) != 0;
      if (slots.is_same(i) == is_walked) return nullptr;
    }
    return whole_loop_of<T>(match.index, MakeIndices<kWholeCount>{});
  } else {
    return nullptr;
  }
}

}  // namespace
}  // namespace nabla::NABLA_ISA
