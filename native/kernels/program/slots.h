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

/** Whether all elements of a slot are one value. kUntilWritten: a row's, until something else is written there.
 * kAlways: a parameter, a constant, or an input that is one value. */
enum class Sameness : uint8_t { kNone, kUntilWritten, kAlways };

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
    sameness_ = reinterpret_cast<Sameness*>(elements_ + count);
    memory_ = reinterpret_cast<T*>(memory + table_bytes);
    for (int64_t i = 0; i < count; i++) {
      elements_[i] = own(i);
      sameness_[i] = Sameness::kNone;
    }
    int slot = program.inputs + program.outputs;
    for (int i = 0; i < program.params; i++) fill(slot++, params[i]);
    for (int i = 0; i < program.constants; i++) fill(slot++, program.constant_values[i]);
  }

  T* operator[](int slot) const { return elements_[slot]; }
  T* own(int slot) const { return memory_ + slot * stride_; }
  void point(int slot, T* memory) { elements_[slot] = memory; }

  /** An input that is one value for as long as the slots are there: it fills a vector or more of its slot. */
  void keep_same(int slot) { sameness_[slot] = Sameness::kAlways; }
  void keep_same(int slot, T value) {
    store<T>(own(slot), splat<Vec<T>>(value));
    keep_same(slot);
  }

  bool is_same(int slot) const { return sameness_[slot] == Sameness::kAlways; }

  /** Runs instructions that treat each of `n` elements alike. While one computes, what the next tile needs is fetched:
   * where it writes to, or if that is a register an input, by turns. */
  void run(const MicroInstruction* code, int count, int64_t n) const {
    int input = 0;
    for (int i = 0; i < count; i++) {
      const MicroInstruction& m = code[i];
      while (input < program_.inputs && !is_direct(input)) input++;
      const bool reads = !is_direct(m.dst) && input < program_.inputs;
      run(m, n, same_operands(m, Sameness::kAlways), ahead(reads ? input++ : m.dst));
    }
  }

  void run(const MicroInstruction& m, int64_t n) const { run(m, n, same_operands(m, Sameness::kAlways), ahead(m.dst)); }

  /** One value for all elements of a register, until something else is written to it: only `run_on_row` knows. */
  void spread(int slot, T value) {
    store<T>(own(slot), splat<Vec<T>>(value));
    sameness_[slot] = Sameness::kUntilWritten;
  }

  /** The elements of a slot, to be written one by one. */
  T* to_write(int slot) {
    sameness_[slot] = Sameness::kNone;
    return elements_[slot];
  }

  /** The elements of a slot, to be read one by one by what knows nothing of `spread`: one value is written out. */
  const T* to_read(int slot, int64_t n) const {
    T* elements = elements_[slot];
    if (sameness_[slot] == Sameness::kUntilWritten) {
      const Vec<T> value = load(elements);
      for (int64_t i = 0; i < n; i += kLanes<T>) store<T>(elements + i, value);
    }
    return elements;
  }

  /** Whether a slot is a register, which no operand's memory stands for. */
  bool is_register(int slot) const {
    return slot >= program_.slots - program_.element_registers - program_.row_registers;
  }

  /** Runs an instruction over elements of one row. */
  void run_on_row(const MicroInstruction& m, int64_t n) {
    const int same = same_operands(m, Sameness::kUntilWritten);
    sameness_[m.dst] = Sameness::kNone;
    run(m, n, same, ahead(m.dst));
  }

 private:
  bool is_direct(int slot) const { return elements_[slot] != own(slot); }

  /** The memory of a slot a tile further on, if it is an operand's. */
  const T* ahead(int slot) const { return is_direct(slot) ? elements_[slot] + kTileElements<T> : elements_[slot]; }

  /** A bit for each operand that is one value, at least for so long. */
  int same_operands(const MicroInstruction& m, Sameness least) const {
    return (sameness_[m.a] >= least) | (sameness_[m.b] >= least) << 1 | (sameness_[m.c] >= least) << 2;
  }

  void run(const MicroInstruction& m, int64_t n, int same, const T* fetched) const {
    T *dst = elements_[m.dst], *a = elements_[m.a], *b = elements_[m.b], *c = elements_[m.c];
    if (same == 0) return kMicroLoops<T>[m.op](dst, a, b, c, n, fetched);
    kMicroLoopsWithSame<T>[m.op](dst, a, b, c, n, fetched, same);
  }

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
    if (capacity_ >= kLanes<T>) keep_same(slot);
  }

  const Program& program_;
  const int64_t capacity_;
  const int64_t stride_;
  T** elements_;
  Sameness* sameness_;
  T* memory_;
};

}  // namespace
}  // namespace nabla::NABLA_ISA
