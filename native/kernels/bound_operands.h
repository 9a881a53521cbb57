#pragma once

#include "frame.h"

namespace nabla::NABLA_ISA {
namespace {

enum class Kind { kElement, kRow };

/**
 * The operands of a program on their way in and out of a frame, tile by tile. Element operands are walked by one
 * tiling; row operands by another, of the axes that are not folded. These are always copied, so that all row values
 * have room for whole vectors.
 */
template <typename T>
class BoundOperands {
 public:
  BoundOperands(Frame<T>& frame, const Program& program, const Operand* operands, const Tiling& elements,
                const Tiling& rows, bool* misfit)
      : frame_(frame), program_(program) {
    for (int i = 0; i < program.inputs + program.outputs; i++) {
      const Tiling& tiling = program.is_row[i] ? rows : elements;
      ports_[i] = i < program.inputs ? input_port<T>(operands[i], tiling) : output_port<T>(operands[i], tiling, misfit);
      if (program.is_row[i] && ports_[i].binding == Binding::kDirect) ports_[i].binding = Binding::kEachTile;
      if (i < program.inputs) frame.load_once(i, ports_[i]);
    }
  }

  /** Brings a tile's inputs in, and shows the outputs where to go. */
  void load(Kind kind, const Tile& tile) {
    for (int i = 0; i < program_.inputs; i++) {
      if (is(kind, i)) frame_.load(i, ports_[i], tile);
    }
    for (int i = program_.inputs; i < program_.inputs + program_.outputs; i++) {
      if (is(kind, i)) frame_.point_output(i, ports_[i], tile);
    }
  }

  void store(Kind kind, const Tile& tile) const {
    for (int i = program_.inputs; i < program_.inputs + program_.outputs; i++) {
      if (is(kind, i)) frame_.store(i, ports_[i], tile);
    }
  }

 private:
  bool is(Kind kind, int i) const { return program_.is_row[i] == (kind == Kind::kRow); }

  Frame<T>& frame_;
  const Program& program_;
  Port ports_[kMaxOperands];
};

}  // namespace
}  // namespace nabla::NABLA_ISA
