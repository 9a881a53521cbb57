#pragma once

#include <string>

namespace nabla {

/**
 * Does on purpose what a sanitizer is to find, so that scripts/sanitized can tell one that works from one that does
 * not. Only in builds with a sanitizer; elsewhere it is not there.
 */
void plant(const std::string& fault);

}  // namespace nabla
