#pragma once

#include "../../scratch.h"
#include "micro_loops.h"
#include "tiles.h"

namespace nabla::NABLA_ISA {
namespace {

enum class Kind { kElement, kRow };

/** Where the elements of an operand's slot are. kDirect: in the operand's own memory. kOnce: copied once, all tiles see
 * the same. kEachTile: copied tile by tile. */
enum class Binding { kDirect, kOnce, kEachTile };

/**
 * The slots of a program while it runs on one thread. Each slot has room for `capacity` elements in scratch memory;
 * parameters and constants fill theirs here, once. A slot may instead point into an operand's memory.
 */
template <typename T>
class Slots {
 public:
  Slots(const Program& program, const double* params, int64_t capacity)
      : program_(program), capacity_(capacity), stride_(slot_stride(capacity)) {
    const int64_t count = program.slots;
    const int64_t table_bytes = ceil_div(count * static_cast<int64_t>(sizeof(T*) + 1), 64) * 64;
    char* memory = scratch(Scratch::kProgram, table_bytes + count * stride_ * static_cast<int64_t>(sizeof(T)));
    elements_ = reinterpret_cast<T**>(memory);
    is_same_ = reinterpret_cast<bool*>(elements_ + count);
    memory_ = reinterpret_cast<T*>(memory + table_bytes);
    for (int64_t i = 0; i < count; i++) {
      elements_[i] = own(i);
      is_same_[i] = false;
    }
    int slot = program.inputs + program.outputs;
    for (int i = 0; i < program.params; i++) fill(slot++, params[i]);
    for (int i = 0; i < program.constants; i++) fill(slot++, program.constant_values[i]);
  }

  T* operator[](int slot) const { return elements_[slot]; }
  T* own(int slot) const { return memory_ + slot * stride_; }
  void point(int slot, T* memory) { elements_[slot] = memory; }

  /** Runs instructions that treat each of `n` elements alike. */
  void run(const MicroInstruction* code, int count, int64_t n) const {
    for (int i = 0; i < count; i++) run(code[i], n);
  }

  /** One value for all elements of a register, until something else is written to it: only `run_on_row` knows. */
  void spread(int slot, T value) {
    store<T>(own(slot), splat<Vec<T>>(value));
    is_same_[slot] = true;
  }

  /** The elements of a slot, to be written one by one. */
  T* to_write(int slot) {
    is_same_[slot] = false;
    return elements_[slot];
  }

  /** The elements of a slot, to be read one by one by what knows nothing of `spread`: what is one value is written out.
   */
  const T* to_read(int slot, int64_t n) const {
    T* elements = elements_[slot];
    if (is_same_[slot]) {
      const Vec<T> value = load(elements);
      for (int64_t i = 0; i < n; i += kLanes<T>) store<T>(elements + i, value);
    }
    return elements;
  }

  /** Whether a slot is a register, which no operand's memory stands for. */
  bool is_register(int slot) const {
    return slot >= program_.slots - program_.element_registers - program_.row_registers;
  }

  /** Runs an instruction over elements of one row, some of whose operands may be one value throughout. */
  void run_on_row(const MicroInstruction& m, int64_t n) {
    const int same = is_same_[m.a] | is_same_[m.b] << 1 | is_same_[m.c] << 2;
    is_same_[m.dst] = false;
    if (same == 0) return run(m, n);
    T* dst = elements_[m.dst];
    const int64_t ahead = dst == own(m.dst) ? 0 : kTileElements<T>;
    kMicroLoopsWithSame<T>[m.op](dst, elements_[m.a], elements_[m.b], elements_[m.c], n, ahead, same);
  }

  void run(const MicroInstruction& m, int64_t n) const {
    T* dst = elements_[m.dst];
    const int64_t ahead = dst == own(m.dst) ? 0 : kTileElements<T>;
    kMicroLoops<T>[m.op](dst, elements_[m.a], elements_[m.b], elements_[m.c], n, ahead);
  }

 private:
  /** A cache line more than the capacity, so that equal positions of different slots do not compete for one set of the
   * cache. */
  static constexpr int64_t slot_stride(int64_t capacity) {
    constexpr int64_t kLine = 64 / sizeof(T);
    return (ceil_div(capacity, kLine) + 1) * kLine;
  }

  void fill(int slot, double value) {
    T* to = own(slot);
    const T converted = static_cast<T>(value);
    for (int64_t i = 0; i < capacity_; i++) to[i] = converted;
  }

  const Program& program_;
  const int64_t capacity_;
  const int64_t stride_;
  T** elements_;
  bool* is_same_;
  T* memory_;
};

}  // namespace
}  // namespace nabla::NABLA_ISA
