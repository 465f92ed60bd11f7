#pragma once

#include "telemetry/counters.hpp"
#include "telemetry/series_limit.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fusegate::telemetry {

/// Counts by status and column, summed over the workers for one scrape.
class StatusSum {
 public:
  explicit StatusSum(std::size_t width) : width_(width), other_(width) {}

  template <std::size_t Width>
  void add(const ByStatus<Width>& part);
  /// Makes a row for a status although nothing may have been counted.
  void touch(unsigned status) { rows_[status].resize(width_); }

  /// Gives every series its value: those that are `fixed` always, the others when they have
  /// counted something and the limit admits them; what is left comes as the code `_other`.
  /// `row` tells this sum from others of the metric. Code "" = no status.
  void emit(
      std::string_view metric, std::string_view row, SeriesLimit& limit,
      const std::function<bool(unsigned status, std::size_t column)>& fixed,
      const std::function<void(std::string_view code, std::size_t column, double value)>& out);

 private:
  std::size_t width_;
  std::map<unsigned, std::vector<std::uint64_t>> rows_;
  std::vector<std::uint64_t> other_;
  std::set<unsigned> folded_;  ///< Statuses that share a worker's last slot.
};

template <std::size_t Width>
void StatusSum::add(const ByStatus<Width>& part) {
  for (std::size_t index = 0; index < ByStatus<Width>::kStatuses; ++index) {
    if (part.shares_slot(index)) {
      folded_.insert(ByStatus<Width>::status_at(index));
    }
    if (!part.has_own_slot(index)) {
      continue;
    }
    std::vector<std::uint64_t>& row = rows_[ByStatus<Width>::status_at(index)];
    row.resize(width_);
    for (std::size_t column = 0; column < width_; ++column) {
      row[column] += part.get(index, column);
    }
  }
  for (std::size_t column = 0; column < width_; ++column) {
    other_[column] += part.shared(column);
  }
}

}  // namespace fusegate::telemetry
