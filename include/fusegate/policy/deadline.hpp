#pragma once

#include <fusegate/base/time.hpp>

#include <optional>
#include <string_view>

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

/// A `grpc-timeout` (gRPC over HTTP/2, "Timeout"): one to eight digits and a unit of H, M, S, m, u
/// or n; at most 24 hours. nullopt when it is anything else: then it says nothing.
std::optional<Duration> parse_grpc_timeout(std::string_view value);

}  // namespace fusegate::policy
