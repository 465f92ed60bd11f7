#include <fusegate/policy/deadline.hpp>

#include <algorithm>

namespace fusegate::policy {

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

}  // namespace fusegate::policy
