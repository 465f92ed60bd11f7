#include <fusegate/base/vocabulary.hpp>

#include <array>

namespace fusegate {
namespace {

template <std::size_t N, class Enum>
std::string_view pick(const std::array<std::string_view, N>& words, Enum value) {
  return words[static_cast<std::size_t>(value)];
}

constexpr std::array<std::string_view, kAttemptResults> kAttemptResultWords{
    "ok",    "status",  "connect_failed", "tls_failed", "stale_reuse",
    "reset", "timeout", "bad_response",   "cancelled"};
constexpr std::array<std::string_view, kAttemptKinds> kAttemptKindWords{"first", "retry", "hedge"};
constexpr std::array<std::string_view, kFailureClasses> kFailureClassWords{
    "never_sent", "stale_reuse", "no_response", "bad_response"};
constexpr std::array<std::string_view, kDenyReasons> kDenyReasonWords{
    "exhausted",    "budget",           "not_idempotent", "not_replayable", "deadline",
    "breaker_open", "response_started", "coordinated",    "not_retryable"};
constexpr std::array<std::string_view, kBreakerStates> kBreakerStateWords{
    "closed", "open", "half_open", "ramp", "forced_open", "disabled"};
constexpr std::array<std::string_view, kTransitionReasons> kTransitionReasonWords{
    "consecutive_failures", "failure_rate", "slow_rate",    "retry_after",
    "wait_elapsed",         "probes_ok",    "probe_failed", "probe_lost",
    "ramp_failed",          "ramp_done",    "operator",     "health_check"};
constexpr std::array<std::string_view, kRequestResults> kRequestResultWords{
    "ok", "failed", "rejected", "cut", "client_gone"};

struct Reject {
  std::string_view word;
  unsigned status;
};
constexpr std::array<Reject, kRejectReasons> kRejects{{
    {"", 0},
    {"bad_request", 400},
    {"no_route", 404},
    {"head_timeout", 408},
    {"body_too_large", 413},
    {"head_too_large", 431},
    {"unsupported", 501},
    {"dns_failed", 502},
    {"connect_failed", 502},
    {"tls_failed", 502},
    {"reset", 502},
    {"bad_response", 502},
    {"response_head_too_large", 502},
    {"breaker_open", 503},
    {"breaker_shed", 503},
    {"no_endpoint", 503},
    {"over_limit", 503},
    {"queue_full", 503},
    {"queue_timeout", 503},
    {"draining", 503},
    {"deadline", 504},
    {"try_timeout", 504},
}};

}  // namespace

std::string_view word(AttemptResult value) { return pick(kAttemptResultWords, value); }
std::string_view word(AttemptKind value) { return pick(kAttemptKindWords, value); }
std::string_view word(FailureClass value) { return pick(kFailureClassWords, value); }
std::string_view word(DenyReason value) { return pick(kDenyReasonWords, value); }
std::string_view word(RejectReason value) { return kRejects[static_cast<std::size_t>(value)].word; }
std::string_view word(BreakerState value) { return pick(kBreakerStateWords, value); }
std::string_view word(TransitionReason value) { return pick(kTransitionReasonWords, value); }
std::string_view word(RequestResult value) { return pick(kRequestResultWords, value); }

unsigned status_of(RejectReason reason) {
  return kRejects[static_cast<std::size_t>(reason)].status;
}

}  // namespace fusegate
