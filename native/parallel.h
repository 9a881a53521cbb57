#pragma once

#include <cstdint>

/** One fork-join pool for the whole process: every environment (main thread or worker) shares it. */
namespace nabla {

using Task = void (*)(const void* context, int64_t task);

/**
 * Calls `run(context, task)` once for each task in [0, tasks), on several threads, and returns when all are done. Which
 * thread runs which task varies; results must not depend on it. A call from within a task, or while another thread has
 * the pool, runs inline. An exception of a task is rethrown; which one, if several threw, varies too.
 */
void parallel_for(int64_t tasks, Task run, const void* context);

/** How many threads `parallel_for` uses, the caller included; at first, what the machine grants this process. */
int num_threads();
void set_num_threads(int count);

/** The pool's threads end when the last environment does, because the addon is unloaded then. */
void enter_environment();
/** Whether it was the last. */
bool leave_environment();

}  // namespace nabla
