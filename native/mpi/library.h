#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../instruction.h"

/**
 * As much of MPI as the core needs, of whichever library is there at run time: nothing is linked. Where none can be
 * opened, or the library says no, a Failure is thrown.
 */
namespace nabla::mpi {

/** What goes over one channel is in order, and apart from what goes over others. */
constexpr int kChannels = 2;

/** A message under way. MPICH numbers them, OpenMPI has addresses. */
union Request {
  void* address;
  int number;
};

/** The most bytes of one message: MPI counts in ints. */
constexpr int64_t kMostBytes = int64_t{1} << 30;

class Library {
 public:
  virtual ~Library() = default;
  virtual Request send(int channel, const void* from, int64_t bytes, int to) = 0;
  virtual Request receive(int channel, void* to, int64_t bytes, int from) = 0;
  /** Sums in place, in an order of the library's own. */
  virtual Request sum(int channel, void* data, int64_t count, DType) = 0;
  /** Whether a message is through. */
  virtual bool test(Request&) = 0;
  /** Ends all ranks. */
  virtual void abort(int code) = 0;
  virtual void finalize() = 0;

  int rank = 0, size = 1;
  /** As it calls itself. */
  std::string version;
};

/** The first of these files that can be opened, with MPI begun. */
std::unique_ptr<Library> open(const std::vector<std::string>& files);

}  // namespace nabla::mpi
