#pragma once

#include <string>
#include <vector>

/** The ranks that this process belongs to, and what they do together. There is one world a process. */
namespace nabla::mpi {

struct Place {
  int rank, size;
  std::string version;
};

/** Opens one of these libraries and joins its world. `seconds` is how long a rank may keep the others waiting. */
Place join(const std::vector<std::string>& files, double seconds);

/** Leaves; with a code other than 0 by ending all ranks. */
void leave(int code);

}  // namespace nabla::mpi
