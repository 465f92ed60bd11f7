#include <fusegate/policy/deadline.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace fusegate::policy {
namespace {

constexpr std::chrono::nanoseconds kLongestTimeout = std::chrono::hours{24};
constexpr std::size_t kDigitsMax = 8;

std::optional<std::chrono::nanoseconds> grpc_unit(char unit) {
  switch (unit) {
    case 'H':
      return std::chrono::hours{1};
    case 'M':
      return std::chrono::minutes{1};
    case 'S':
      return std::chrono::seconds{1};
    case 'm':
      return std::chrono::milliseconds{1};
    case 'u':
      return std::chrono::microseconds{1};
    case 'n':
      return std::chrono::nanoseconds{1};
    default:
      return std::nullopt;
  }
}

}  // namespace

Instant fair_try_deadline(Instant deadline, unsigned tries_left, Duration expected_backoff,
                          Instant now) {
  if (tries_left <= 1 || deadline <= now) {
    return deadline;
  }
  // 128 bits: a configured wait times a configured count may be more than 292 years.
  const __int128 remaining = (deadline - now).count();
  const __int128 waits = static_cast<__int128>(expected_backoff.count()) * (tries_left - 1);
  const __int128 share = (remaining - waits) / tries_left;
  const __int128 floor = kMinTry.count();
  const __int128 granted = std::clamp(share, std::min(floor, remaining), remaining);
  return now + Duration{static_cast<Duration::rep>(granted)};
}

std::optional<Duration> parse_grpc_timeout(std::string_view value) {
  if (value.size() < 2 || value.size() > kDigitsMax + 1 || value.front() == '-') {
    return std::nullopt;
  }
  const std::string_view digits = value.substr(0, value.size() - 1);
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), count);
  const auto unit = grpc_unit(value.back());
  if (error != std::errc{} || end != digits.end() || !unit) {
    return std::nullopt;
  }
  // 99,999,999 hours are more nanoseconds than fit.
  return count > kLongestTimeout / *unit ? kLongestTimeout : count * *unit;
}

}  // namespace fusegate::policy
