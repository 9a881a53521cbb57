#pragma once

#include <cstdint>
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

/** Memory that all ranks of this machine see, where they all share one: exchanges take what lies there as it is. Else
 * null. */
char* allocate_shared(int64_t bytes);
void release_shared(char* memory);

/** Of all exchanges so far, in seconds: for how long programs waited for them, for how long these waited for messages,
 * passed messages to the library, and summed; then how many bytes were sent, in how many exchanges. */
std::vector<double> exchange_times();

/** Leaves; with a code other than 0 by ending all ranks. */
void leave(int code);

}  // namespace nabla::mpi
