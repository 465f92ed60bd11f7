#pragma once

#include <fusegate/base/time.hpp>
#include <fusegate/base/vocabulary.hpp>
#include <fusegate/policy/backoff.hpp>

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fusegate::policy {

/// Which failures a route retries: failure classes and statuses 100 to 599.
struct RetryOn {
  bool never_sent = true;
  bool stale_reuse = true;
  bool no_response = true;
  std::bitset<600> statuses = default_statuses();

  static std::bitset<600> default_statuses() {
    std::bitset<600> set;
    set.set(502).set(503).set(504);
    return set;
  }
  bool operator==(const RetryOn&) const = default;
};

/// A response header that asks for a retry; names are compared without case, values exactly.
struct HeaderCondition {
  std::string name;
  std::string value;
  bool operator==(const HeaderCondition&) const = default;
};

struct RetrySettings {
  RetryOn on;
  std::vector<HeaderCondition> response_headers;
  BackoffSettings backoff;
  bool adaptive = true;
  struct RetryAfter {
    bool honor = true;
    Duration max = std::chrono::minutes{5};
    bool operator==(const RetryAfter&) const = default;
  } retry_after;
  std::uint64_t max_body_replay = 256 * 1024;  ///< Bytes.
  bool operator==(const RetrySettings&) const = default;
};

/// Who says whether a request may be applied twice. Auto = its method (RFC 9110 section 9.2.2) or
/// an Idempotency-Key header.
enum class Idempotency : std::uint8_t { Auto, Always, Never };

/// GET, HEAD, OPTIONS, TRACE, PUT and DELETE. Method names are case-sensitive.
bool is_idempotent_method(std::string_view method);

/// What is known about the request when a retry is considered.
struct RetryContext {
  bool repeatable = false;       ///< Idempotent by method, key or the operator's word.
  bool replayable = true;        ///< The whole body sent so far is still held.
  bool coordinated = false;      ///< A layer above retries: only `NeverSent` is retried here.
  bool nothing_written = false;  ///< No byte of the request was written on the failed attempt.
};

/// Would this failure be retried at all? nullopt = yes; else the rule that forbids it. Attempts
/// left, deadline, breaker and budget are asked afterwards, in that order, by the exchange.
std::optional<DenyReason> retry_forbidden(const RetrySettings& settings, FailureClass failure,
                                          const RetryContext& context);

/// `Retry-After` as a delay: delta-seconds or an HTTP-date (IMF-fixdate, RFC 850 and asctime forms;
/// RFC 9110 sections 10.2.3 and 5.6.7). A date in the past is zero. nullopt = not valid.
/// `now` is the wall clock: the only place where it may decide anything.
std::optional<Duration> parse_retry_after(std::string_view value, WallTime now);

/// `grpc-retry-pushback-ms`: a delay; a negative or unparsable value means "do not retry" (gRFC
/// A6).
struct Pushback {
  bool stop = false;
  Duration delay{};
};
Pushback parse_pushback(std::string_view value);

}  // namespace fusegate::policy
