#include "config_file/suggest.hpp"

#include <algorithm>
#include <vector>

namespace fusegate::config_file {
namespace {

constexpr std::size_t kTypedMax = 64;  // Longer names are not typing errors; bounds the work.

std::string snake_case(std::string_view name) {
  std::string result;
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !result.empty() && result.back() != '_') {
      result += '_';
    }
    result += upper ? static_cast<char>(c + 32) : c == '-' ? '_' : c;
  }
  return result;
}

/// Edits between two words (optimal string alignment distance), or `enough` when there are that
/// many or more.
std::size_t distance(std::string_view a, std::string_view b, std::size_t enough) {
  const std::size_t at_least = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (at_least >= enough || b.size() > 2 * kTypedMax) {
    return enough;
  }
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    table[i][0] = i;
  }
  for (std::size_t j = 0; j <= b.size(); ++j) {
    table[0][j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = table[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      table[i][j] = std::min({table[i - 1][j] + 1, table[i][j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        table[i][j] = std::min(table[i][j], table[i - 2][j - 2] + 1);
      }
    }
  }
  return table[a.size()][b.size()];
}

}  // namespace

std::string nearest(std::string_view name, std::span<const std::string_view> candidates) {
  if (name.empty() || name.size() > kTypedMax) {
    return {};
  }
  const auto wanted = snake_case(name);
  std::size_t best = std::max<std::size_t>(1, wanted.size() / 3) + 1;
  std::string_view found;
  for (const auto candidate : candidates) {
    const auto edits = distance(wanted, snake_case(candidate), best);
    if (edits < best) {
      best = edits;
      found = candidate;
    }
  }
  return std::string(found);
}

}  // namespace fusegate::config_file
