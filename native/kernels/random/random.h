#pragma once

#include <cstdint>

#include "../convert.h"
#include "mersenne_twister.h"
#include "random_math.h"

namespace nabla::NABLA_ISA::rng {
namespace {

/** Elements drawn and transformed at a time, while they are in the L1 cache; a multiple of kBlock. */
constexpr int kChunk = 512;

/** Calls `body(first, count)` for [0, length) in runs of at most kChunk. */
template <typename Body>
inline void for_each_chunk(int64_t length, const Body& body) {
  for (int64_t first = 0; first < length; first += kChunk) {
    body(first, length - first < kChunk ? length - first : kChunk);
  }
}

template <typename T>
void fill_uniform(MersenneTwister& stream, T* out, int64_t length, T from, T to) {
  const T width = to - from;
  for_each_chunk(length, [&](int64_t first, int64_t count) {
    T* chunk = out + first;
    stream.next_uniform(chunk, count);
    for (int64_t i = 0; i < count; i++) {
      const T value = fused(chunk[i], width, from);
      chunk[i] = value == to ? from : value;
    }
  });
}

/** One of a pair of normals, in double precision; the stream keeps the other. */
inline double next_normal(MersenneTwister& stream, double mean, double std) {
  if (stream.has_normal()) return fused(stream.take_normal(), std, mean);
  double u[2];
  stream.next_uniform(u, 2);
  const double radius = __builtin_sqrt(-2 * log1p_minus(u[1]));
  const auto angle = sin_cos(2 * kPi * u[0]);
  stream.keep_normal(radius * angle.sin);
  return fused(radius * angle.cos, std, mean);
}

/** Uniforms that are turned into normals together: elements j and j + 8 become a pair. */
constexpr int kBlock = 16;
constexpr int kHalf = kBlock / 2;

inline float square_root(float x) { return __builtin_sqrtf(x); }
inline double square_root(double x) { return __builtin_sqrt(x); }

/** Box-Muller on `blocks` whole blocks. Pairs are taken apart first, so that one long loop does the
 * arithmetic. */
template <typename T>
void normal_blocks(T* values, int64_t blocks, T mean, T std) {
  T first[kChunk / 2], second[kChunk / 2];
  for (int64_t b = 0; b < blocks; b++) {
    __builtin_memcpy(first + b * kHalf, values + b * kBlock, kHalf * sizeof(T));
    __builtin_memcpy(second + b * kHalf, values + b * kBlock + kHalf, kHalf * sizeof(T));
  }
  for (int64_t j = 0; j < blocks * kHalf; j++) {
    const T radius = square_root(T(-2) * log_positive(T(1) - first[j]));
    const auto angle = sin_cos(static_cast<T>(2 * kPi) * second[j]);
    first[j] = fused(radius * angle.cos, std, mean);
    second[j] = fused(radius * angle.sin, std, mean);
  }
  for (int64_t b = 0; b < blocks; b++) {
    __builtin_memcpy(values + b * kBlock, first + b * kHalf, kHalf * sizeof(T));
    __builtin_memcpy(values + b * kBlock + kHalf, second + b * kHalf, kHalf * sizeof(T));
  }
}

/** See fillNormal in lib/backend/js/random.ts: a remainder is drawn, and then drawn again with the last block.
 */
template <typename T>
void fill_normal(MersenneTwister& stream, T* out, int64_t length, double mean, double std) {
  const T m = static_cast<T>(mean), s = static_cast<T>(std);
  if (length < kBlock) {
    for (int64_t i = 0; i < length; i++) out[i] = static_cast<T>(next_normal(stream, mean, std));
    return;
  }
  for_each_chunk(length, [&](int64_t first, int64_t count) {
    stream.next_uniform(out + first, count);
    normal_blocks(out + first, count / kBlock, m, s);
  });
  if (length % kBlock == 0) return;
  T* last = out + length - kBlock;
  stream.next_uniform(last, kBlock);
  normal_blocks(last, 1, m, s);
}

template <typename T>
void fill_bernoulli(MersenneTwister& stream, T* out, int64_t length, double p) {
  double u[kChunk];
  for_each_chunk(length, [&](int64_t first, int64_t count) {
    stream.next_uniform(u, count);
    for (int64_t i = 0; i < count; i++) out[first + i] = static_cast<T>(u[i] < p);
  });
}

template <typename T>
void fill_exponential(MersenneTwister& stream, T* out, int64_t length, double rate) {
  const double scale = -1 / rate;
  double u[kChunk];
  for_each_chunk(length, [&](int64_t first, int64_t count) {
    stream.next_uniform(u, count);
    for (int64_t i = 0; i < count; i++) out[first + i] = static_cast<T>(scale * log1p_minus(u[i]));
  });
}

/** Modulo 2^64; 0 for what is beyond an int64, and NaN. */
inline uint64_t whole(double x) {
  return __builtin_fabs(x) < 0x1p63 ? static_cast<uint64_t>(static_cast<int64_t>(x)) : 0;
}

/** How many numbers there are from `low` on and below `high`. Never 0, which nothing can be divided by. */
inline uint64_t range_of(double low, double high) {
  const uint64_t range = high > low ? whole(high - low) : 1;
  return range == 0 ? 1 : range;
}

/** Remainders of one word by the range, or of two words where one would be visibly uneven. */
template <typename T>
void fill_integer(MersenneTwister& stream, T* out, int64_t length, double low, double high) {
  const uint64_t base = whole(low), range = range_of(low, high);
  const auto value = [base](uint64_t above) { return static_cast<T>(static_cast<int64_t>(base + above)); };
  uint32_t words[2 * kChunk];
  if (range < (1u << 28)) {
    const uint32_t divisor = static_cast<uint32_t>(range);
    for_each_chunk(length, [&](int64_t first, int64_t count) {
      stream.next(words, count);
      for (int64_t i = 0; i < count; i++) {
        out[first + i] = value(words[i] % divisor);
      }
    });
    return;
  }
  for_each_chunk(length, [&](int64_t first, int64_t count) {
    stream.next(words, 2 * count);
    for (int64_t i = 0; i < count; i++) {
      const uint64_t word = uint64_t{words[2 * i]} << 32 | words[2 * i + 1];
      out[first + i] = value(word % range);
    }
  });
}

/** Fisher-Yates from the front. */
template <typename T>
void fill_permutation(MersenneTwister& stream, T* out, int64_t length) {
  for (int64_t i = 0; i < length; i++) out[i] = static_cast<T>(i);
  uint32_t words[kChunk];
  for_each_chunk(length - 1, [&](int64_t first, int64_t count) {
    stream.next(words, count);
    for (int64_t i = first; i < first + count; i++) {
      const int64_t j = i + static_cast<int64_t>(words[i - first] % static_cast<uint64_t>(length - i));
      const T swapped = out[i];
      out[i] = out[j];
      out[j] = swapped;
    }
  });
}

NABLA_NAMED(RandomKind, kUniform, kNormal, kBernoulli, kInteger, kPermutation, kExponential)

/** What to draw, with the kind's parameters. */
struct Draw {
  RandomKind kind;
  double p0, p1;
};

/** The kinds that every type takes. */
template <typename T>
void draw_any(const Draw& draw, MersenneTwister& stream, T* out, int64_t length) {
  switch (draw.kind) {
    case RandomKind::kBernoulli:
      return fill_bernoulli(stream, out, length, draw.p0);
    case RandomKind::kInteger:
      return fill_integer(stream, out, length, draw.p0, draw.p1);
    case RandomKind::kPermutation:
      return fill_permutation(stream, out, length);
    case RandomKind::kUniform:
    case RandomKind::kNormal:
    case RandomKind::kExponential:
      __builtin_unreachable();
  }
}

template <typename T>
void draw_float(const Draw& draw, MersenneTwister& stream, T* out, int64_t length) {
  switch (draw.kind) {
    case RandomKind::kUniform:
      return fill_uniform(stream, out, length, static_cast<T>(draw.p0), static_cast<T>(draw.p1));
    case RandomKind::kNormal:
      return fill_normal(stream, out, length, draw.p0, draw.p1);
    case RandomKind::kExponential:
      return fill_exponential(stream, out, length, draw.p0);
    case RandomKind::kBernoulli:
    case RandomKind::kInteger:
    case RandomKind::kPermutation:
      return draw_any(draw, stream, out, length);
  }
}

}  // namespace
}  // namespace nabla::NABLA_ISA::rng

namespace nabla::NABLA_ISA {
namespace {

/** Operands: the state, laid out as lib/backend/random-state.ts says, and what is filled, which is contiguous. */
int64_t random(const Instruction& instruction) {
  const double* numbers = instruction.numbers;
  const rng::Draw draw{static_cast<rng::RandomKind>(static_cast<int>(numbers[0])), numbers[1], numbers[2]};
  rng::MersenneTwister stream(reinterpret_cast<int32_t*>(instruction.operands[0].data));
  const Operand& out = instruction.operands[1];
  const int64_t length = instruction.sizes[0];
  with_type(out.dtype, [&]<typename T>(T*) {
    T* elements = reinterpret_cast<T*>(out.data);
    if constexpr (__is_same(T, float) || __is_same(T, double))
      rng::draw_float(draw, stream, elements, length);
    else
      rng::draw_any(draw, stream, elements, length);
  });
  return kDone;
}

}  // namespace
}  // namespace nabla::NABLA_ISA
