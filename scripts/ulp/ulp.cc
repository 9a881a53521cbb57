/*
 * How far the float32 functions are from the truth, over every float32 there is, or every n-th: the kernels' results
 * beside the C library's in double precision, on all processors. The distance is in units in the last place, the space
 * between floats at the truth.
 *
 *     npm run ulp -- [--step N] [FUNCTION ...]      all functions, every input, without arguments
 *
 * NABLA_ISA chooses the kernels, as it does for the library. Exits with 1 if a function is off by more than 2 units
 * somewhere, or wrong about NaN, an infinity or the sign of a zero.
 */
#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "cpu.h"
#include "functions.h"
#include "parallel.h"

namespace {

using nabla::Kernels;

constexpr uint64_t kInputs = uint64_t{1} << 32;
constexpr int kBlock = 1 << 13;
constexpr uint64_t kBlocksPerTurn = 64;
constexpr double kLimit = 2;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/** The kernels' value of a function for `count` floats. */
void evaluate(const Kernels& kernels, const Function& function, const float* x, float* y, int count) {
  using nabla::DType;
  const bool binary = function.constant.operand != Constant::Operand::kNone;
  const int constant_first = function.constant.operand == Constant::Operand::kLeft;
  const int output = binary ? 2 : 1;
  const nabla::MicroInstruction instruction{static_cast<int32_t>(function.op), output, constant_first,
                                            binary ? 1 - constant_first : 0, 0};
  const nabla::Stage stage{1, 0, 0, &instruction, nullptr, nullptr};
  const bool is_row[3] = {};
  const nabla::Program program{false, output, 1, 0, 0, 0, 0, output + 1, is_row, nullptr, 1, 1, &stage, &stage};
  nabla::Instruction map;
  map.program = &program;
  map.outer = 1;
  map.inner = 0;
  map.sizes[0] = count;
  map.params = nullptr;
  float constant = function.constant.value;
  map.operands[0] = {reinterpret_cast<char*>(const_cast<float*>(x)), DType::kFloat32, {1}};
  map.operands[1] = {reinterpret_cast<char*>(&constant), DType::kFloat32, {0}};
  map.operands[output] = {reinterpret_cast<char*>(y), DType::kFloat32, {1}};
  // The first of all.
  kernels.all[0].run(map);
}

/** In units in the last place: 0 for the nearest float, infinite for what must not be off at all. All in words of 64
 * bits, for the sake of vectors. */
double distance(float single, double truth) {
  constexpr uint64_t kSign = uint64_t{1} << 63;
  constexpr uint64_t kExponent = uint64_t{0x7ff} << 52;
  constexpr uint64_t kLeastExponent = uint64_t{1023 - 126} << 52;
  constexpr uint64_t kTwiceBiasAndPrecision = uint64_t{2 * 1023 + 23} << 52;
  const double actual = single, nearest = static_cast<float>(truth);
  const uint64_t bits = std::bit_cast<uint64_t>(actual), nearest_bits = std::bit_cast<uint64_t>(nearest);
  const uint64_t exponent = std::bit_cast<uint64_t>(truth) & kExponent;
  const uint64_t unit = exponent < kLeastExponent ? kLeastExponent : exponent;
  const double off = std::fabs(actual - truth) * std::bit_cast<double>(kTwiceBiasAndPrecision - unit);
  const bool both_finite = ((bits & kExponent) != kExponent) & ((nearest_bits & kExponent) != kExponent);
  const bool both_zero = (bits | nearest_bits) == kSign;
  const bool both_nan = (actual != actual) & (nearest != nearest);
  const double unless_same = both_finite & !both_zero ? off : kInfinity;
  return (bits == nearest_bits) | both_nan ? 0 : unless_same;
}

/** Distances are not negative, so that the order of their bits, which vectors of integers have too, is theirs. */
double largest(const double* distances, int count) {
  uint64_t bits = 0;
  for (int i = 0; i < count; i++) {
    const uint64_t each = std::bit_cast<uint64_t>(distances[i]);
    bits = each > bits ? each : bits;
  }
  return std::bit_cast<double>(bits);
}

struct Worst {
  /** The nearest float, whose distance counts as 0, is up to this far away. */
  double distance = 0.5;
  float input = std::numeric_limits<float>::quiet_NaN();
};

/** Of inputs that are as bad the one with the lesser bits, whichever thread came upon it. */
Worst worse(const Worst& a, const Worst& b) {
  if (a.distance != b.distance) return a.distance > b.distance ? a : b;
  return std::bit_cast<uint32_t>(a.input) < std::bit_cast<uint32_t>(b.input) ? a : b;
}

/** What one thread works on. */
class Block {
 public:
  Block(const Kernels& kernels, const Function& function) : kernels_(kernels), function_(function) {}

  /** Measures `count` floats whose bits begin at `first` and are `step` apart. */
  void measure(uint64_t first, uint64_t step, int count, Worst& worst) {
    for (int i = 0; i < count; i++) x_[i] = std::bit_cast<float>(static_cast<uint32_t>(first + i * step));
    evaluate(kernels_, function_, x_, actual_, count);
    function_.truths(x_, truth_, count);
    for (int i = 0; i < count; i++) distance_[i] = distance(actual_[i], truth_[i]);
    if (largest(distance_, count) <= worst.distance) return;
    // Where it matters the function of one number has the last word: it is more accurate than that of vectors.
    for (int i = 0; i < count; i++) {
      if (distance_[i] > worst.distance) worst = worse(worst, {distance(actual_[i], function_.truth(x_[i])), x_[i]});
    }
  }

 private:
  const Kernels& kernels_;
  const Function& function_;
  alignas(64) float x_[kBlock];
  alignas(64) float actual_[kBlock];
  alignas(64) double truth_[kBlock];
  alignas(64) double distance_[kBlock];
};

Worst worst_of(const Kernels& kernels, const Function& function, uint64_t step) {
  const uint64_t inputs = (kInputs + step - 1) / step;
  const uint64_t blocks = (inputs + kBlock - 1) / kBlock;
  const int count = std::max(1u, std::thread::hardware_concurrency());
  std::atomic<uint64_t> next{0};
  std::vector<Worst> results(count);
  std::vector<std::thread> threads;
  for (Worst& worst : results) {
    threads.emplace_back([&] {
      Block block(kernels, function);
      for (;;) {
        const uint64_t begin = next.fetch_add(kBlocksPerTurn);
        if (begin >= blocks) break;
        for (uint64_t i = begin; i < std::min(blocks, begin + kBlocksPerTurn); i++) {
          const uint64_t first = i * kBlock;
          block.measure(first * step, step, static_cast<int>(std::min<uint64_t>(kBlock, inputs - first)), worst);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return std::accumulate(results.begin(), results.end(), Worst{}, worse);
}

/** Where functions tend to go wrong: both zeros, the least and the greatest subnormal and normal numbers, infinities,
 * NaN. */
constexpr uint32_t kSpecialValues[] = {0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff,
                                       0x807fffff, 0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff,
                                       0x7f800000, 0xff800000, 0x7fc00000};

/** The special values at which a function is off by more than the limit, or wrong. */
std::string wrong_specials(const Kernels& kernels, const Function& function) {
  std::string wrong;
  for (const uint32_t bits : kSpecialValues) {
    const float x = std::bit_cast<float>(bits);
    float actual;
    evaluate(kernels, function, &x, &actual, 1);
    if (distance(actual, function.truth(x)) <= kLimit) continue;
    char text[80];
    std::snprintf(text, sizeof text, "%s%.9g gives %.9g", wrong.empty() ? "" : ", ", x, actual);
    wrong += text;
  }
  return wrong;
}

struct Options {
  uint64_t step = 1;
  std::vector<const Function*> chosen;
};

const Function& find(const char* name) {
  for (const Function& function : functions()) {
    if (std::strcmp(function.name, name) == 0) return function;
  }
  std::string known;
  for (const Function& function : functions()) known += std::string(known.empty() ? "" : ", ") + function.name;
  throw std::invalid_argument("unknown function " + std::string(name) + "; known: " + known);
}

uint64_t parse_step(const char* text) {
  char* end;
  const long long step = std::strtoll(text, &end, 10);
  if (*end != '\0' || step < 1 || step > (1 << 20))
    throw std::invalid_argument("--step takes a number from 1 to 1048576");
  return step;
}

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; i++) {
    if (std::strcmp(arguments[i], "--step") == 0) {
      options.step = parse_step(++i < count ? arguments[i] : "");
    } else {
      options.chosen.push_back(&find(arguments[i]));
    }
  }
  if (options.chosen.empty()) {
    for (const Function& function : functions()) options.chosen.push_back(&function);
  }
  return options;
}

/** Prints a row of the table and returns whether the function is as it should be. */
bool report(const Function& function, const Worst& worst, const std::string& wrong) {
  char where[32] = "everywhere";
  if (!std::isnan(worst.input)) std::snprintf(where, sizeof where, "%.9g", worst.input);
  std::printf("| `%s` | %.3f | %s | %s |\n", function.name, worst.distance, where,
              wrong.empty() ? "right" : wrong.c_str());
  std::fflush(stdout);
  return worst.distance <= kLimit && wrong.empty();
}

const nabla::Isa& choose_isa() {
  const char* wanted = std::getenv("NABLA_ISA");
  const nabla::Isa* isa = nabla::select_isa(wanted);
  if (isa == nullptr) throw std::invalid_argument("NABLA_ISA=" + std::string(wanted) + " does not run here");
  return *isa;
}

bool run(const Options& options) {
  const nabla::Isa& isa = choose_isa();
  nabla::set_num_threads(1);  // The kernels are to leave threads alone: here each has numbers of its own.
  std::printf("Every %sfloat32, %s\n\n", options.step == 1 ? "" : (std::to_string(options.step) + "th ").c_str(),
              isa.name);
  std::printf("| function | worst error, ulp | at | special values |\n|---|---:|---:|---|\n");
  bool good = true;
  for (const Function* function : options.chosen) {
    const std::string wrong = wrong_specials(*isa.kernels, *function);
    good &= report(*function, worst_of(*isa.kernels, *function, options.step), wrong);
  }
  return good;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(parse(count, arguments)) ? 0 : 1;
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "ulp: %s\n", error.what());
    return 2;
  }
}
