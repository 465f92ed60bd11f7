#include <fusegate/base/vocabulary.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace fusegate {
namespace {

using ::testing::ElementsAre;

template <class Enum>
std::vector<std::string> words(std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.emplace_back(word(static_cast<Enum>(i)));
  }
  return all;
}

// These lists are the contract's, word for word: dashboards and alerts are written against them.

TEST(Vocabulary, AttemptResultsAreTheContracts) {
  EXPECT_THAT(words<AttemptResult>(kAttemptResults),
              ElementsAre("ok", "status", "connect_failed", "tls_failed", "stale_reuse", "reset",
                          "timeout", "bad_response", "cancelled"));
  EXPECT_EQ(word(AttemptResult::Cancelled), "cancelled");
}

TEST(Vocabulary, AttemptKindsAreTheContracts) {
  EXPECT_THAT(words<AttemptKind>(kAttemptKinds), ElementsAre("first", "retry", "hedge"));
}

TEST(Vocabulary, FailureClassesAreTheContracts) {
  EXPECT_THAT(words<FailureClass>(kFailureClasses),
              ElementsAre("never_sent", "stale_reuse", "no_response", "bad_response"));
}

TEST(Vocabulary, DenyReasonsAreTheContracts) {
  EXPECT_THAT(words<DenyReason>(kDenyReasons),
              ElementsAre("exhausted", "budget", "not_idempotent", "not_replayable", "deadline",
                          "breaker_open", "response_started", "coordinated", "not_retryable"));
  EXPECT_EQ(word(DenyReason::NotRetryable), "not_retryable");
}

TEST(Vocabulary, BreakerStatesAreTheContracts) {
  EXPECT_THAT(words<BreakerState>(kBreakerStates),
              ElementsAre("closed", "open", "half_open", "ramp", "forced_open", "disabled"));
  EXPECT_EQ(word(BreakerState::Disabled), "disabled");
}

TEST(Vocabulary, TransitionReasonsAreDistinctAndNamed) {
  EXPECT_THAT(words<TransitionReason>(kTransitionReasons),
              ElementsAre("consecutive_failures", "failure_rate", "slow_rate", "retry_after",
                          "wait_elapsed", "probes_ok", "probe_failed", "probe_lost", "ramp_failed",
                          "ramp_done", "operator", "health_check"));
  EXPECT_EQ(word(TransitionReason::Operator), "operator");
}

TEST(Vocabulary, RequestResultsAreDistinctAndNamed) {
  EXPECT_THAT(words<RequestResult>(kRequestResults),
              ElementsAre("ok", "failed", "rejected", "cut", "client_gone"));
  EXPECT_EQ(word(RequestResult::ClientGone), "client_gone");
}

struct Reply {
  RejectReason reason;
  std::string_view word;
  unsigned status;
};

class Rejections : public ::testing::TestWithParam<Reply> {};

TEST_P(Rejections, HaveTheWordAndStatusOfTheContract) {
  EXPECT_EQ(word(GetParam().reason), GetParam().word);
  EXPECT_EQ(status_of(GetParam().reason), GetParam().status);
}

constexpr Reply kContract[] = {
    {RejectReason::None, "", 0},
    {RejectReason::BadRequest, "bad_request", 400},
    {RejectReason::NoRoute, "no_route", 404},
    {RejectReason::HeadTimeout, "head_timeout", 408},
    {RejectReason::BodyTooLarge, "body_too_large", 413},
    {RejectReason::HeadTooLarge, "head_too_large", 431},
    {RejectReason::Unsupported, "unsupported", 501},
    {RejectReason::DnsFailed, "dns_failed", 502},
    {RejectReason::ConnectFailed, "connect_failed", 502},
    {RejectReason::TlsFailed, "tls_failed", 502},
    {RejectReason::Reset, "reset", 502},
    {RejectReason::BadResponse, "bad_response", 502},
    {RejectReason::ResponseHeadTooLarge, "response_head_too_large", 502},
    {RejectReason::BreakerOpen, "breaker_open", 503},
    {RejectReason::BreakerShed, "breaker_shed", 503},
    {RejectReason::NoEndpoint, "no_endpoint", 503},
    {RejectReason::OverLimit, "over_limit", 503},
    {RejectReason::QueueFull, "queue_full", 503},
    {RejectReason::QueueTimeout, "queue_timeout", 503},
    {RejectReason::Draining, "draining", 503},
    {RejectReason::Deadline, "deadline", 504},
    {RejectReason::TryTimeout, "try_timeout", 504},
};

INSTANTIATE_TEST_SUITE_P(Contract, Rejections, ::testing::ValuesIn(kContract));

TEST(Vocabulary, EveryRejectionIsInTheContractsTable) {
  EXPECT_EQ(std::size(kContract), kRejectReasons);
}

}  // namespace
}  // namespace fusegate
