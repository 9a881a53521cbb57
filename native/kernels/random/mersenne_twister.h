#pragma once

#include <cstdint>

namespace nabla::NABLA_ISA::rng {
namespace {

/** A stream of random words (MT19937) over a state laid out as lib/backend/random-state.ts says. */
class MersenneTwister {
 public:
  /** A position that is none, which only foreign memory can have, is the end: twist first. */
  explicit MersenneTwister(int32_t* state) : words_(reinterpret_cast<uint32_t*>(state)), state_(state) {
    if (position() < 0 || position() > kWords) position() = kWords;
  }

  /** The next `count` words of the stream. */
  void next(uint32_t* out, int64_t count) {
    while (count > 0) {
      if (position() == kWords) twist();
      const int64_t run = count < kWords - position() ? count : kWords - position();
      temper(words_ + position(), out, run);
      position() += static_cast<int32_t>(run);
      out += run;
      count -= run;
    }
  }

  /** The next `count` uniforms in [0, 1): in steps of 2^-24 from one word each, or of 2^-53 from two, the
   * high one first. */
  void next_uniform(float* out, int64_t count) {
    uint32_t words[kRun];
    for (int64_t done = 0; done < count; done += kRun) {
      const int64_t run = count - done < kRun ? count - done : kRun;
      next(words, run);
      for (int64_t i = 0; i < run; i++) out[done + i] = static_cast<float>(words[i] & 0xffffff) * 0x1p-24f;
    }
  }
  void next_uniform(double* out, int64_t count) {
    uint32_t words[2 * kRun];
    for (int64_t done = 0; done < count; done += kRun) {
      const int64_t run = count - done < kRun ? count - done : kRun;
      next(words, 2 * run);
      for (int64_t i = 0; i < run; i++) {
        const double high = static_cast<int32_t>(words[2 * i] & 0x1fffff) * 0x1p32;
        out[done + i] = (high + words[2 * i + 1]) * 0x1p-53;
      }
    }
  }

  /** A normal drawn with an earlier one and kept for the next draw. */
  bool has_normal() const { return state_[kHasNormal] != 0; }
  double take_normal() {
    double normal;
    __builtin_memcpy(&normal, state_ + kNormal, sizeof normal);
    state_[kHasNormal] = 0;
    return normal;
  }
  void keep_normal(double normal) {
    __builtin_memcpy(state_ + kNormal, &normal, sizeof normal);
    state_[kHasNormal] = 1;
  }

 private:
  static constexpr int kWords = 624;
  static constexpr int kMiddle = 397;
  static constexpr int kPosition = 624;
  static constexpr int kHasNormal = 625;
  static constexpr int kNormal = 626;
  static constexpr int kRun = 512;

  int32_t& position() { return state_[kPosition]; }

  static uint32_t twisted(uint32_t upper, uint32_t lower, uint32_t middle) {
    const uint32_t y = (upper & 0x80000000u) | (lower & 0x7fffffffu);
    return middle ^ (y >> 1) ^ (-(y & 1u) & 0x9908b0dfu);
  }

  /** In three runs without wrap-around, so that the compiler vectorises them. */
  void twist() {
    uint32_t* w = words_;
    for (int i = 0; i < kWords - kMiddle; i++) w[i] = twisted(w[i], w[i + 1], w[i + kMiddle]);
    for (int i = kWords - kMiddle; i < kWords - 1; i++) w[i] = twisted(w[i], w[i + 1], w[i + kMiddle - kWords]);
    w[kWords - 1] = twisted(w[kWords - 1], w[0], w[kMiddle - 1]);
    position() = 0;
  }

  static void temper(const uint32_t* in, uint32_t* __restrict out, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
      uint32_t y = in[i];
      y ^= y >> 11;
      y ^= (y << 7) & 0x9d2c5680u;
      y ^= (y << 15) & 0xefc60000u;
      out[i] = y ^ (y >> 18);
    }
  }

  uint32_t* words_;
  int32_t* state_;
};

}  // namespace
}  // namespace nabla::NABLA_ISA::rng
