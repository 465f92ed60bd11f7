#include "telemetry/access_log.hpp"

#include "telemetry/access_line.hpp"

#include <utility>

namespace fusegate::telemetry {

AccessLog::AccessLog(config::ConfigPtr config, AccessLogWriter& writer, std::uint64_t seed)
    : config_(std::move(config)), writer_(writer), rng_(seed) {
  const config::LogFormat format = config_->log.format;
  text_ = format == config::LogFormat::Text ||
          (format == config::LogFormat::Auto && writer_.is_terminal());
}

AccessLog::~AccessLog() { flush(); }

bool AccessLog::wants(const exchange::Report& report) {
  const config::AccessLog& settings = config_->log.access;
  if (!settings.enabled) {
    return false;
  }
  if (settings.sample >= Ratio::percent(100)) {
    return true;
  }
  const bool broken = report.status >= 500 || report.result == RequestResult::Cut;
  if ((settings.always_5xx && broken) || (settings.always_retried && report.attempts > 1) ||
      (settings.always_rejected && report.result == RequestResult::Rejected) ||
      (settings.always_slow && report.duration >= settings.slow)) {
    return true;
  }
  return rng_.below(1'000'000) < settings.sample.millionths;
}

void AccessLog::write(const exchange::Report& report) {
  if (block_ && LogBlock::kCapacity - block_->size < kAccessLineMax) {
    flush();
  }
  if (!block_) {
    block_ = writer_.take();
  }
  Line line(block_->bytes.data() + block_->size, LogBlock::kCapacity - block_->size);
  const auto append = text_ ? append_access_text : append_access_json;
  append(line, stamp_, report, *config_);
  block_->size += line.size();
  ++block_->lines;
}

void AccessLog::flush() {
  if (block_) {
    writer_.submit(std::move(block_));
  }
}

}  // namespace fusegate::telemetry
