#include "whole.h"

#include <algorithm>

#include "whole_programs.h"

namespace nabla {

namespace {

bool is_same(const WholeInstruction& a, const MicroInstruction& b, bool is_swapped) {
  const auto at = [is_swapped](int32_t slot) {
    // A decoded program has slot 0 for operands that there are not.
    if (slot < 0) return 0;
    return is_swapped && slot < 2 ? 1 - slot : slot;
  };
  return static_cast<int32_t>(a.op) == b.op && a.dst == b.dst && at(a.a) == b.a && at(a.b) == b.b && at(a.c) == b.c;
}

bool is_whole(const WholeProgram& whole, const Program& program, const Stage& stage, bool is_swapped) {
  if (whole.inputs != program.inputs || whole.outputs != program.outputs || whole.constants != program.constants ||
      whole.registers != program.element_registers || whole.count != stage.element_count)
    return false;
  return std::equal(whole.code, whole.code + whole.count, stage.elements,
                    [is_swapped](const auto& a, const auto& b) { return is_same(a, b, is_swapped); });
}

}  // namespace

WholeMatch find_whole(const Program& program, const Stage& stage) {
  if (program.is_double || program.params > 0 || program.row_registers > 0 || stage.fold_count > 0) return {};
  for (int i = 0; i < kWholeCount; i++) {
    for (const bool is_swapped : {false, true}) {
      if (is_whole(kWholePrograms[i], program, stage, is_swapped)) return {i, is_swapped};
    }
  }
  return {};
}

}  // namespace nabla
