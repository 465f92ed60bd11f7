#include <fusegate/policy/retry.hpp>

#include <gtest/gtest.h>

namespace fusegate::policy {
namespace {

constexpr FailureClass kAll[] = {FailureClass::NeverSent, FailureClass::StaleReuse,
                                 FailureClass::NoResponse, FailureClass::BadResponse};
constexpr RetryContext kGet{.repeatable = true};
constexpr RetryContext kPost{.repeatable = false};

TEST(IsIdempotentMethod, KnowsTheSixOfTheStandard) {
  for (const auto* method : {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}) {
    EXPECT_TRUE(is_idempotent_method(method)) << method;
  }
}

TEST(IsIdempotentMethod, TrustsNoOther) {
  for (const auto* method : {"POST", "PATCH", "CONNECT", "get", "GETX", "GE", "", "PROPFIND"}) {
    EXPECT_FALSE(is_idempotent_method(method)) << method;
  }
}

TEST(RetryForbidden, ARepeatableRequestIsRetriedOnEveryListedFailure) {
  for (const auto failure : kAll) {
    EXPECT_EQ(retry_forbidden({}, failure, kGet), std::nullopt);
  }
}

TEST(RetryForbidden, APostIsRetriedOnlyWhenProvablyNeverSent) {
  EXPECT_EQ(retry_forbidden({}, FailureClass::NeverSent, kPost), std::nullopt);
  for (const auto failure :
       {FailureClass::StaleReuse, FailureClass::NoResponse, FailureClass::BadResponse}) {
    EXPECT_EQ(retry_forbidden({}, failure, kPost), DenyReason::NotIdempotent);
  }
}

TEST(RetryForbidden, APostOnAStaleConnectionIsRetriedWhenNothingWasWritten) {
  const RetryContext unwritten{.repeatable = false, .nothing_written = true};
  EXPECT_EQ(retry_forbidden({}, FailureClass::StaleReuse, unwritten), std::nullopt);
  EXPECT_EQ(retry_forbidden({}, FailureClass::NoResponse, unwritten), DenyReason::NotIdempotent);
  EXPECT_EQ(retry_forbidden({}, FailureClass::BadResponse, unwritten), DenyReason::NotIdempotent);
}

TEST(RetryForbidden, AFailureThatIsNotListedIsNotRetried) {
  RetrySettings settings;
  settings.on = {.never_sent = false, .stale_reuse = false, .no_response = false};
  EXPECT_EQ(retry_forbidden(settings, FailureClass::NeverSent, kGet), DenyReason::NotRetryable);
  EXPECT_EQ(retry_forbidden(settings, FailureClass::StaleReuse, kGet), DenyReason::NotRetryable);
  EXPECT_EQ(retry_forbidden(settings, FailureClass::NoResponse, kGet), DenyReason::NotRetryable);
  EXPECT_EQ(retry_forbidden(settings, FailureClass::BadResponse, kGet), std::nullopt)
      << "whoever gave it this class has found it listed";
}

TEST(RetryForbidden, UnderACoordinatingLayerOnlyNeverSentIsRetried) {
  const RetryContext coordinated{.repeatable = true, .coordinated = true};
  EXPECT_EQ(retry_forbidden({}, FailureClass::NeverSent, coordinated), std::nullopt);
  for (const auto failure :
       {FailureClass::StaleReuse, FailureClass::NoResponse, FailureClass::BadResponse}) {
    EXPECT_EQ(retry_forbidden({}, failure, coordinated), DenyReason::Coordinated);
  }
}

TEST(RetryForbidden, ABodyThatIsGoneCannotBeSentAgain) {
  const RetryContext gone{.repeatable = true, .replayable = false};
  for (const auto failure : kAll) {
    EXPECT_EQ(retry_forbidden({}, failure, gone), DenyReason::NotReplayable);
  }
}

TEST(RetryForbidden, NamesTheFirstRuleInItsOrder) {
  RetrySettings none;
  none.on.no_response = false;
  RetryContext all_wrong{.repeatable = false, .replayable = false, .coordinated = true};
  EXPECT_EQ(retry_forbidden(none, FailureClass::NoResponse, all_wrong), DenyReason::Coordinated);
  all_wrong.coordinated = false;
  EXPECT_EQ(retry_forbidden(none, FailureClass::NoResponse, all_wrong), DenyReason::NotRetryable);
  EXPECT_EQ(retry_forbidden({}, FailureClass::NoResponse, all_wrong), DenyReason::NotIdempotent);
  all_wrong.repeatable = true;
  EXPECT_EQ(retry_forbidden({}, FailureClass::NoResponse, all_wrong), DenyReason::NotReplayable);
}

}  // namespace
}  // namespace fusegate::policy
