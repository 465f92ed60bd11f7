#pragma once

#include <cstdint>

namespace fusegate::telemetry {

/// The process as Linux sees it, in the units of the `process_*` metrics. A number that cannot be
/// read is 0.
struct ProcessStats {
  double cpu_seconds = 0;
  double start_time_seconds = 0;  ///< Since 1970.
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double open_fds = 0;
  double max_fds = 0;
  double threads = 0;
};

ProcessStats read_process_stats();

}  // namespace fusegate::telemetry
