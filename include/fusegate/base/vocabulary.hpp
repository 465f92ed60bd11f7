#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// The words users see in metrics, logs, headers and replies, each once. Enumerators and words are
/// kept in the same order; `word()` gives the text.
namespace fusegate {

/// What became of one attempt. The text is the `result` label of `fusegate_attempts_total`.
enum class AttemptResult : std::uint8_t {
  Ok,             ///< A response whose status the route does not retry.
  Status,         ///< A complete response head with a status listed under `retry.on`.
  ConnectFailed,  ///< No connection: refused, unreachable or timed out, or no name resolved.
  TlsFailed,      ///< The TLS handshake failed.
  StaleReuse,     ///< A reused idle connection closed before any response byte.
  Reset,          ///< Connection lost after the request was (partly) written.
  Timeout,        ///< The time of the attempt ran out.
  BadResponse,    ///< Bytes that are no valid HTTP response.
  Cancelled,      ///< Given up by us or by the client; says nothing about the upstream.
};
inline constexpr std::size_t kAttemptResults = 9;

/// Which kind of attempt it was. Text: the `kind` label.
enum class AttemptKind : std::uint8_t { First, Retry, Hedge };
inline constexpr std::size_t kAttemptKinds = 3;

/// How a failed attempt may be repeated, from safest to least safe (contract: failure classes).
enum class FailureClass : std::uint8_t {
  NeverSent,    ///< Provably no byte reached the application; repeatable for every method.
  StaleReuse,   ///< A reused idle connection closed before any response byte.
  NoResponse,   ///< Reset, end, timeout or garbage after the request was (partly) written.
  BadResponse,  ///< A response whose status or header is listed under `retry`.
};
inline constexpr std::size_t kFailureClasses = 4;

/// Why a failed attempt was not repeated. Text: `reason` of `fusegate_retries_denied_total`.
enum class DenyReason : std::uint8_t {
  Exhausted,        ///< All `retries` were used.
  Budget,           ///< The upstream's retry budget is spent.
  NotIdempotent,    ///< The request may have been applied and must not be applied twice.
  NotReplayable,    ///< The body outgrew the replay bound.
  Deadline,         ///< No time left for another attempt.
  BreakerOpen,      ///< The breaker refuses attempts.
  ResponseStarted,  ///< The client already has part of a response.
  Coordinated,      ///< A layer above retries, or the upstream said not to.
  NotRetryable,     ///< The failure is not listed under `retry.on`.
};
inline constexpr std::size_t kDenyReasons = 9;

/// Why Fusegate answered itself. Text: `fusegate-reason`, `reason` of `fusegate_rejected_total`.
enum class RejectReason : std::uint8_t {
  None,
  BadRequest,
  NoRoute,
  HeadTimeout,
  BodyTooLarge,
  HeadTooLarge,
  Unsupported,
  DnsFailed,
  ConnectFailed,
  TlsFailed,
  Reset,
  BadResponse,
  ResponseHeadTooLarge,
  BreakerOpen,
  BreakerShed,
  NoEndpoint,
  OverLimit,
  QueueFull,
  QueueTimeout,
  Draining,
  Deadline,
  TryTimeout,
};
inline constexpr std::size_t kRejectReasons = 22;

/// Text: the `state` label of the breaker metrics.
enum class BreakerState : std::uint8_t { Closed, Open, HalfOpen, Ramp, ForcedOpen, Disabled };
inline constexpr std::size_t kBreakerStates = 6;

/// Why a breaker moved. Text: `reason` of `fusegate_breaker_transitions_total`.
enum class TransitionReason : std::uint8_t {
  ConsecutiveFailures,
  FailureRate,
  SlowRate,
  RetryAfter,   ///< A 503 asked for more time than the breaker would have waited.
  WaitElapsed,  ///< Open long enough: probing begins.
  ProbesOk,     ///< Half-open collected its successes.
  ProbeFailed,
  ProbeLost,   ///< A probe's lease ran out without a result.
  RampFailed,  ///< Too many failures while ramping up.
  RampDone,
  Operator,     ///< Forced or released over the admin listener.
  HealthCheck,  ///< Active checks took an endpoint out, or brought it back.
};
inline constexpr std::size_t kTransitionReasons = 12;

/// What the client got. Text: `result` of `fusegate_requests_total` and of the access log.
enum class RequestResult : std::uint8_t {
  Ok,          ///< An upstream response was delivered whole.
  Failed,      ///< The last upstream response, delivered after its retries were denied or used up.
  Rejected,    ///< Answered by Fusegate itself.
  Cut,         ///< The response broke off after its head had been forwarded.
  ClientGone,  ///< The client left; logged as status 499.
};
inline constexpr std::size_t kRequestResults = 5;

std::string_view word(AttemptResult);
std::string_view word(AttemptKind);
std::string_view word(FailureClass);
std::string_view word(DenyReason);
std::string_view word(RejectReason);
std::string_view word(BreakerState);
std::string_view word(TransitionReason);
std::string_view word(RequestResult);

/// The status of the reply that Fusegate makes for `reason` (contract: replies).
unsigned status_of(RejectReason reason);

}  // namespace fusegate
