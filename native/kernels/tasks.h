#pragma once

#include "../micro_ops.h"
#include "../parallel.h"
#include "integers.h"
#include "program/tiles.h"

/** When work is split among threads, and how. */
namespace nabla::NABLA_ISA {
namespace {

/** Calls `body(task)` for each task in [0, tasks), on several threads. */
template <typename Body>
void for_each_task(int64_t tasks, const Body& body) {
  const Task run = [](const void* context, int64_t task) { (*static_cast<const Body*>(context))(task); };
  parallel_for(tasks, run, &body);
}

/** Work of a task, in element operations: some ten microseconds, so that handing it to a thread costs little beside it.
 */
constexpr int64_t kMinTaskWork = 1 << 18;

/** What an operation takes, in those that are a single instruction. */
constexpr int64_t work_of(MicroOp op) {
  const bool costly = (op >= MicroOp::sqrt && op <= MicroOp::erfc) || op == MicroOp::div || op == MicroOp::pow;
  return costly ? 10 : 1;
}

/** Operations and memory accesses per element. */
inline int64_t work_per_element(const Program& program) {
  int64_t work = program.inputs + program.outputs;
  for (int i = 0; i < program.resident_count; i++) {
    const Stage& stage = program.resident[i];
    for (int m = 0; m < stage.element_count; m++) work += work_of(static_cast<MicroOp>(stage.elements[m].op));
  }
  return work;
}

/** Calls body(begin, end) for runs of [0, count) that together make all of it, on several threads if that pays. */
template <typename Body>
void in_tasks(int64_t count, int64_t work_each, const Body& body) {
  if (count == 1) return body(0, 1);
  const int64_t per_task = larger(1, kMinTaskWork / larger(1, work_each));
  const int64_t tasks = ceil_div(count, per_task);
  if (tasks <= 1) return body(0, count);
  for_each_task(tasks, [&](int64_t task) { body(task * per_task, smaller(count, (task + 1) * per_task)); });
}

}  // namespace
}  // namespace nabla::NABLA_ISA
