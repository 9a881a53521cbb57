#include "cpu_count.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
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

/** What is in a file, or nothing where there is none. Streams would link in a quarter of a megabyte of the C++ library.
 */
std::string text_of(const std::string& file) {
  std::string text;
  std::FILE* opened = std::fopen(file.c_str(), "r");
  if (opened == nullptr) return text;
  char part[4096];
  for (size_t count; (count = std::fread(part, 1, sizeof part, opened)) > 0;) text.append(part, count);
  std::fclose(opened);
  return text;
}

double number_in(const std::string& file) { return std::strtod(text_of(file).c_str(), nullptr); }

/** cgroup v2: one file, "quota period" or "max period". */
int quota_v2(const std::string& group) {
  const std::string text = text_of(group + "/cpu.max");
  char* rest = nullptr;
  const double quota = std::strtod(text.c_str(), &rest);
  return whole_cpus(quota, std::strtod(rest, nullptr));
}

/** cgroup v1: two files; a quota of -1 is none. */
int quota_v1(const std::string& group) {
  return whole_cpus(number_in(group + "/cpu.cfs_quota_us"), number_in(group + "/cpu.cfs_period_us"));
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
  const std::string groups = text_of(root + "/proc/self/cgroup");
  int cpus = 0;
  for (size_t start = 0; start < groups.size();) {
    const size_t end = std::min(groups.find('\n', start), groups.size());
    cpus = min_quota(cpus, quota_of_line(root, groups.substr(start, end - start)));
    start = end + 1;
  }
  return cpus;
}

int available_cpus() { return std::max(1, min_quota(affinity_cpus(), cgroup_cpus(""))); }

}  // namespace nabla
