#pragma once

#include <memory>

#include "exchange.h"

namespace nabla::mpi {

/** Has the channel do it, after what began before; `apart` on a thread of the channel's own, else (and in memory) by
 * whoever waits. */
void begin(World& world, int channel, std::shared_ptr<Job> job, bool apart);

/** Returns when the exchange of the memory that begins here is done, or was before. What nobody is at is done here. */
void settle(World& world, int channel, const char* first);

/** Returns when all is done that this thread has begun, well or not. */
void settle_all(World& world, int channel) noexcept;

/** Ends the threads of all channels; false where one is at work. */
bool end_workers(World& world);

}  // namespace nabla::mpi
