#include "world.h"

#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

#include "../checks.h"
#include "../failure.h"
#include "collective.h"
#include "jobs.h"
#include "neighbors.h"

namespace nabla::mpi {

namespace {

/** Never deleted: threads may be at it when the process ends. */
World*& the_world() {
  static World* world = nullptr;
  return world;
}

World& joined() {
  World* world = the_world();
  if (world == nullptr || world->library == nullptr) fail("this process has not joined other ranks, or has left them");
  return *world;
}

/** MPICH's abort asks a launcher that may be out of reach, and waits for its answer for ever. */
constexpr auto kPatienceWithAbort = std::chrono::seconds(2);

void end_all(World& world, int code) {
  std::thread([code] {
    std::this_thread::sleep_for(kPatienceWithAbort);
    std::_Exit(code);
  }).detach();
  world.library->abort(code);
}

void check_memory(const Operand& operand, int64_t count) {
  if (!checks::kChecked) return;
  Instruction piece{};
  piece.outer = 1;
  piece.sizes[0] = count;
  piece.operand_count = 1;
  piece.operands[0] = operand;
  piece.operands[0].strides[0] = 1;
  checks::check(piece, "collective");
}

}  // namespace

void fail(const std::string& message) { throw Failure("ERR_NABLA_DISTRIBUTED", message); }

void note_broken(World& world, const std::string& message) {
  const std::lock_guard lock(world.mutex);
  if (world.broken.empty()) world.broken = message;
}

Place join(const std::vector<std::string>& files, double seconds) {
  World*& world = the_world();
  if (world != nullptr) fail("this process has joined the other ranks before");
  auto made = std::make_unique<World>();
  made->library = open(files);
  made->patience = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  find_neighbors(*made);
  world = made.release();
  return {world->library->rank, world->library->size, world->library->version};
}

void leave(int code) {
  World& world = joined();
  if (code == 0 && end_workers(world)) {
    world.library->finalize();
  } else {
    end_all(world, code == 0 ? 1 : code);
  }
  world.library.reset();
}

char* allocate_shared(int64_t bytes) { return the_world() == nullptr ? nullptr : the_world()->heap.allocate(bytes); }

void release_shared(char* memory) { the_world()->heap.release(memory); }

std::vector<double> exchange_times() {
  static const ExchangeTimes none;
  const ExchangeTimes& times = the_world() == nullptr ? none : the_world()->times;
  const auto seconds = [](const std::atomic<int64_t>& nanoseconds) { return static_cast<double>(nanoseconds) * 1e-9; };
  return {seconds(times.awaited), seconds(times.waiting),           seconds(times.passing),
          seconds(times.summing), static_cast<double>(times.bytes), static_cast<double>(times.exchanges)};
}

int64_t collective(const Instruction& instruction) {
  // A process by itself has what all ranks have.
  if (the_world() == nullptr) return kDone;
  World& world = joined();
  const double* numbers = instruction.numbers;
  Pieces pieces(instruction.operands[0].dtype);
  for (int i = 0; i < instruction.operand_count; i++) {
    const auto count = static_cast<int64_t>(numbers[kCollectiveSettings + i]);
    check_memory(instruction.operands[i], count);
    pieces.add(instruction.operands[i].data, count);
  }
  const auto kind = static_cast<CollectiveKind>(static_cast<int>(numbers[0]));
  const int channel = static_cast<int>(numbers[1]);
  const bool apart = numbers[3] != 0;
  begin(world, channel, std::make_shared<Job>(Job{kind, std::move(pieces), static_cast<int64_t>(numbers[2])}), apart);
  if (!apart) settle(world, channel, instruction.operands[0].data);
  return kDone;
}

int64_t settle(const Instruction& instruction) {
  if (the_world() == nullptr) return kDone;
  settle(joined(), static_cast<int>(instruction.numbers[1]), instruction.operands[0].data);
  return kDone;
}

void settle_all() noexcept {
  World* world = the_world();
  if (world == nullptr || world->library == nullptr) return;
  for (int channel = 0; channel < kChannels; channel++) settle_all(*world, channel);
}

}  // namespace nabla::mpi
