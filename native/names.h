#pragma once

#include <cstdint>

/**
 * An enum whose values have numbers in JavaScript too, and `kNameNames`, the text of its list, which the loader
 * compares with the names there: `kSum` is `sum`.
 */
#define NABLA_NAMED(Name, ...)               \
  enum class Name : int32_t { __VA_ARGS__ }; \
  [[maybe_unused]] constexpr const char* k##Name##Names = #__VA_ARGS__;
