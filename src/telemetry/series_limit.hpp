#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>

namespace fusegate::telemetry {

/// Keeps labels whose values come from the network (statuses, endpoints) from growing a scrape
/// without bound. A series once admitted stays admitted, since a counter must not vanish; the value
/// of a refused one is told as `_other`.
class SeriesLimit {
 public:
  static constexpr std::string_view kOther = "_other";

  /// `max` series in all, of which `fixed` exist in any case.
  explicit SeriesLimit(std::size_t max) : max_(max) {}
  void set_fixed(std::size_t fixed) { fixed_ = fixed; }

  /// Whether the `series` series of `metric` that `key` names may be exported under that name.
  bool admit(std::string_view metric, const std::string& key, std::size_t series = 1);
  /// Counts a label value that was folded elsewhere; once for each key.
  void count_folded(std::string_view metric, const std::string& key);
  std::uint64_t folded(std::string_view metric) const;

 private:
  /// Beyond this many different refused keys the count stops; it is already an alarm.
  static constexpr std::size_t kRememberMax = 10'000;

  std::size_t max_;
  std::size_t fixed_ = 0;
  std::size_t admitted_series_ = 0;
  std::unordered_set<std::string> admitted_;
  std::unordered_set<std::string> refused_;
  std::map<std::string, std::uint64_t, std::less<>> folded_;
};

}  // namespace fusegate::telemetry
