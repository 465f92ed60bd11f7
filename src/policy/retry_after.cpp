#include <fusegate/policy/retry.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>

namespace fusegate::policy {
namespace {

/// Source: RFC 9111 section 1.2.2, what to assume for delta-seconds that are too large.
constexpr std::chrono::seconds kLongestDelay{2'147'483'648};

constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 7> kLongDays{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                    "Friday", "Saturday", "Sunday"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Reads a date from left to right; after the first mismatch `ok` stays false.
struct Reader {
  std::string_view rest;
  bool ok = true;

  void literal(std::string_view expected) {
    ok = ok && rest.starts_with(expected);
    rest.remove_prefix(ok ? expected.size() : 0);
  }

  /// Exactly `width` digits.
  int number(std::size_t width) {
    ok = ok && rest.size() >= width && std::ranges::all_of(rest.substr(0, width), is_digit);
    if (!ok) {
      return 0;
    }
    int value = 0;
    std::from_chars(rest.data(), rest.data() + width, value);
    rest.remove_prefix(width);
    return value;
  }

  /// The position of the name that comes next; the names must not be prefixes of each other.
  template <std::size_t N>
  unsigned name(const std::array<std::string_view, N>& names) {
    const auto found = std::ranges::find_if(
        names, [this](std::string_view each) { return rest.starts_with(each); });
    ok = ok && found != names.end();
    if (!ok) {
      return 0;
    }
    rest.remove_prefix(found->size());
    return static_cast<unsigned>(found - names.begin());
  }

  /// The day of the month of the asctime form: two digits, or a space and one digit.
  int padded_day() {
    if (ok && rest.starts_with(' ')) {
      rest.remove_prefix(1);
      return number(1);
    }
    return number(2);
  }
};

struct Date {
  int year = 0;
  unsigned month = 0;  ///< From 0.
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

void read_time(Reader& in, Date& date) {
  date.hour = in.number(2);
  in.literal(":");
  date.minute = in.number(2);
  in.literal(":");
  date.second = in.number(2);
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
std::optional<Date> read_imf_fixdate(std::string_view text) {
  Reader in{text};
  Date date;
  in.name(kDays);
  in.literal(", ");
  date.day = in.number(2);
  in.literal(" ");
  date.month = in.name(kMonths);
  in.literal(" ");
  date.year = in.number(4);
  in.literal(" ");
  read_time(in, date);
  in.literal(" GMT");
  return in.ok && in.rest.empty() ? std::optional{date} : std::nullopt;
}

/// The year with these two last digits that is at most fifty years away (RFC 9110 section 5.6.7).
int full_year(int two_digits, WallTime now) {
  const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(now)};
  const int this_year = static_cast<int>(today.year());
  const int year = this_year - this_year % 100 + two_digits;
  if (year > this_year + 50) {
    return year - 100;
  }
  return year < this_year - 50 ? year + 100 : year;
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
std::optional<Date> read_rfc850(std::string_view text, WallTime now) {
  Reader in{text};
  Date date;
  in.name(kLongDays);
  in.literal(", ");
  date.day = in.number(2);
  in.literal("-");
  date.month = in.name(kMonths);
  in.literal("-");
  date.year = full_year(in.number(2), now);
  in.literal(" ");
  read_time(in, date);
  in.literal(" GMT");
  return in.ok && in.rest.empty() ? std::optional{date} : std::nullopt;
}

/// `Sun Nov  6 08:49:37 1994`
std::optional<Date> read_asctime(std::string_view text) {
  Reader in{text};
  Date date;
  in.name(kDays);
  in.literal(" ");
  date.month = in.name(kMonths);
  in.literal(" ");
  date.day = in.padded_day();
  in.literal(" ");
  read_time(in, date);
  in.literal(" ");
  date.year = in.number(4);
  return in.ok && in.rest.empty() ? std::optional{date} : std::nullopt;
}

std::optional<std::chrono::sys_seconds> to_time(const Date& date) {
  const std::chrono::year_month_day day{std::chrono::year{date.year},
                                        std::chrono::month{date.month + 1},
                                        std::chrono::day{static_cast<unsigned>(date.day)}};
  // Second 60 is a leap second, which the grammar allows; it counts as the second after it.
  if (!day.ok() || date.hour > 23 || date.minute > 59 || date.second > 60) {
    return std::nullopt;
  }
  return std::chrono::sys_days{day} + std::chrono::hours{date.hour} +
         std::chrono::minutes{date.minute} + std::chrono::seconds{date.second};
}

Duration delay_until(std::chrono::sys_seconds at, WallTime now) {
  const auto wait = std::chrono::time_point_cast<std::chrono::milliseconds>(at) - now;
  return std::clamp<std::chrono::milliseconds>(wait, std::chrono::milliseconds::zero(),
                                               kLongestDelay);
}

Duration read_delta(std::string_view digits) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  return error == std::errc{} ? std::min(std::chrono::seconds{seconds}, kLongestDelay)
                              : kLongestDelay;
}

}  // namespace

std::optional<Duration> parse_retry_after(std::string_view value, WallTime now) {
  const std::string_view text = trim(value);
  if (!text.empty() && std::ranges::all_of(text, is_digit)) {
    return read_delta(text);
  }
  std::optional<Date> date = read_imf_fixdate(text);
  if (!date) {
    date = read_rfc850(text, now);
  }
  if (!date) {
    date = read_asctime(text);
  }
  const auto at = date ? to_time(*date) : std::nullopt;
  return at ? std::optional{delay_until(*at, now)} : std::nullopt;
}

Pushback parse_pushback(std::string_view value) {
  const std::string_view text = trim(value);
  std::int64_t milliseconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), milliseconds);
  if (error != std::errc{} || end != text.data() + text.size() || milliseconds < 0) {
    return {.stop = true, .delay = {}};
  }
  const std::chrono::milliseconds longest = kLongestDelay;
  return {.stop = false, .delay = std::min(std::chrono::milliseconds{milliseconds}, longest)};
}

}  // namespace fusegate::policy
