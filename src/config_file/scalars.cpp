#include "config_file/scalars.hpp"

#include "config_file/diagnostic.hpp"
#include "config_file/fill.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace fusegate::config_file {
namespace {

constexpr std::uint64_t kTooLarge = std::numeric_limits<std::int64_t>::max();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

struct Decimal {
  std::uint64_t whole = 0;
  std::string_view fraction;
};

/// Takes `12` or `12.5` from the front of `rest`. nullopt: no number there, or one out of range.
std::optional<Decimal> take_decimal(std::string_view& rest) {
  const char* const end = rest.data() + rest.size();
  Decimal result;
  const auto [next, error] = std::from_chars(rest.data(), end, result.whole);
  if (error != std::errc{} || result.whole > kTooLarge) {
    return std::nullopt;
  }
  rest.remove_prefix(static_cast<std::size_t>(next - rest.data()));
  if (!rest.starts_with('.')) {
    return result;
  }
  const auto digits = std::ranges::find_if_not(rest.substr(1), is_digit) - rest.begin() - 1;
  result.fraction = rest.substr(1, static_cast<std::size_t>(digits));
  rest.remove_prefix(static_cast<std::size_t>(digits) + 1);
  return result.fraction.empty() ? std::nullopt : std::optional(result);
}

/// `decimal * unit` in whole numbers. nullopt: it overflows, or the fraction is finer than 1.
std::optional<std::uint64_t> scaled(const Decimal& decimal, std::uint64_t unit) {
  std::uint64_t total = 0;
  if (__builtin_mul_overflow(decimal.whole, unit, &total)) {
    return std::nullopt;
  }
  std::uint64_t step = unit;
  for (const char digit : decimal.fraction) {
    if (step % 10 != 0 && digit != '0') {
      return std::nullopt;
    }
    step /= 10;
    total += step * static_cast<std::uint64_t>(digit - '0');
  }
  return total > kTooLarge ? std::nullopt : std::optional(total);
}

struct Unit {
  std::string_view name;
  std::uint64_t value;
};
constexpr std::array<Unit, 4> kTimeUnits{
    {{"h", 3'600'000'000'000}, {"m", 60'000'000'000}, {"s", 1'000'000'000}, {"ms", 1'000'000}}};
constexpr std::array<Unit, 4> kSizeUnits{
    {{"GiB", 1U << 30U}, {"MiB", 1U << 20U}, {"KiB", 1U << 10U}, {"B", 1}}};

std::string no_duration(std::string_view text) {
  return fill("expected a duration such as 250ms, 1.5s or 1m30s, got {}", quoted(text));
}

std::string trimmed(std::uint64_t whole, std::uint64_t rest, int digits) {
  if (rest == 0) {
    return std::to_string(whole);
  }
  auto fraction = std::to_string(rest);
  fraction.insert(0, static_cast<std::size_t>(digits) - fraction.size(), '0');
  auto text = fill("{}.{}", whole, fraction);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

}  // namespace

Parsed<Duration> parse_duration(std::string_view text) {
  auto rest = text;
  if (take_decimal(rest) && rest.empty()) {
    return std::unexpected(fill("{} has no unit; write {}s or {}ms", text, text, text));
  }
  rest = text;
  std::uint64_t total = 0;
  std::size_t next_unit = 0;
  bool fraction_seen = false;
  do {
    const auto number = take_decimal(rest);
    const auto name = rest.substr(
        0, static_cast<std::size_t>(
               std::ranges::find_if(rest, [](char c) { return is_digit(c) || c == '.'; }) -
               rest.begin()));
    const auto unit = std::ranges::find(kTimeUnits, name, &Unit::name);
    if (!number || unit == kTimeUnits.end() || fraction_seen) {
      return std::unexpected(no_duration(text));
    }
    const auto index = static_cast<std::size_t>(unit - kTimeUnits.begin());
    const auto part = scaled(*number, unit->value);
    if (index < next_unit || !part || *part > kTooLarge - total) {
      return std::unexpected(no_duration(text));
    }
    total += *part;
    next_unit = index + 1;
    fraction_seen = !number->fraction.empty();
    rest.remove_prefix(name.size());
  } while (!rest.empty());
  return Duration{static_cast<std::int64_t>(total)};
}

Parsed<config::Bytes> parse_size(std::string_view text) {
  auto rest = text;
  const auto number = take_decimal(rest);
  if (!number || !number->fraction.empty()) {
    return std::unexpected(
        fill("expected a size such as 512B, 64KiB or 1MiB, got {}", quoted(text)));
  }
  if (rest.empty()) {
    return std::unexpected(
        fill("{} has no unit; write {}B, {}KiB or {}MiB", text, text, text, text));
  }
  const auto unit = std::ranges::find(kSizeUnits, rest, &Unit::name);
  const auto total = unit == kSizeUnits.end() ? std::nullopt : scaled(*number, unit->value);
  if (!total) {
    return std::unexpected(
        fill("expected a size with the unit B, KiB, MiB or GiB, got {}", quoted(text)));
  }
  return *total;
}

Parsed<Ratio> parse_percent(std::string_view text) {
  auto rest = text;
  const auto number = take_decimal(rest);
  if (number && rest.empty()) {
    return std::unexpected(fill("{} has no unit; write {}%", text, text));
  }
  const auto total = number && rest == "%" ? scaled(*number, 10'000) : std::nullopt;
  if (!total || *total > std::numeric_limits<std::uint32_t>::max()) {
    return std::unexpected(fill("expected a percentage such as 20% or 0.5%, got {}", quoted(text)));
  }
  return Ratio{static_cast<std::uint32_t>(*total)};
}

Parsed<std::uint64_t> parse_integer(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (look_of(text) == PlainLook::Octal) {
    return std::unexpected(fill(
        "{} looks like an octal or hexadecimal number; write it in decimal without a leading zero",
        text));
  }
  if (!all_digits(text) || error != std::errc{} || end != text.data() + text.size()) {
    return std::unexpected(fill("expected a whole number, got {}", quoted(text)));
  }
  return value;
}

Parsed<double> parse_number(std::string_view text) {
  auto rest = text;
  const auto decimal = take_decimal(rest);
  if (look_of(text) == PlainLook::Octal) {
    return std::unexpected(
        fill("{} looks like an octal number; write it without a leading zero", text));
  }
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  if (!decimal || !rest.empty()) {
    return std::unexpected(fill("expected a number such as 2 or 1.5, got {}", quoted(text)));
  }
  return value;
}

std::string format_duration(Duration value) {
  const auto ns = static_cast<std::uint64_t>(value.count());
  for (const Unit& unit : {kTimeUnits[0], kTimeUnits[1]}) {
    if (ns > unit.value && ns % unit.value == 0) {
      return fill("{}{}", ns / unit.value, unit.name);
    }
  }
  if (ns == 0 || ns >= kTimeUnits[2].value) {
    return trimmed(ns / kTimeUnits[2].value, ns % kTimeUnits[2].value, 9) + "s";
  }
  return trimmed(ns / kTimeUnits[3].value, ns % kTimeUnits[3].value, 6) + "ms";
}

std::string format_size(config::Bytes value) {
  const auto unit = std::ranges::find_if(
      kSizeUnits, [value](const Unit& u) { return value >= u.value && value % u.value == 0; });
  return unit == kSizeUnits.end() ? "0B" : fill("{}{}", value / unit->value, unit->name);
}

std::string format_percent(Ratio value) {
  return trimmed(value.millionths / 10'000, value.millionths % 10'000, 4) + "%";
}

std::string format_number(double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return std::string(buffer, end);
}

PlainLook look_of(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  constexpr std::array<std::string_view, 6> kSwitches{"yes", "no", "on", "off", "y", "n"};
  if (lower.empty() || lower == "~" || lower == "null") {
    return PlainLook::Null;
  }
  if (lower == "true" || lower == "false") {
    return PlainLook::Boolean;
  }
  if (std::ranges::find(kSwitches, lower) != kSwitches.end()) {
    return PlainLook::Switch;
  }
  std::string_view rest = lower;
  if (rest.starts_with('-') || rest.starts_with('+')) {
    rest.remove_prefix(1);
  }
  const bool zero =
      rest.size() > 1 && rest[0] == '0' && (is_digit(rest[1]) || rest[1] == 'o' || rest[1] == 'x');
  const auto after = rest.find_first_not_of(zero ? "0123456789abcdefox." : "0123456789._e+-");
  if (rest.empty() || !is_digit(rest[0]) || after != std::string_view::npos) {
    return PlainLook::Text;
  }
  if (zero) {
    return std::ranges::count(rest, '.') > 1 ? PlainLook::Text : PlainLook::Octal;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  const bool number = error == std::errc{} && end == rest.data() + rest.size();
  return number ? PlainLook::Number : PlainLook::Text;
}

}  // namespace fusegate::config_file
