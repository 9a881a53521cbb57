#pragma once

#include <stdexcept>
#include <string>

namespace nabla {

/** What cannot be done, with the `code` that the error has in JavaScript. */
class Failure : public std::runtime_error {
 public:
  Failure(const char* code, const std::string& message) : std::runtime_error(message), code(code) {}

  const char* const code;
};

}  // namespace nabla
