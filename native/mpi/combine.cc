#include "combine.h"

#include <type_traits>

namespace nabla::mpi {

namespace {

template <typename T, typename Op>
void each(char* own, const char* other, int64_t count, bool own_first, const Op& op) {
  T* a = reinterpret_cast<T*>(own);
  const T* b = reinterpret_cast<const T*>(other);
  if (own_first) {
    for (int64_t i = 0; i < count; i++) a[i] = op(a[i], b[i]);
  } else {
    for (int64_t i = 0; i < count; i++) a[i] = op(b[i], a[i]);
  }
}

/** Integers wrap around, as MPI's do. */
template <typename T>
using Wrapping = typename std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>, std::type_identity<T>>::type;

template <typename T>
void combine_as(CollectiveKind kind, char* own, const char* other, int64_t count, bool own_first) {
  using W = Wrapping<T>;
  switch (kind) {
    case CollectiveKind::kSum:
      return each<T>(own, other, count, own_first, [](T x, T y) { return static_cast<T>(W(x) + W(y)); });
    case CollectiveKind::kProduct:
      return each<T>(own, other, count, own_first, [](T x, T y) { return static_cast<T>(W(x) * W(y)); });
    case CollectiveKind::kMinimum:
      return each<T>(own, other, count, own_first, [](T x, T y) { return x != x || x < y ? x : y; });
    case CollectiveKind::kMaximum:
      return each<T>(own, other, count, own_first, [](T x, T y) { return x != x || x > y ? x : y; });
    case CollectiveKind::kAnySum:
    case CollectiveKind::kBroadcast:
    case CollectiveKind::kGather:
      return;
  }
}

}  // namespace

void combine(CollectiveKind kind, DType dtype, char* own, const char* other, int64_t count, bool own_first) {
  switch (dtype) {
    case DType::kFloat32:
      return combine_as<float>(kind, own, other, count, own_first);
    case DType::kFloat64:
      return combine_as<double>(kind, own, other, count, own_first);
    case DType::kInt32:
      return combine_as<int32_t>(kind, own, other, count, own_first);
    case DType::kBool:
      return;
  }
}

}  // namespace nabla::mpi
