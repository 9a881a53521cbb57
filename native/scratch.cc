#include "scratch.h"

#include <memory>
#include <new>

namespace nabla {

namespace {

constexpr std::align_val_t kAlignment{64};

struct Free {
  void operator()(char* memory) const { ::operator delete(memory, kAlignment); }
};

struct Arena {
  std::unique_ptr<char, Free> memory;
  int64_t bytes = 0;
};

thread_local Arena arenas[4];

}  // namespace

char* scratch(Scratch use, int64_t bytes) {
  Arena& arena = arenas[static_cast<int>(use)];
  if (arena.bytes < bytes) {
    arena.memory.reset();
    arena.bytes = 0;
    arena.memory.reset(static_cast<char*>(::operator new(bytes, kAlignment)));
    arena.bytes = bytes;
  }
  return arena.memory.get();
}

}  // namespace nabla
