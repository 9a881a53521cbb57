#include "join.h"

#include <optional>

#include "micro_ops.h"

namespace nabla {

namespace {

using Code = std::vector<MicroInstruction>;

constexpr bool is(const MicroInstruction& m, MicroOp op) { return m.op == static_cast<int32_t>(op); }

/** How often an instruction reads a register. (Operands that it does not have are slot 0, which is none.) */
constexpr int reads(const MicroInstruction& m, int32_t slot) { return (m.a == slot) + (m.b == slot) + (m.c == slot); }

/** The element instructions of a variant of a program, and what else reads their registers. */
class Joiner {
 public:
  Joiner(const Program& program, const std::vector<Stage>& stages, const std::vector<Code*>& code)
      : program_(program), stages_(stages), code_(code) {}

  void join(size_t stage) const {
    Code& code = *code_[stage];
    for (size_t i = 0; i < code.size();) {
      const std::optional<size_t> sum = is(code[i], MicroOp::mul) ? only_sum(stage, i) : std::nullopt;
      if (!sum) {
        i++;
        continue;
      }
      code[*sum] = joined(code[i], code[*sum]);
      code.erase(code.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

 private:
  bool is_element_register(int32_t slot) const {
    const int first = program_.slots - program_.row_registers - program_.element_registers;
    return slot >= first && slot < first + program_.element_registers;
  }
  bool is_input(int32_t slot) const { return slot < program_.inputs; }
  bool is_output(int32_t slot) const { return slot >= program_.inputs && slot < program_.inputs + program_.outputs; }

  /** The sum or difference that alone reads the product at `i`, if its factors are then still what they are here: an
   * output may lie where an input does. */
  std::optional<size_t> only_sum(size_t stage, size_t i) const {
    const Code& code = *code_[stage];
    const MicroInstruction& product = code[i];
    if (!is_element_register(product.dst)) return std::nullopt;
    const bool reads_inputs = is_input(product.a) || is_input(product.b);
    for (size_t j = i + 1; j < code.size(); j++) {
      const MicroInstruction& m = code[j];
      if (reads(m, product.dst) > 0) {
        const bool is_sum = is(m, MicroOp::add) || is(m, MicroOp::sub);
        const bool is_last = m.dst == product.dst || !is_read_after(stage, j, product.dst);
        return is_sum && reads(m, product.dst) == 1 && is_last ? std::optional(j) : std::nullopt;
      }
      const bool changes_factor = m.dst == product.a || m.dst == product.b || (reads_inputs && is_output(m.dst));
      if (changes_factor || m.dst == product.dst) return std::nullopt;
    }
    return std::nullopt;
  }

  /** Whether a register is read after instruction `i` of a stage, before anything else is written to it. */
  bool is_read_after(size_t stage, size_t i, int32_t slot) const {
    for (size_t s = stage, first = i + 1; s < stages_.size(); s++, first = 0) {
      const Code& code = *code_[s];
      for (size_t j = first; j < code.size(); j++) {
        if (reads(code[j], slot) > 0) return true;
        if (code[j].dst == slot) return false;
      }
      for (int f = 0; f < stages_[s].fold_count; f++) {
        if (stages_[s].folds[f].src == slot) return true;
      }
    }
    return false;
  }

  static MicroInstruction joined(const MicroInstruction& product, const MicroInstruction& sum) {
    const bool is_first = sum.a == product.dst;
    const MicroOp op = is(sum, MicroOp::add) ? MicroOp::mulAdd : is_first ? MicroOp::mulSub : MicroOp::subMul;
    return {static_cast<int32_t>(op), sum.dst, product.a, product.b, is_first ? sum.b : sum.a};
  }

  const Program& program_;
  const std::vector<Stage>& stages_;
  const std::vector<Code*>& code_;
};

}  // namespace

void join_products(const Program& program, const std::vector<Stage>& stages, const std::vector<Code*>& code) {
  const Joiner joiner(program, stages, code);
  for (size_t stage = 0; stage < stages.size(); stage++) joiner.join(stage);
}

}  // namespace nabla
