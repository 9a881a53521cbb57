#include "whole.h"

#include <algorithm>
#include <iterator>

#include "whole_programs.h"

namespace nabla {

namespace {

constexpr int8_t kArities[] = {
#define NABLA_ARITY(name, arity, value) arity,
    NABLA_ALL_OPS(NABLA_ARITY)
#undef NABLA_ARITY
};

constexpr auto kOperations = static_cast<int32_t>(std::size(kArities));

bool reads(const MicroInstruction& m, int32_t slot) {
  if (m.op < 0 || m.op >= kOperations) return false;
  const int32_t operands[] = {m.a, m.b, m.c};
  return std::find(operands, operands + kArities[m.op], slot) != operands + kArities[m.op];
}

/** Element code with its slots numbered in the order in which it has them. */
class Numbered {
 public:
  Numbered(const Program& program, const std::vector<Stage>& stages, size_t stage)
      : program_(program), stages_(stages), stage_(stage) {
    const Stage& from = stages[stage];
    for (int i = 0; i < from.element_count; i++) add(from.elements[i]);
    for (int i = 0; i < count_; i++) {
      if (is_written_[i] && is_needed(match_.slots[i])) kinds_[i] |= kStored;
    }
  }

  /** Which whole it is. */
  WholeMatch match() const {
    WholeMatch match = match_;
    const auto* found = std::find_if(std::begin(kWholePrograms), std::end(kWholePrograms),
                                     [this](const WholeProgram& whole) { return is(whole); });
    if (!fits_ || found == std::end(kWholePrograms)) return {};
    match.index = static_cast<int>(found - kWholePrograms);
    match.count = count_;
    std::copy(found->kinds, found->kinds + count_, match.kinds);
    return match;
  }

 private:
  void add(const MicroInstruction& m) {
    // Whether there is such an operation is checked when all is decoded.
    if (m.op < 0 || m.op >= kOperations) fits_ = false;
    if (!fits_) return;
    WholeInstruction one(static_cast<MicroOp>(m.op), -1, -1, -1, -1);
    int8_t* operands[] = {&one.a, &one.b, &one.c};
    const int32_t slots[] = {m.a, m.b, m.c};
    for (int i = 0; i < kArities[m.op]; i++) *operands[i] = number(slots[i], false);
    one.dst = number(m.dst, true);
    code_.push_back(one);
  }

  int8_t number(int32_t slot, bool is_written) {
    const int16_t* slots = match_.slots;
    const auto at = static_cast<int8_t>(std::find(slots, slots + count_, slot) - slots);
    if (at == count_) {
      if (count_ == kWholeSlots) fits_ = false;
      if (!fits_) return 0;
      match_.slots[count_] = static_cast<int16_t>(slot);
      is_written_[count_] = false;
      kinds_[count_++] = is_written ? 0 : kind_of(slot);
    }
    is_written_[at] |= is_written;
    return at;
  }

  /** Of a slot that is read before it is written. */
  uint8_t kind_of(int32_t slot) const {
    if (slot < program_.inputs) return program_.is_row[slot] ? kOfRow : kLoaded | kOneValue;
    const int32_t scalars = program_.inputs + program_.outputs;
    if (slot < scalars) return program_.is_row[slot] ? kOfRow : kLoaded;
    if (slot < scalars + program_.params + program_.constants) return kOneValue;
    return slot < program_.slots - program_.row_registers ? kLoaded : kOfRow;
  }

  bool is_needed(int32_t slot) const {
    if (slot < program_.inputs + program_.outputs) return true;
    for (size_t i = stage_; i < stages_.size(); i++) {
      const Stage& later = stages_[i];
      for (int f = 0; f < later.fold_count; f++) {
        if (later.folds[f].src == slot) return true;
      }
      for (int e = 0; i > stage_ && e < later.element_count; e++) {
        if (reads(later.elements[e], slot)) return true;
      }
    }
    return false;
  }

  /** Inputs may be one value or not, which is known when operands are. */
  bool is(const WholeProgram& whole) const {
    const auto is_kind = [](uint8_t known, uint8_t kind) {
      return known == kind || (kind == (kLoaded | kOneValue) && (known == kLoaded || known == kOneValue));
    };
    const auto is_one = [](const WholeInstruction& a, const WholeInstruction& b) {
      return a.op == b.op && a.dst == b.dst && a.a == b.a && a.b == b.b && a.c == b.c;
    };
    return whole.slots == count_ && whole.count == static_cast<int>(code_.size()) &&
           std::equal(whole.kinds, whole.kinds + count_, kinds_, is_kind) &&
           std::equal(code_.begin(), code_.end(), whole.code, is_one);
  }

  const Program& program_;
  const std::vector<Stage>& stages_;
  const size_t stage_;
  bool fits_ = true;
  int count_ = 0;
  WholeMatch match_;
  uint8_t kinds_[kWholeSlots];
  bool is_written_[kWholeSlots];
  std::vector<WholeInstruction> code_;
};

}  // namespace

void find_wholes(const Program& program, std::vector<Stage>& stages) {
  if (program.is_double) return;
  for (size_t i = 0; i < stages.size(); i++) stages[i].whole = Numbered(program, stages, i).match();
}

}  // namespace nabla
