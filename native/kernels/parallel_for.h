#pragma once

#include "../parallel.h"

namespace nabla::NABLA_ISA {
namespace {

/** Calls `body(task)` for each task in [0, tasks), on several threads. */
template <typename Body>
void for_each_task(int64_t tasks, const Body& body) {
  const Task run = [](const void* context, int64_t task) { (*static_cast<const Body*>(context))(task); };
  parallel_for(tasks, run, &body);
}

}  // namespace
}  // namespace nabla::NABLA_ISA
