#pragma once

#include <cstddef>

namespace nabla {

/**
 * Keeps memory that V8's collector frees within the process, where the C library is glibc: by default it gives every
 * large tensor back to the system at once, and the next one then costs a page fault per 4 KB, which takes longer than
 * computing it. At most 256 MB are kept. Settings in the environment (MALLOC_TRIM_THRESHOLD_ and its like) win. Called
 * once per process is enough; more does no harm.
 */
void keep_freed_memory();

/**
 * Lets Linux back large memory by pages of 2 MB where it does so on request: one page fault instead of 512, of which
 * each takes microseconds in a virtual machine, and as many fewer translations of addresses. Elsewhere nothing happens.
 */
void ask_for_huge_pages(void* memory, size_t bytes);

}  // namespace nabla
