#pragma once

#include "telemetry/clock.hpp"

#include <sched.h>

#include <chrono>

namespace fusegate::telemetry {

/// Lets a thread that waits for this core have it, if the caller's has not given way for half a
/// millisecond; for work that takes many of them beside workers. A scheduler lets whoever runs go
/// on for about 3 ms (Linux), and so long a request would wait. Chosen: less often makes requests
/// wait, more often makes the work itself wait when a worker always has something to do.
inline void give_way() {
  constexpr std::chrono::microseconds kLongest{500};
  thread_local Instant last;
  if (steady_now() - last >= kLongest) {
    ::sched_yield();
    last = steady_now();
  }
}

}  // namespace fusegate::telemetry
