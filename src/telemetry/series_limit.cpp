#include "telemetry/series_limit.hpp"

namespace fusegate::telemetry {

bool SeriesLimit::admit(std::string_view metric, const std::string& key, std::size_t series) {
  std::string full = std::string(metric) + '\n' + key;
  if (admitted_.contains(full)) {
    return true;
  }
  if (fixed_ + admitted_series_ + series <= max_) {
    admitted_series_ += series;
    admitted_.insert(std::move(full));
    return true;
  }
  count_folded(metric, key);
  return false;
}

void SeriesLimit::count_folded(std::string_view metric, const std::string& key) {
  std::string full = std::string(metric) + '\n' + key;
  if (refused_.size() < kRememberMax && refused_.insert(std::move(full)).second) {
    ++folded_[std::string(metric)];
  }
}

std::uint64_t SeriesLimit::folded(std::string_view metric) const {
  const auto found = folded_.find(metric);
  return found == folded_.end() ? 0 : found->second;
}

}  // namespace fusegate::telemetry
