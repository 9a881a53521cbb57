#include "neighbors.h"

#ifdef __linux__
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <random>
#include <string_view>
#endif

#include "exchange.h"

namespace nabla::mpi {

#ifdef __linux__

namespace {

/** What a rank says of itself and of its memory, which has no name: others find it among the open files of its process.
 */
struct Address {
  int64_t machine, process, file, secret, heap_bytes;
};

/** The file begins with whose it is; then come the board, and the heap. */
constexpr int64_t kTitleBytes = kPage;
constexpr int64_t kBoardBytes = whole_pages(sizeof(Board));
constexpr int64_t kHeapAt = kTitleBytes + kBoardBytes;

constexpr const char* kName = "nabla";
/** MFD_CLOEXEC, which old headers do not have. */
constexpr unsigned kClosedOnExec = 1;

int64_t machine() {
  char name[HOST_NAME_MAX + 1] = "";
  gethostname(name, sizeof name - 1);
  return static_cast<int64_t>(std::hash<std::string_view>()(name));
}

/** Ranks have the machine's memory in equal parts; of what is not used there is nothing. */
int64_t heap_bytes(int ranks) {
  const auto machine = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  const int64_t most = std::numeric_limits<intptr_t>::max() / 4;
  return whole_pages(std::min(machine, most) / ranks);
}

bool map(int file, int64_t bytes, Neighbor& neighbor) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
  if (memory == MAP_FAILED) return false;
  neighbor.board = reinterpret_cast<Board*>(static_cast<char*>(memory) + kTitleBytes);
  neighbor.heap = static_cast<char*>(memory) + kHeapAt;
  return true;
}

/** A file may not be longer than this, or the process is ended. */
bool is_within_limit(int64_t bytes) {
  rlimit limit;
  return getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
         (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= static_cast<uint64_t>(bytes));
}

/** The memory of this rank; a file that is -1 where there is none to be had. */
Address make_memory(int ranks) {
  Address own{machine(), getpid(), -1, 0, heap_bytes(ranks)};
  const char* wanted = std::getenv("NABLA_SHARED_MEMORY");
  const int64_t bytes = kHeapAt + own.heap_bytes;
  if ((wanted != nullptr && std::string_view(wanted) == "0") || !is_within_limit(bytes)) return own;
  const auto file = static_cast<int>(syscall(SYS_memfd_create, kName, kClosedOnExec));
  if (file < 0) return own;
  std::random_device random;
  own.secret = static_cast<int64_t>(uint64_t{random()} << 32 | random());
  const bool is_written =
      ftruncate(file, bytes) == 0 && pwrite(file, &own.secret, sizeof own.secret, 0) == sizeof own.secret;
  if (!is_written) close(file);
  own.file = is_written ? file : -1;
  return own;
}

/** The memory of a rank of this machine, or -1. */
int open_memory(const Address& of) {
  const std::string path = "/proc/" + std::to_string(of.process) + "/fd/" + std::to_string(of.file);
  char target[PATH_MAX] = "";
  const std::string expected = std::string("/memfd:") + kName;
  if (readlink(path.c_str(), target, sizeof target - 1) < 0 || !std::string_view(target).starts_with(expected))
    return -1;
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  int64_t secret = 0;
  if (file >= 0 && pread(file, &secret, sizeof secret, 0) == sizeof secret && secret == of.secret) return file;
  if (file >= 0) close(file);
  return -1;
}

bool connect(const Address& other, Neighbor& neighbor) {
  const int file = open_memory(other);
  if (file < 0) return false;
  const bool is_mapped = map(file, kHeapAt + other.heap_bytes, neighbor);
  close(file);
  return is_mapped;
}

/** What every rank has. */
template <typename T>
std::vector<T> gathered(World& world, const T& own) {
  std::vector<T> all(world.library->size);
  all[world.library->rank] = own;
  Pieces pieces(DType::kInt32);
  pieces.add(reinterpret_cast<char*>(all.data()), static_cast<int64_t>(all.size() * sizeof(T) / sizeof(int32_t)));
  Job job{CollectiveKind::kGather, std::move(pieces), 0};
  exchange(world, 0, job);
  return all;
}

/** Whether this rank has the memory of all. What has the same number on another machine is never opened. */
bool connect_all(const std::vector<Address>& all, int rank, std::vector<Neighbor>& neighbors) {
  const auto is_here = [&](const Address& of) { return of.machine == all[rank].machine && of.file >= 0; };
  if (!std::all_of(all.begin(), all.end(), is_here)) return false;
  for (size_t i = 0; i < all.size(); i++) {
    if (!connect(all[i], neighbors[i])) return false;
  }
  return true;
}

void unmap_all(const std::vector<Address>& all, const std::vector<Neighbor>& neighbors) {
  for (size_t i = 0; i < all.size(); i++) {
    if (neighbors[i].heap != nullptr) munmap(neighbors[i].heap - kHeapAt, kHeapAt + all[i].heap_bytes);
  }
}

}  // namespace

void find_neighbors(World& world) {
  const int rank = world.library->rank, size = world.library->size;
  if (size == 1) return;
  const std::vector<Address> all = gathered(world, make_memory(size));
  std::vector<Neighbor> neighbors(size);
  const std::vector<int64_t> well = gathered<int64_t>(world, connect_all(all, rank, neighbors));
  // Others have opened it by now, or never will; their maps keep it.
  if (all[rank].file >= 0) close(static_cast<int>(all[rank].file));
  // One that could not is enough: all do the same.
  if (std::find(well.begin(), well.end(), 0) != well.end()) return unmap_all(all, neighbors);
  world.heap.begin(neighbors[rank].heap, all[rank].heap_bytes);
  world.neighbors = std::move(neighbors);
}

#else

void find_neighbors(World&) {}

#endif

}  // namespace nabla::mpi
