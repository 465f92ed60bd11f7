#pragma once

#include <fusegate/base/time.hpp>

#include <chrono>

/// The clocks of the log and of scrapes. Unlike the rest of the program these read them themselves:
/// a line is stamped when it is written, by whichever thread writes it, the thread of the output
/// measures its own patience, and a scrape how long it has kept its core; none decides anything
/// about a request.
namespace fusegate::telemetry {

inline Instant steady_now() { return Instant{std::chrono::steady_clock::now().time_since_epoch()}; }

inline WallTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace fusegate::telemetry
