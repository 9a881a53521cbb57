#include "cpu_count.h"

#include <algorithm>
#include <fstream>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace nabla {

namespace {

int affinity_cpus() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

int min_quota(int a, int b) { return a == 0 ? b : b == 0 ? a : std::min(a, b); }

int whole_cpus(double quota, double period) {
  return quota > 0 && period > 0 ? std::max(1, static_cast<int>(quota / period)) : 0;
}

/** cgroup v2: one file, "quota period" or "max period". */
int quota_v2(const std::string& group) {
  double quota = 0, period = 0;
  std::ifstream(group + "/cpu.max") >> quota >> period;
  return whole_cpus(quota, period);
}

/** cgroup v1: two files; a quota of -1 is none. */
int quota_v1(const std::string& group) {
  double quota = 0, period = 0;
  std::ifstream(group + "/cpu.cfs_quota_us") >> quota;
  std::ifstream(group + "/cpu.cfs_period_us") >> period;
  return whole_cpus(quota, period);
}

/** The tightest quota from `mount/path` up to `mount`. A container often sees its own group at the mount,
 * whatever the path says. */
int tightest(const std::string& mount, std::string path, int (*quota)(const std::string& group)) {
  int cpus = quota(mount);
  while (!path.empty()) {
    cpus = min_quota(cpus, quota(mount + path));
    path.resize(path.find_last_of('/'));
  }
  return cpus;
}

bool lists_cpu(const std::string& controllers) { return ("," + controllers + ",").find(",cpu,") != std::string::npos; }

/** One line of /proc/self/cgroup: "0::/path" for v2, "4:cpu,cpuacct:/path" for v1. */
int quota_of_line(const std::string& root, const std::string& line) {
  const size_t first = line.find(':');
  const size_t second = line.find(':', first + 1);
  if (first == std::string::npos || second == std::string::npos) return 0;
  const std::string controllers = line.substr(first + 1, second - first - 1);
  std::string path = line.substr(second + 1);
  if (path == "/") path.clear();
  if (controllers.empty()) return tightest(root + "/sys/fs/cgroup", path, quota_v2);
  if (lists_cpu(controllers)) return tightest(root + "/sys/fs/cgroup/cpu", path, quota_v1);
  return 0;
}

}  // namespace

int cgroup_cpus(const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  int cpus = 0;
  for (std::string line; std::getline(groups, line);) cpus = min_quota(cpus, quota_of_line(root, line));
  return cpus;
}

int available_cpus() { return std::max(1, min_quota(affinity_cpus(), cgroup_cpus(""))); }

}  // namespace nabla
