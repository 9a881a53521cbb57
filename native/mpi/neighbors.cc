#include "neighbors.h"

#ifdef __linux__
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
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
  int64_t machine, process, file, secret;
};

/** At the start of the memory, before rings: which rank's it is. */
constexpr int64_t kTitle = kLargestPage;

constexpr const char* kName = "nabla";
/** MFD_CLOEXEC, which old headers do not have. */
constexpr unsigned kClosedOnExec = 1;

int64_t machine() {
  char name[HOST_NAME_MAX + 1] = "";
  gethostname(name, sizeof name - 1);
  return static_cast<int64_t>(std::hash<std::string_view>()(name));
}

/** From one rank to another. */
int64_t place_of(int channel, int to) { return kTitle + (int64_t{to} * kChannels + channel) * Ring::kMemory; }

char* map(int file, int64_t from, int64_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, from);
  return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
}

/** Of rings to or from a rank, one a channel, which lie side by side. */
bool map_rings(int file, int to, Ring* rings) {
  char* memory = map(file, place_of(0, to), kChannels * Ring::kMemory);
  if (memory == nullptr) return false;
  for (int channel = 0; channel < kChannels; channel++) rings[channel] = Ring(memory + channel * Ring::kMemory);
  return true;
}

/** The memory of this rank; a file that is -1 where there is none to be had. */
Address make_memory(int ranks) {
  Address own{machine(), getpid(), -1, 0};
  const char* wanted = std::getenv("NABLA_SHARED_MEMORY");
  if (wanted != nullptr && std::string_view(wanted) == "0") return own;
  const auto file = static_cast<int>(syscall(SYS_memfd_create, kName, kClosedOnExec));
  if (file < 0) return own;
  std::random_device random;
  own.secret = static_cast<int64_t>(uint64_t{random()} << 32 | random());
  const bool is_written =
      ftruncate(file, place_of(0, ranks)) == 0 && pwrite(file, &own.secret, sizeof own.secret, 0) == sizeof own.secret;
  if (!is_written) close(file);
  own.file = is_written ? file : -1;
  return own;
}

/** The memory of another rank, or -1. What has the same number on another machine is never opened. */
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

bool connect(const Address& own, int rank, const Address& other, int other_rank, Neighbor& neighbor) {
  const int file = open_memory(other);
  if (file < 0) return false;
  const bool is_mapped =
      map_rings(static_cast<int>(own.file), other_rank, neighbor.to) && map_rings(file, rank, neighbor.from);
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

/** Whether this rank has the memory of all others of its machine. */
bool all_connect(World& world, const std::vector<Address>& all, std::vector<Neighbor>& neighbors) {
  const int rank = world.library->rank;
  const auto is_here = [&](const Address& of) { return of.machine == all[rank].machine; };
  if (std::any_of(all.begin(), all.end(), [&](const Address& of) { return is_here(of) && of.file < 0; })) return false;
  for (size_t i = 0; i < all.size(); i++) {
    const auto other = static_cast<int>(i);
    if (other == rank || !is_here(all[i])) continue;
    if (!connect(all[rank], rank, all[i], other, neighbors[i])) return false;
  }
  return true;
}

}  // namespace

void find_neighbors(World& world) {
  const int rank = world.library->rank, size = world.library->size;
  if (size == 1) return;
  const std::vector<Address> all = gathered(world, make_memory(size));
  std::vector<Neighbor> neighbors(size);
  const std::vector<int64_t> well = gathered<int64_t>(world, all_connect(world, all, neighbors));
  // Others have opened it by now, or never will; their maps keep it.
  if (all[rank].file >= 0) close(static_cast<int>(all[rank].file));
  // One that could not is enough: so ranks know of all pairs, and not of their own only, how messages go.
  bool is_one_machine = true;
  for (int i = 0; i < size; i++) {
    const bool is_here = all[i].machine == all[rank].machine;
    is_one_machine = is_one_machine && is_here && well[i] != 0;
    if (is_here && well[i] == 0) neighbors.assign(size, {});
  }
  world.neighbors = std::move(neighbors);
  world.is_one_machine = is_one_machine;
}

#else

void find_neighbors(World&) {}

#endif

}  // namespace nabla::mpi
