#pragma once

#include <fusegate/base/time.hpp>

namespace fusegate::policy {

/// The end of one try when the route says `per_try_timeout: auto`.
///
/// Every try gets a fair share of what is left, the expected waits between tries taken off first;
/// the last try gets all the rest (Linkerd's rule). Never below `kMinTry` unless less is left.
///   share = (remaining - expected_backoff * (tries_left - 1)) / tries_left
/// `tries_left` counts the try that is about to start. The result is never after `deadline`.
Instant fair_try_deadline(Instant deadline, unsigned tries_left, Duration expected_backoff,
                          Instant now);

/// An attempt with less time than this is not started. Chosen: well above a loop's scheduling
/// delay.
inline constexpr Duration kMinTry = std::chrono::milliseconds{10};

}  // namespace fusegate::policy
