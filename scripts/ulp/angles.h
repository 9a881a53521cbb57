#pragma once

#include <bit>
#include <cstdint>

/*
 * Large angles, for which the kernels call the C library, so that it cannot judge them. An angle near 0 with the same
 * sine is found in whole numbers: x is m 2^e, and m times the fractional part of 2^e / 2 pi is the fraction of a turn,
 * in 128 bits.
 */
constexpr float kLargeAngle = 0x1p24f;

using Turn = unsigned __int128;
constexpr Turn kHalfTurn = Turn{1} << 127;
constexpr Turn kQuarterTurn = Turn{1} << 126;

/** 64 bits of 1 / 2 pi, from the one at `place` behind the point on. */
inline uint64_t turns_per_radian(int place) {
  constexpr uint64_t kBits[] = {0x28be60db9391054a, 0x7f09d5f47d4d3770, 0x36d8a5664f10e410, 0x7f9458eaf7aef158};
  const int word = place / 64, shift = place % 64;
  return shift == 0 ? kBits[word] : kBits[word] << shift | kBits[word + 1] >> (64 - shift);
}

inline Turn fraction_of_turn(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const int e = static_cast<int>(bits >> 23 & 0xff) - 150;
  const Turn unit = Turn{turns_per_radian(e)} << 64 | turns_per_radian(e + 64);
  const Turn size = unit * (0x800000 | (bits & 0x7fffff));
  return __builtin_signbit(x) ? -size : size;
}

/** The angle of at most a quarter turn whose sine is that of `x`, large, and `more`. */
inline double angle_of_same_sine(float x, Turn more) {
  constexpr double kTurn = 6.28318530717958647692 * 0x1p-128;
  if (!__builtin_isfinite(x)) return x - x;
  const Turn turn = fraction_of_turn(x) + more;
  const bool near_zero = turn + kQuarterTurn < kHalfTurn;
  return static_cast<double>(static_cast<__int128>(near_zero ? turn : kHalfTurn - turn)) * kTurn;
}
