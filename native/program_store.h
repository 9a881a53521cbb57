#pragma once

#include <memory>
#include <vector>

#include "program.h"

namespace nabla {

/** The programs that one environment has defined. They stay where they are: instructions point to them. */
class ProgramStore {
 public:
  /** Decodes `code`, laid out as `encodeProgram` in lib/backend/program.ts says. */
  const Program* define(const int32_t* code, const double* constants);

 private:
  /** A program and the arrays it points to. */
  struct Owned {
    Program program;
    std::unique_ptr<bool[]> is_row;
    std::vector<double> constants;
    std::vector<std::vector<MicroInstruction>> micro;
    std::vector<std::vector<FoldInstruction>> folds;
    std::vector<Stage> resident, streamed;
  };
  class Decoder;

  std::vector<std::unique_ptr<Owned>> programs_;
};

}  // namespace nabla
