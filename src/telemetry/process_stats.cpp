#include "telemetry/process_stats.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace fusegate::telemetry {
namespace {

/// The fields of /proc/self/stat from the third on; the second, the name, may contain anything.
std::vector<std::string> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  std::vector<std::string> fields;
  if (name_end == std::string::npos) {
    return fields;
  }
  std::istringstream rest(line.substr(name_end + 1));
  for (std::string field; rest >> field;) {
    fields.push_back(field);
  }
  return fields;
}

double boot_time_seconds() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) {
      return static_cast<double>(std::strtoull(line.c_str() + 6, nullptr, 10));
    }
  }
  return 0;
}

double count_open_fds() {
  std::error_code error;
  double count = 0;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    ++count;
  }
  // One of them is the directory just being read.
  return count > 0 ? count - 1 : 0;
}

}  // namespace

ProcessStats read_process_stats() {
  // Field numbers of proc(5), less the three that come before the first of ours.
  constexpr std::size_t kUserTime = 14 - 3, kSystemTime = 15 - 3, kThreads = 20 - 3,
                        kStartTime = 22 - 3, kVirtualSize = 23 - 3, kResident = 24 - 3;
  ProcessStats stats;
  const std::vector<std::string> fields = stat_fields();
  const auto field = [&](std::size_t index) {
    return index < fields.size() ? std::strtod(fields[index].c_str(), nullptr) : 0.0;
  };
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  stats.cpu_seconds = (field(kUserTime) + field(kSystemTime)) / ticks;
  stats.start_time_seconds = boot_time_seconds() + field(kStartTime) / ticks;
  stats.resident_bytes = field(kResident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  stats.virtual_bytes = field(kVirtualSize);
  stats.threads = field(kThreads);
  stats.open_fds = count_open_fds();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    stats.max_fds = static_cast<double>(limit.rlim_cur);
  }
  return stats;
}

}  // namespace fusegate::telemetry
