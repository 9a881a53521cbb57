// Prints what cpu_count.cc makes of the control groups under a folder, instead of /.
#include <cstdio>

#include "../../native/cpu_count.h"

int main(int, char** arguments) { std::printf("%d", nabla::cgroup_cpus(arguments[1])); }
