#include "telemetry/status_sum.hpp"

namespace fusegate::telemetry {
namespace {

std::string key_of(std::string_view row, std::string_view code) {
  return std::string(row) + '\n' + std::string(code);
}

std::string code_of(unsigned status) {
  return status == 0 ? std::string{} : std::to_string(status);
}

}  // namespace

void StatusSum::emit(
    std::string_view metric, std::string_view row, SeriesLimit& limit,
    const std::function<bool(unsigned status, std::size_t column)>& fixed,
    const std::function<void(std::string_view code, std::size_t column, double value)>& out) {
  for (const unsigned status : folded_) {
    limit.count_folded(metric, key_of(row, code_of(status)));
  }
  for (const auto& [status, counts] : rows_) {
    const std::string code = code_of(status);
    for (std::size_t column = 0; column < width_; ++column) {
      const bool always = fixed(status, column);
      if (counts[column] == 0 && !always) {
        continue;
      }
      if (always || limit.admit(metric, key_of(row, code) + '\n' + std::to_string(column))) {
        out(code, column, static_cast<double>(counts[column]));
      } else {
        other_[column] += counts[column];
      }
    }
  }
  for (std::size_t column = 0; column < width_; ++column) {
    if (other_[column] != 0) {
      out(SeriesLimit::kOther, column, static_cast<double>(other_[column]));
    }
  }
}

}  // namespace fusegate::telemetry
