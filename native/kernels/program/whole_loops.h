#pragma once

#include "../../whole_programs.h"
#include "slots.h"

/** Element code that is compiled as a whole, as loops over a tile. */
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
 * The code of a whole. Slots are arrays whose indices the compiler knows, everywhere, so that it keeps them in
 * registers: hence all is inline, and no loop goes over slots.
 */
template <typename T, int Index>
struct WholeCode {
  static constexpr const WholeProgram& kProgram = kWholePrograms[Index];
  using V = Vec<T>;

  static constexpr bool is(int slot, WholeSlot kind) { return slot >= 0 && (kProgram.kinds[slot] & kind) != 0; }

  template <int S>
  [[gnu::always_inline]] static void load_value(V* values, T* const* at) {
    if constexpr (is(S, kOneValue)) values[S] = load(at[S]);
    if constexpr (is(S, kOfRow)) values[S] = splat<V>(*at[S]);
  }

  template <bool IsWhole, int S>
  [[gnu::always_inline]] static void load_element(V* slots, T* const* at, int64_t i, int64_t n) {
    if constexpr (is(S, kLoaded)) slots[S] = IsWhole ? load(at[S] + i) : load_partial(at[S] + i, n - i);
  }

  /** Of operands that an operation does not have, any. */
  template <int S>
  [[gnu::always_inline]] static V get(const V* slots, const V* values) {
    if constexpr (S < 0) return V{};
    return is(S, kOneValue) || is(S, kOfRow) ? values[S] : slots[S];
  }

  template <int I>
  [[gnu::always_inline]] static void compute(V* slots, const V* values) {
    constexpr WholeInstruction m = kProgram.code[I];
    slots[m.dst] = micro::OpOf<static_cast<MicroOp>(m.op)>::Type::apply(
        get<m.a>(slots, values), get<m.b>(slots, values), get<m.c>(slots, values));
  }

  template <bool IsWhole, int S>
  [[gnu::always_inline]] static void store_result(const V* slots, T* const* at, int64_t i, int64_t n) {
    if constexpr (!is(S, kStored)) {
      return;
    } else if constexpr (IsWhole) {
      store<T>(at[S] + i, slots[S]);
    } else {
      store_partial(at[S] + i, slots[S], n - i);
    }
  }

  /** All of a vector is read before any of it is written: outputs may be inputs. */
  template <bool IsWhole, int... S, int... C>
  [[gnu::always_inline]] static void step(const V* values, T* const* at, int64_t i, int64_t n, Indices<S...>,
                                          Indices<C...>) {
    V slots[kProgram.slots];
    (load_element<IsWhole, S>(slots, at, i, n), ...);
    (compute<C>(slots, values), ...);
    (store_result<IsWhole, S>(slots, at, i, n), ...);
  }

  template <int... S>
  [[gnu::always_inline]] static void run_over(T* const* memory, int64_t n, Indices<S...> all) {
    constexpr MakeIndices<kProgram.count> code{};
    V values[kProgram.slots];
    T* const at[] = {memory[S]...};
    (load_value<S>(values, at), ...);
    int64_t i = 0;
    for (; i + kLanes<T> <= n; i += kLanes<T>) step<true>(values, at, i, n, all, code);
    if (i < n) step<false>(values, at, i, n, all, code);
  }

  /** `memory` is of all slots; what is only computed has none. */
  static void run(T* const* memory, int64_t n) { run_over(memory, n, MakeIndices<kProgram.slots>{}); }
};

template <typename T>
using WholeLoop = void (*)(T* const* at, int64_t n);

template <typename T, int... Index>
constexpr WholeLoop<T> whole_loop_of(int index, Indices<Index...>) {
  constexpr WholeLoop<T> all[] = {WholeCode<T, Index>::run...};
  return all[index];
}

/** The loop that a stage's element code is, if it is one and its inputs are one value where that is expected; or else
 * null. */
template <typename T>
WholeLoop<T> whole_loop(const Program& program, const Stage& stage, const Slots<T>& slots) {
  if constexpr (__is_same(T, float) && kCompilesWholes) {
    const WholeMatch& match = stage.whole;
    if (match.index < 0) return nullptr;
    for (int i = 0; i < match.count; i++) {
      const int slot = match.slots[i];
      if (slot >= program.inputs || program.is_row[slot]) continue;
      if (slots.is_same(slot) != ((match.kinds[i] & kOneValue) != 0)) return nullptr;
    }
    return whole_loop_of<T>(match.index, MakeIndices<kWholeCount>{});
  } else {
    return nullptr;
  }
}

/** Whether a stage, if it is a whole, takes row values. */
inline bool has_row_values(const Stage& stage) {
  for (int i = 0; i < stage.whole.count; i++) {
    if ((stage.whole.kinds[i] & kOfRow) != 0) return true;
  }
  return false;
}

/** Over a tile of whole or partial rows. */
template <typename T>
void run_whole(WholeLoop<T> loop, const Stage& stage, Slots<T>& slots, int64_t rows, int64_t columns) {
  const WholeMatch& match = stage.whole;
  T* at[kWholeSlots]{};
  for (int i = 0; i < match.count; i++) {
    const int slot = match.slots[i];
    at[i] = slots[slot];
    if (rows > 1) continue;
    if ((match.kinds[i] & kLoaded) != 0) slots.to_read(slot, columns);
    if ((match.kinds[i] & kStored) != 0) slots.to_write(slot);
  }
  for (int64_t row = 0; row < rows; row++) {
    loop(at, columns);
    for (int i = 0; i < match.count; i++) {
      const uint8_t kind = match.kinds[i];
      at[i] += (kind & kOfRow) != 0 ? 1 : (kind & (kLoaded | kStored)) != 0 ? columns : 0;
    }
  }
}

}  // namespace
}  // namespace nabla::NABLA_ISA
