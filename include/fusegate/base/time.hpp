#pragma once

#include <chrono>
#include <cstdint>

/// Time without a clock. The core never asks what time it is: every function that needs to know
/// takes `now` as its last argument, so the daemon, the tests and the simulator share one code
/// path.
namespace fusegate {

using Duration = std::chrono::nanoseconds;

/// Names the time line of `Instant`. It has no `now()` on purpose.
struct MonotonicTimeline {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicTimeline>;
  static constexpr bool is_steady = true;
};

/// A point on the monotonic time line of the process (or of a simulation).
using Instant = MonotonicTimeline::time_point;

/// A wall-clock time; only for HTTP dates, logs and snapshots, never for timeouts.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

inline constexpr Instant kNever = Instant::max();

/// `at + delay` that stops at `kNever` instead of overflowing.
constexpr Instant after(Instant at, Duration delay) {
  return delay >= kNever - at ? kNever : at + delay;
}

}  // namespace fusegate
