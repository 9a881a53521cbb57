#include "program_store.h"

#include <algorithm>

#include "checks.h"
#include "join.h"
#include "whole.h"

namespace nabla {

class ProgramStore::Decoder {
 public:
  Decoder(const int32_t* code, Owned& owned) : next_(code), owned_(owned) {}

  void decode(const double* constants) {
    Program& p = owned_.program;
    p.is_double = take() == 1;
    p.inputs = take();
    p.outputs = take();
    p.params = take();
    p.constants = take();
    p.element_registers = take();
    p.row_registers = take();
    p.slots = p.inputs + p.outputs + p.params + p.constants + p.element_registers + p.row_registers;
    decode_kinds(p);
    owned_.constants.assign(constants, constants + p.constants);
    p.constant_values = owned_.constants.data();
    decode_stages(owned_.resident, p.resident, p.resident_count);
    decode_stages(owned_.streamed, p.streamed, p.streamed_count);
  }

 private:
  int32_t take() { return *next_++; }

  void decode_kinds(Program& p) {
    owned_.is_row = std::make_unique<bool[]>(p.inputs + p.outputs);
    for (int i = 0; i < p.inputs + p.outputs; i++) owned_.is_row[i] = take() == 1;
    p.is_row = owned_.is_row.get();
  }

  void decode_stages(std::vector<Stage>& stages, const Stage*& first, int& count) {
    count = take();
    const size_t elements = owned_.micro.size();
    for (int i = 0; i < count; i++) stages.push_back(decode_stage());
    find_wholes(owned_.program, stages);
    join(stages, elements);
    first = stages.data();
  }

  /** Of each stage there are the element instructions, from number `first` on, and the row instructions. */
  void join(std::vector<Stage>& stages, size_t first) {
    std::vector<std::vector<MicroInstruction>*> code;
    for (size_t i = 0; i < stages.size(); i++) code.push_back(&owned_.micro[first + 2 * i]);
    join_products(owned_.program, stages, code);
    for (size_t i = 0; i < stages.size(); i++) {
      stages[i].elements = code[i]->data();
      stages[i].element_count = static_cast<int>(code[i]->size());
    }
  }

  Stage decode_stage() {
    Stage stage;
    stage.element_count = take();
    stage.fold_count = take();
    stage.row_count = take();
    stage.elements = decode_micro(stage.element_count);
    stage.folds = decode_folds(stage.fold_count);
    stage.rows = decode_micro(stage.row_count);
    return stage;
  }

  const MicroInstruction* decode_micro(int count) {
    std::vector<MicroInstruction>& code = owned_.micro.emplace_back(count);
    for (MicroInstruction& m : code) m = {take(), take(), take_operand(), take_operand(), take_operand()};
    return code.data();
  }

  const FoldInstruction* decode_folds(int count) {
    std::vector<FoldInstruction>& code = owned_.folds.emplace_back(count);
    for (FoldInstruction& f : code) f = {static_cast<FoldKind>(take()), take(), take()};
    return code.data();
  }

  int32_t take_operand() { return std::max(0, take()); }

  const int32_t* next_;
  Owned& owned_;
};

const Program* ProgramStore::define(const int32_t* code, const double* constants) {
  auto owned = std::make_unique<Owned>();
  Decoder(code, *owned).decode(constants);
  checks::check(owned->program);
  programs_.push_back(std::move(owned));
  return &programs_.back()->program;
}

}  // namespace nabla
