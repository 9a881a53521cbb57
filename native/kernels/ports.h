#pragma once

#include "convert.h"
#include "tiles.h"

/** Between operands in memory, of any type and strides, and slots: dense blocks of the compute type. */
namespace nabla::NABLA_ISA {
namespace {

/** kDirect: the slot points into memory. kOnce: every tile sees the same elements. kEachTile: they are copied tile by
 * tile. */
enum class Binding { kDirect, kOnce, kEachTile };

/** An operand as seen from a tiling. */
struct Port {
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

template <typename T>
Port input_port(const Operand& operand, const Tiling& tiling) {
  const Binding otherwise = same_in_tiles(tiling, operand.strides) ? Binding::kOnce : Binding::kEachTile;
  const Binding binding = lies_dense<T>(operand, tiling) ? Binding::kDirect : otherwise;
  return {operand.data, operand.dtype, operand.strides, &tiling, binding, nullptr};
}

template <typename T>
Port output_port(const Operand& operand, const Tiling& tiling, bool* misfit) {
  const Binding binding = lies_dense<T>(operand, tiling) ? Binding::kDirect : Binding::kEachTile;
  return {operand.data, operand.dtype, operand.strides, &tiling, binding, misfit};
}

/** Calls run(offset, length) for each innermost run of a tile that spans `extent` positions, in order. Axes that
 * follow on each other are one run. */
template <typename Run>
void for_each_run(const Tiling& tiling, int64_t extent, const int64_t* strides, Run run) {
  const int axis = tiling.axis;
  int last = tiling.nest.dims - 1;
  int64_t length = axis == last ? extent : tiling.nest.sizes[last];
  while (last > axis && strides[last - 1] == strides[last] * tiling.nest.sizes[last]) {
    last--;
    length *= last == axis ? extent : tiling.nest.sizes[last];
  }
  if (last == axis) return run(0, length);
  int64_t index[kMaxDims] = {};
  int64_t offset = 0;
  for (int64_t left = extent * tiling.inner; left > 0; left -= length) {
    run(offset, length);
    for (int d = last - 1; d >= axis; d--) {
      offset += strides[d];
      if (++index[d] < (d == axis ? extent : tiling.nest.sizes[d])) break;
      offset -= index[d] * strides[d];
      index[d] = 0;
    }
  }
}

template <typename To, typename From>
void load_run(To* dst, const From* src, int64_t stride, int64_t n) {
  if (stride == 1) {
    for (int64_t i = 0; i < n; i++) dst[i] = convert<To>(src[i]);
  } else if (stride == 0) {
    const To value = convert<To>(*src);
    for (int64_t i = 0; i < n; i++) dst[i] = value;
  } else {
    for (int64_t i = 0; i < n; i++) dst[i] = convert<To>(src[i * stride]);
  }
}

template <typename To, typename From>
void store_run(To* dst, const From* src, int64_t stride, int64_t n) {
  if (stride == 1) {
    for (int64_t i = 0; i < n; i++) dst[i] = convert<To>(src[i]);
  } else {
    for (int64_t i = 0; i < n; i++) dst[i * stride] = convert<To>(src[i]);
  }
}

/** Whether all of src[n] can be stored as `To`: only int32 does not hold everything. */
template <typename To, typename From>
bool all_fit([[maybe_unused]] const From* src, [[maybe_unused]] int64_t n) {
  int32_t outside = 0;
  if constexpr (__is_same(To, int32_t)) {
    for (int64_t i = 0; i < n; i++) outside |= !fits_int32(static_cast<double>(src[i]));
  }
  return outside == 0;
}

/** dst[row, column] = src[column * stride + row], in the order of memory. */
template <typename To, typename From>
void load_transposed(To* dst, const From* src, int64_t stride, int64_t rows, int64_t columns) {
  for (int64_t column = 0; column < columns; column++) {
    for (int64_t row = 0; row < rows; row++) dst[row * columns + column] = convert<To>(src[column * stride + row]);
  }
}

/** Whether the last two axes of tiles are better walked the other way around. */
inline bool is_transposed(const Port& port) {
  const int last = port.tiling->nest.dims - 1;
  return port.tiling->axis < last && port.tiling->inner > 0 && port.strides[last - 1] == 1 && port.strides[last] > 1;
}

template <typename T>
void load_tile(T* slot, const Port& port, const char* from, int64_t extent) {
  const int64_t stride = port.strides[port.tiling->nest.dims - 1];
  with_type(port.dtype, [=, &port]<typename S>(S*) {
    T* to = slot;
    const S* source = reinterpret_cast<const S*>(from);
    if (is_transposed(port)) {
      Tiling planes = *port.tiling;
      const int64_t columns = planes.nest.sizes[--planes.nest.dims];
      planes.inner /= columns;
      for_each_run(planes, extent, port.strides, [&to, source, stride, columns](int64_t offset, int64_t rows) {
        load_transposed(to, source + offset, stride, rows, columns);
        to += rows * columns;
      });
    } else {
      for_each_run(*port.tiling, extent, port.strides, [&to, source, stride](int64_t offset, int64_t n) {
        load_run(to, source + offset, stride, n);
        to += n;
      });
    }
  });
}

template <typename T>
void store_tile(const T* slot, const Port& port, char* to, int64_t extent) {
  const int64_t stride = port.strides[port.tiling->nest.dims - 1];
  with_type(port.dtype, [=, &port]<typename S>(S*) {
    const T* from = slot;
    if (!all_fit<S>(slot, extent * port.tiling->inner)) report(port.misfit);
    for_each_run(*port.tiling, extent, port.strides, [&from, to, stride](int64_t offset, int64_t n) {
      store_run(reinterpret_cast<S*>(to) + offset, from, stride, n);
      from += n;
    });
  });
}

}  // namespace
}  // namespace nabla::NABLA_ISA
