#include "checks.h"

#ifdef NABLA_CHECKED

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>

#include "micro_ops.h"

namespace nabla::checks {

namespace {

using Address = uintptr_t;

/** Buffers by where they start: where they end. Never destroyed: loops may run when the process exits. */
struct Memory {
  std::mutex mutex;
  std::map<Address, Address> ends;

  static Memory& all() {
    static Memory& memory = *new Memory;
    return memory;
  }
};

bool is_known(Address start, Address end) {
  Memory& memory = Memory::all();
  const std::lock_guard lock(memory.mutex);
  auto after = memory.ends.upper_bound(start);
  return after != memory.ends.begin() && end <= (--after)->second;
}

/** What an operand reaches, axis by axis. */
class Reach {
 public:
  explicit Reach(const char* what) : what_(what) {}

  Reach& axes(int count, const int64_t* sizes, const int64_t* strides) {
    for (int d = 0; d < count; d++) axis(sizes[d], strides[d]);
    return *this;
  }

  Reach& axis(int64_t size, int64_t stride) {
    require(size >= 0, what_);
    // What is repeated is there, however often.
    if (size == 0 && stride != 0) empty_ = true;
    int64_t distance = 0;
    require(!__builtin_mul_overflow(stride, size - 1, &distance), what_);
    if (size == 0) distance = 0;
    (distance < 0 ? first_ : last_) += distance;
    return *this;
  }

  void in_memory(const char* data, DType dtype) const {
    const size_t row = static_cast<size_t>(dtype);
    require(row < std::size(kSizes), what_);
    if (empty_) return;
    const Address at = reinterpret_cast<Address>(data);
    const int64_t size = kSizes[row];
    require(at % size == 0, what_);
    if (is_known(at + first_ * size, at + (last_ + 1) * size)) return;
    std::fprintf(stderr, "nabla: %s reaches from element %lld to %lld of %p, beyond its memory\n", what_,
                 static_cast<long long>(first_), static_cast<long long>(last_), static_cast<const void*>(data));
    std::abort();
  }

 private:
  const char* what_;
  bool empty_ = false;
  int64_t first_ = 0, last_ = 0;
};

void check_micro(const Program& program, const MicroInstruction* code, int count) {
  constexpr int kCount = 0
#define NABLA_ONE_MORE(name, arity, value) +1
      NABLA_ALL_OPS(NABLA_ONE_MORE)
#undef NABLA_ONE_MORE
      ;
  for (int i = 0; i < count; i++) {
    require(code[i].op >= 0 && code[i].op < kCount, "program: operation");
    for (const int slot : {code[i].dst, code[i].a, code[i].b, code[i].c}) {
      require(slot >= 0 && slot < program.slots, "program: slot");
    }
  }
}

void check_stages(const Program& program, const Stage* stages, int count) {
  for (int s = 0; s < count; s++) {
    check_micro(program, stages[s].elements, stages[s].element_count);
    check_micro(program, stages[s].rows, stages[s].row_count);
    for (int f = 0; f < stages[s].fold_count; f++) {
      const FoldInstruction& fold = stages[s].folds[f];
      require(fold.fold >= FoldKind::kSum && fold.fold <= FoldKind::kArgmax, "program: fold");
      require(fold.src >= 0 && fold.src < program.slots, "program: slot");
      const int operands = program.inputs + program.outputs;
      require(fold.src < operands || fold.src >= operands + program.params + program.constants,
              "program: a fold of one value");
      require(fold.dst >= 0 && fold.dst < program.slots, "program: slot");
    }
  }
}

}  // namespace

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "nabla: an instruction is malformed: %s\n", what);
  std::abort();
}

void note_memory(const void* start, size_t bytes) {
  const Address begin = reinterpret_cast<Address>(start), end = begin + bytes;
  Memory& memory = Memory::all();
  const std::lock_guard lock(memory.mutex);
  // What overlaps has been freed.
  auto next = memory.ends.lower_bound(begin);
  if (next != memory.ends.begin() && std::prev(next)->second > begin) next = std::prev(next);
  while (next != memory.ends.end() && next->first < end) next = memory.ends.erase(next);
  memory.ends[begin] = end;
}

void check(const Program& program) {
  require(program.inputs + program.outputs <= kMaxOperands, "program: operands");
  check_stages(program, program.resident, program.resident_count);
  check_stages(program, program.streamed, program.streamed_count);
}

void check(const Instruction& instruction, const char* name) {
  const Program* program = instruction.program;
  const int64_t* sizes = instruction.sizes;
  const int outer = instruction.outer, dims = outer + instruction.inner, count = instruction.operand_count;
  // Of no rows nothing is read or written.
  if (std::find(sizes, sizes + outer, 0) != sizes + outer) return;
  const bool has_elements = std::find(sizes + outer, sizes + dims, 0) == sizes + dims;
  const bool is_product = std::strcmp(name, "matmul") == 0;
  // Of rows without elements, a program's row operands are. A product has its factors besides the program's operands.
  const bool is_fold = program != nullptr && count == program->inputs + program->outputs;
  for (int i = 0; i < count; i++) {
    if (is_fold && !has_elements && !program->is_row[i]) continue;
    // A factor may be repeated along an axis that is empty: nothing is multiplied then.
    if (is_product && !has_elements && i < 2) continue;
    const Operand& operand = instruction.operands[i];
    Reach("an operand").axes(dims, sizes, operand.strides).in_memory(operand.data, operand.dtype);
  }
}

}  // namespace nabla::checks

#endif
