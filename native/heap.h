#pragma once

namespace nabla {

/**
 * Keeps memory that V8's collector frees within the process, where the C library is glibc: by default it gives every
 * large tensor back to the system at once, and the next one then costs a page fault per 4 KB, which takes longer than
 * computing it. At most 256 MB are kept. Settings in the environment (MALLOC_TRIM_THRESHOLD_ and its like) win. Called
 * once per process is enough; more does no harm.
 */
void keep_freed_memory();

}  // namespace nabla
