#include <fusegate/advice/plain.hpp>
#include <fusegate/base/fill.hpp>

#include <array>
#include <cmath>
#include <cstdio>

namespace fusegate::advice {
namespace {

/// Three digits, without an exponent and without zeros at the end.
std::string digits(double value) {
  const double size = std::abs(value);
  const int places = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4;
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f", places, value);
  std::string text = buffer.data();
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) {
      text.pop_back();
    }
  }
  return text;
}

/// The last digit of `value` that `plain` shows, but not below a millisecond.
Duration digit_of(Duration value) {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  return value < seconds{10}   ? value < seconds{1} ? milliseconds{1} : milliseconds{10}
           : value < seconds{60} ? milliseconds{100}
                               : seconds{1};
}

}  // namespace

std::string plain(double value) { return std::isfinite(value) ? digits(value) : "any"; }

std::string plain(Duration value) {
  const double ms = milliseconds(value);
  if (ms == 0) {
    return "0s";
  }
  if (ms < 999.5) {
    return digits(ms) + "ms";
  }
  const double seconds = ms / 1000;
  if (seconds < 60) {
    return digits(seconds) + "s";
  }
  const auto whole = std::llround(seconds);
  std::string text;
  const auto part = [&](long long count, const char* unit) {
    text += count > 0 ? std::to_string(count) + unit : "";
  };
  part(whole / 3600, "h");
  part(whole / 60 % 60, "m");
  part(whole % 60, "s");
  return text;
}

std::string at_most(Duration value) { return plain(value - value % digit_of(value)); }

std::string at_least(Duration value) {
  const Duration digit = digit_of(value);
  return plain((value + digit - Duration{1}) / digit * digit);
}

std::string plain(Ratio value) { return digits(value.value() * 100) + "%"; }

std::string plain_size(config::Bytes value) {
  constexpr std::array<const char*, 4> kUnits{"B", "KiB", "MiB", "GiB"};
  auto amount = static_cast<double>(value);
  std::size_t unit = 0;
  while (amount >= 1024 && unit + 1 < kUnits.size()) {
    amount /= 1024;
    ++unit;
  }
  return digits(amount) + kUnits[unit];
}

std::string listed(const std::vector<std::string>& words, std::string_view last) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    text += i == 0 ? "" : i + 1 == words.size() ? fill(" {} ", last) : ", ";
    text += words[i];
  }
  return text.empty() ? "none" : text;
}

std::string count_of(std::uint64_t count, std::string_view one, std::string_view many) {
  return fill("{} {}", count, count == 1 ? one : many);
}

std::vector<std::string> statuses(const std::bitset<600>& set) {
  std::vector<std::string> result;
  for (std::size_t first = 100; first < set.size(); ++first) {
    std::size_t end = first;
    while (end < set.size() && set.test(end)) {
      ++end;
    }
    if (end == first) {
      continue;
    }
    const bool range = end > first + 2;
    result.push_back(range ? fill("{}-{}", first, end - 1) : std::to_string(first));
    first = range ? end - 1 : first;
  }
  return result;
}

double milliseconds(Duration value) {
  return std::chrono::duration<double, std::milli>(value).count();
}

}  // namespace fusegate::advice
