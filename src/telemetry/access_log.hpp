#pragma once

#include <fusegate/base/rng.hpp>
#include <fusegate/config/config.hpp>
#include <fusegate/exchange/report.hpp>

#include "telemetry/access_log_writer.hpp"
#include "telemetry/line.hpp"

#include <cstdint>
#include <memory>

namespace fusegate::telemetry {

/// The access log of one worker: one line a request, collected in blocks of 64 KiB that go to the
/// writer when full, or at `flush`. Used by its worker's thread only. Neither waits nor, but for
/// the first blocks, allocates.
class AccessLog {
 public:
  /// `seed` drives the sampling.
  AccessLog(config::ConfigPtr config, AccessLogWriter& writer, std::uint64_t seed);
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;
  ~AccessLog();  ///< Flushes.

  /// Whether `report` is to be logged: one of the `always` rules holds, or the sample takes it.
  /// Draws from the generator, so ask once a request.
  bool wants(const exchange::Report& report);
  void write(const exchange::Report& report);
  /// `if (wants(report)) write(report);`
  void record(const exchange::Report& report) {
    if (wants(report)) {
      write(report);
    }
  }
  /// Hands over what there is; call every 100 ms and at the end of the worker.
  void flush();

 private:
  config::ConfigPtr config_;
  AccessLogWriter& writer_;
  Rng rng_;
  bool text_;
  std::unique_ptr<LogBlock> block_;
  Timestamp stamp_;
};

}  // namespace fusegate::telemetry
