#pragma once

#include "exchange.h"

/** What all ranks of one machine do in memory that they share: nothing is sent. Of sums each rank adds a part, for all.
 */
namespace nabla::mpi {

/** Whether an exchange goes this way. */
bool is_in_memory(const World& world, const Job& job);

/** Tells the others what it is, and where the elements are, which belong to all until it is done; those that others do
 * not see are copied. Does not wait for anyone. */
void tell(World& world, int channel, Job& job);

/** Whether `tell` may be called; not before what began long before is done. */
bool may_tell(const Channel& channel, const Job& job);

/** Does this rank's part of what all have told of. */
void do_part(World& world, int channel, Job& job);

/** Returns when all parts are there. */
void finish_in_memory(World& world, int channel, Job& job);

}  // namespace nabla::mpi
