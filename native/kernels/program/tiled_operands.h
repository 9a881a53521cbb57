#pragma once

#include "slots.h"
#include "transfer.h"

/** A program's operands as they are walked tile by tile. */
namespace nabla::NABLA_ISA {
namespace {

/** An operand as seen from a tiling. */
struct TiledOperand {
  char* data;
  DType dtype;
  const int64_t* strides;
  const Tiling* tiling;
  Binding binding;
  /** Of outputs: where a store says that a value did not fit. */
  bool* misfit;

  char* at(const Tile& tile) const { return data + tile.offset(strides) * size_of(dtype); }
};

template <typename T>
bool lies_dense(const Operand& operand, const Tiling& tiling) {
  return operand.dtype == kDTypeOf<T> && contiguous_in_tiles(tiling, operand.strides);
}

/** Whether all elements of an operand are one. */
inline bool is_one_value(const Shape& shape, const int64_t* strides) {
  for (int d = 0; d < shape.dims; d++) {
    if (strides[d] != 0 && shape.sizes[d] != 1) return false;
  }
  return true;
}

/** The first element of an operand. */
template <typename T>
T read_one(const Operand& operand) {
  return with_type(operand.dtype,
                   [&]<typename S>(S*) { return convert<T>(*reinterpret_cast<const S*>(operand.data)); });
}

template <typename T>
TiledOperand tiled_input(const Operand& operand, const Tiling& tiling) {
  const Binding otherwise = same_in_tiles(tiling, operand.strides) ? Binding::kOnce : Binding::kEachTile;
  const Binding binding = lies_dense<T>(operand, tiling) ? Binding::kDirect : otherwise;
  return {operand.data, operand.dtype, operand.strides, &tiling, binding, nullptr};
}

template <typename T>
TiledOperand tiled_output(const Operand& operand, const Tiling& tiling, bool* misfit) {
  const Binding binding = lies_dense<T>(operand, tiling) ? Binding::kDirect : Binding::kEachTile;
  return {operand.data, operand.dtype, operand.strides, &tiling, binding, misfit};
}

/** Calls run(offset, length) for each innermost run of a tile that spans `extent` positions, in order. Axes that
 * follow on each other are one run. */
template <typename Run>
void for_each_run(const Tiling& tiling, int64_t extent, const int64_t* strides, Run run) {
  const int axis = tiling.axis;
  int last = tiling.shape.dims - 1;
  int64_t length = axis == last ? extent : tiling.shape.sizes[last];
  while (last > axis && strides[last - 1] == strides[last] * tiling.shape.sizes[last]) {
    last--;
    length *= last == axis ? extent : tiling.shape.sizes[last];
  }
  if (last == axis) return run(0, length);
  int64_t index[kMaxDims] = {};
  int64_t offset = 0;
  for (int64_t left = extent * tiling.inner; left > 0; left -= length) {
    run(offset, length);
    for (int d = last - 1; d >= axis; d--) {
      offset += strides[d];
      if (++index[d] < (d == axis ? extent : tiling.shape.sizes[d])) break;
      offset -= index[d] * strides[d];
      index[d] = 0;
    }
  }
}

/** Whether the last two axes of tiles are better walked the other way around. */
inline bool is_transposed(const TiledOperand& operand) {
  const int last = operand.tiling->shape.dims - 1;
  return operand.tiling->axis < last && operand.tiling->inner > 0 && operand.strides[last - 1] == 1 &&
         operand.strides[last] > 1;
}

template <typename T>
void load_tile(T* slot, const TiledOperand& operand, const char* from, int64_t extent) {
  const int64_t stride = operand.strides[operand.tiling->shape.dims - 1];
  with_type(operand.dtype, [=, &operand]<typename S>(S*) {
    T* to = slot;
    const S* source = reinterpret_cast<const S*>(from);
    if (is_transposed(operand)) {
      Tiling planes = *operand.tiling;
      const int64_t columns = planes.shape.sizes[--planes.shape.dims];
      planes.inner /= columns;
      for_each_run(planes, extent, operand.strides, [&to, source, stride, columns](int64_t offset, int64_t rows) {
        load_transposed(to, source + offset, stride, rows, columns);
        to += rows * columns;
      });
    } else {
      for_each_run(*operand.tiling, extent, operand.strides, [&to, source, stride](int64_t offset, int64_t n) {
        load_run(to, source + offset, stride, n);
        to += n;
      });
    }
  });
}

template <typename T>
void store_tile(const T* slot, const TiledOperand& operand, char* to, int64_t extent) {
  const int64_t stride = operand.strides[operand.tiling->shape.dims - 1];
  with_type(operand.dtype, [=, &operand]<typename S>(S*) {
    const T* from = slot;
    if (!all_fit<S>(slot, extent * operand.tiling->inner)) report(operand.misfit);
    for_each_run(*operand.tiling, extent, operand.strides, [&from, to, stride](int64_t offset, int64_t n) {
      store_run(reinterpret_cast<S*>(to) + offset, from, stride, n);
      from += n;
    });
  });
}

/**
 * The operands of a program on their way into its slots and out of them. Element operands are walked by one tiling; row
 * operands by another, of the axes that are not folded. These are always copied, so that all row values have room for
 * whole vectors.
 */
template <typename T>
class TiledOperands {
 public:
  TiledOperands(Slots<T>& slots, const Program& program, const Operand* operands, const Tiling& elements,
                const Tiling& rows, bool* misfit)
      : slots_(slots), program_(program) {
    for (int i = 0; i < program.inputs + program.outputs; i++) {
      const Tiling& tiling = program.is_row[i] ? rows : elements;
      operands_[i] =
          i < program.inputs ? tiled_input<T>(operands[i], tiling) : tiled_output<T>(operands[i], tiling, misfit);
      if (program.is_row[i] && operands_[i].binding == Binding::kDirect) operands_[i].binding = Binding::kEachTile;
      if (operands_[i].binding != Binding::kOnce) {
        moving_[moving_count_++] = i;
        continue;
      }
      load_tile(slots.own(i), operands_[i], operands_[i].data, tiling.step);
      if (tiling.max_elements() >= kLanes<T> && is_one_value(tiling.shape, operands_[i].strides)) slots.keep_same(i);
    }
  }

  /** Brings a tile's inputs in, and shows the outputs where to go. */
  void load(Kind kind, const Tile& tile) {
    for (int k = 0; k < moving_count_; k++) {
      const int i = moving_[k];
      const TiledOperand& operand = operands_[i];
      if (!is(kind, i)) continue;
      if (operand.binding == Binding::kDirect) {
        slots_.point(i, reinterpret_cast<T*>(operand.at(tile)));
      } else if (i < program_.inputs) {
        load_tile(slots_.own(i), operand, operand.at(tile), tile.extent);
      }
    }
  }

  void store(Kind kind, const Tile& tile) const {
    for (int i = program_.inputs; i < program_.inputs + program_.outputs; i++) {
      const TiledOperand& operand = operands_[i];
      if (!is(kind, i) || operand.binding == Binding::kDirect) continue;
      store_tile(slots_.own(i), operand, operand.at(tile), tile.extent);
    }
  }

 private:
  bool is(Kind kind, int i) const { return program_.is_row[i] == (kind == Kind::kRow); }

  Slots<T>& slots_;
  const Program& program_;
  TiledOperand operands_[kMaxOperands];
  /** Those that are others in every tile. */
  int moving_[kMaxOperands];
  int moving_count_ = 0;
};

}  // namespace
}  // namespace nabla::NABLA_ISA
