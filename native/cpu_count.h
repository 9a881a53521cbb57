#pragma once

#include <string>

namespace nabla {

/** The CPUs that this process may keep busy: its affinity, cut down to its container's quota; at least 1. */
int available_cpus();

/** The tightest CPU quota on the process's cgroup and those above it, as whole CPUs; 0 where there is none.
 * `root` is "" but in tests. */
int cgroup_cpus(const std::string& root);

}  // namespace nabla
