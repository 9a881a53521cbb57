#pragma once

#include "../../scratch.h"
#include "../convert.h"
#include "../tasks.h"

namespace nabla::NABLA_ISA {
namespace {

NABLA_NAMED(SortOrder, kAscending, kDescending)

/** Unsigned numbers in the order of the elements: -0 is 0, and any NaN the last. */
inline uint32_t sort_key(float x) {
  if (x != x) return UINT32_MAX;
  const uint32_t bits = __builtin_bit_cast(uint32_t, x + 0.0f);
  return bits ^ (bits >> 31 != 0 ? UINT32_MAX : 0x80000000u);
}

inline uint64_t sort_key(double x) {
  if (x != x) return UINT64_MAX;
  const uint64_t bits = __builtin_bit_cast(uint64_t, x + 0.0);
  return bits ^ (bits >> 63 != 0 ? UINT64_MAX : uint64_t{1} << 63);
}

inline uint32_t sort_key(int32_t x) { return static_cast<uint32_t>(x) ^ 0x80000000u; }
inline uint32_t sort_key(Bool x) { return x; }

template <typename Key>
struct SortEntry {
  Key key;
  int32_t place;
};

/** Up to so many elements, counting digits takes longer. */
constexpr int64_t kInsertionSorted = 48;

template <typename Key>
void insertion_sort(SortEntry<Key>* entries, int64_t count) {
  for (int64_t i = 1; i < count; i++) {
    const SortEntry<Key> entry = entries[i];
    int64_t at = i;
    for (; at > 0 && entries[at - 1].key > entry.key; at--) entries[at] = entries[at - 1];
    entries[at] = entry;
  }
}

/** Sorts by one byte after the other, from the lowest on; each time equal ones keep their order. Returns where the
 * result is. */
template <typename Key>
const SortEntry<Key>* radix_sort(SortEntry<Key>* from, SortEntry<Key>* to, int64_t count) {
  constexpr int kDigits = sizeof(Key), kValues = 256;
  const auto digit_of = [](Key key, int digit) { return static_cast<int>(key >> (8 * digit) & 255); };
  int64_t counts[kDigits][kValues] = {};
  for (int64_t i = 0; i < count; i++) {
    for (int digit = 0; digit < kDigits; digit++) counts[digit][digit_of(from[i].key, digit)]++;
  }
  for (int digit = 0; digit < kDigits; digit++) {
    int64_t* next = counts[digit];
    if (next[digit_of(from[0].key, digit)] == count) continue;
    for (int64_t value = 0, start = 0; value < kValues; value++) {
      const int64_t size = next[value];
      next[value] = start;
      start += size;
    }
    for (int64_t i = 0; i < count; i++) to[next[digit_of(from[i].key, digit)]++] = from[i];
    SortEntry<Key>* const sorted = to;
    to = from;
    from = sorted;
  }
  return from;
}

/** Moves the `count` smallest, at least one, to the front, in the order in which they are; of equal ones the first.
 * Returns the largest key of these. */
template <typename Key>
Key select_smallest(SortEntry<Key>* entries, int64_t length, int64_t count) {
  // The key of the largest of them, found byte by byte from the highest on, and how many are to have just that.
  Key bound = 0, known = 0;
  int64_t left = count;
  for (int digit = sizeof(Key) - 1; digit >= 0; digit--) {
    int64_t counts[256] = {};
    for (int64_t i = 0; i < length; i++) {
      if ((entries[i].key & known) == bound) counts[entries[i].key >> (8 * digit) & 255]++;
    }
    Key value = 0;
    while (counts[value] < left) left -= counts[value++];
    bound |= value << (8 * digit);
    known |= Key{255} << (8 * digit);
  }
  int64_t kept = 0;
  for (int64_t i = 0; kept < count; i++) {
    const SortEntry<Key> entry = entries[i];
    if (entry.key < bound || (entry.key == bound && left-- > 0)) entries[kept++] = entry;
  }
  return bound;
}

/** From so many times as many elements on, it pays to find those that are asked for before they are sorted. */
constexpr int64_t kSelectedFrom = 4;

/** How many candidates there are, for each element that is asked for, when those that cannot be among them are dropped:
 * seldom, and while they are in a near cache. */
constexpr int64_t kCandidates = 8;

/**
 * Finds the `count` smallest of a line in one pass: an element that is not below the largest of those found so far
 * takes no room. `entries` has room for `kCandidates` times as many.
 */
template <typename Key, typename KeyAt>
void find_smallest(SortEntry<Key>* entries, int64_t length, int64_t count, const KeyAt& key_at) {
  const int64_t room = kCandidates * count;
  int64_t held = 0, i = 0;
  for (; i < length && held < count; i++) entries[held++] = {key_at(i), static_cast<int32_t>(i)};
  Key bound = 0;
  for (int64_t at = 0; at < held; at++) bound = entries[at].key > bound ? entries[at].key : bound;
  for (; i < length; i++) {
    const Key key = key_at(i);
    if (key >= bound) continue;
    entries[held++] = {key, static_cast<int32_t>(i)};
    if (held < room) continue;
    bound = select_smallest(entries, held, count);
    held = count;
  }
  if (held > count) select_smallest(entries, held, count);
}

template <typename T>
void sort_row(const Instruction& instruction, int64_t row, bool descending) {
  using Key = decltype(sort_key(T{}));
  const int64_t length = instruction.sizes[instruction.outer];
  const int64_t count = static_cast<int64_t>(instruction.numbers[1]);
  if (count == 0) return;
  const auto line = [&](int operand, auto* type) {
    const Operand& from = instruction.operands[operand];
    return reinterpret_cast<decltype(type)>(from.data) +
           offset_at(row, {instruction.outer, instruction.sizes}, from.strides);
  };
  // An axis of one element may be left out.
  const int shorter = instruction.outer + instruction.inner - 1;
  const auto step = [&](int operand, int axis) { return instruction.operands[operand].strides[axis]; };
  T* const values = line(0, static_cast<T*>(nullptr));
  int32_t* const places = line(1, static_cast<int32_t*>(nullptr));
  const T* const input = line(2, static_cast<T*>(nullptr));
  const int64_t value_step = step(0, shorter), place_step = step(1, shorter), input_step = step(2, instruction.outer);

  const auto key_at = [=](int64_t i) {
    const Key key = sort_key(input[i * input_step]);
    return descending ? static_cast<Key>(~key) : key;
  };
  const bool selects = length > kInsertionSorted && length / kSelectedFrom > count;
  const int64_t room = selects ? smaller(kCandidates * count, length) : length;
  auto* const entries =
      reinterpret_cast<SortEntry<Key>*>(scratch(Scratch::kInstruction, 2 * room * sizeof(SortEntry<Key>)));
  if (selects) {
    find_smallest(entries, length, count, key_at);
  } else {
    for (int64_t i = 0; i < length; i++) entries[i] = {key_at(i), static_cast<int32_t>(i)};
  }
  const int64_t left = selects ? count : length;
  const SortEntry<Key>* sorted = entries;
  if (left <= kInsertionSorted)
    insertion_sort(entries, left);
  else
    sorted = radix_sort(entries, entries + room, left);
  for (int64_t i = 0; i < count; i++) {
    values[i * value_step] = input[sorted[i].place * input_step];
    places[i * place_step] = sorted[i].place;
  }
}

/**
 * The first elements along the first inner axis in their order, equal ones in that in which they are, and where each
 * was: along the second, as many as the second number says.
 */
[[maybe_unused]] int64_t sort(const Instruction& instruction) {
  const bool descending = static_cast<SortOrder>(static_cast<int>(instruction.numbers[0])) == SortOrder::kDescending;
  const int64_t rows = Shape{instruction.outer, instruction.sizes}.size();
  const int64_t work = 40 * instruction.sizes[instruction.outer];
  with_type(instruction.operands[2].dtype, [&]<typename T>(T*) {
    in_tasks(rows, work, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; row++) sort_row<T>(instruction, row, descending);
    });
  });
  return kDone;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
