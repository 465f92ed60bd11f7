#include "support/core_rig.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace fusegate::test {
namespace {

TEST(Retry, WaitsAndGoesToAnotherEndpointWhileOneIsLeft) {
  Rig rig;
  rig.policy.retries = 3;
  rig.upstream.ejection.enabled = false;  // An ejected one would not be left.
  rig.start({"a:80", "b:80", "c:80"});
  for (int round = 0; round < 200; ++round) {
    const Instant now = at(round * 15s);  // Far apart, so that the budget is never the reason.
    Call call{rig, now};
    const Decision first = call.begin(now);
    ASSERT_EQ(call.failure(refused(), now).kind, Kind::Wait);
    const Decision second = call.wake(now + 25ms);
    ASSERT_EQ(second.kind, Kind::Attempt);
    EXPECT_NE(second.endpoint, first.endpoint);
    ASSERT_EQ(call.failure(refused(), now + 25ms).kind, Kind::Wait);
    const Decision third = call.wake(now + 75ms);
    ASSERT_EQ(third.kind, Kind::Attempt);
    EXPECT_NE(third.endpoint, first.endpoint);
    EXPECT_NE(third.endpoint, second.endpoint);
    ASSERT_EQ(call.status(200, now + 80ms).kind, Kind::Forward);
    EXPECT_EQ(call.report.attempts, 3);
    EXPECT_EQ(call.report.backoff, 75ms);
    EXPECT_EQ(call.report.tries[1].wait, 25ms);
    EXPECT_EQ(call.report.tries[2].wait, 50ms);
    EXPECT_EQ(call.report.tries[2].kind, AttemptKind::Retry);
    (void)call.end(Ending::Delivered, now + 80ms);
    settle_one(rig, 200, now + 14s);
    ASSERT_EQ(rig.state->breaker().state(), BreakerState::Closed);
  }
}

TEST(Retry, SameEndpointIsTriedAgainWhenItIsTheOnlyOne) {
  Rig rig;
  rig.start({"a:80"});
  Call call{rig, at(0s)};
  const Decision first = call.begin(at(0s));
  ASSERT_EQ(call.status(503, at(0s)).kind, Kind::Wait);
  const Decision second = call.wake(at(25ms));
  ASSERT_EQ(second.kind, Kind::Attempt);
  EXPECT_EQ(second.endpoint, first.endpoint);
  EXPECT_EQ(second.endpoint->in_flight, 1U) << "the first attempt is over";
  EXPECT_EQ(second.endpoint->pins, 2U);
}

TEST(Retry, NeverMakesMoreAttemptsThanConfigured) {
  for (std::uint32_t retries = 0; retries <= config::kRetriesMax; ++retries) {
    Rig rig;
    rig.policy.retries = retries;
    rig.upstream.retry_budget.min_retries = 100;
    rig.upstream.breaker.consecutive_failures = 0;
    rig.start({"a:80", "b:80"});
    Call call{rig, at(0s)};
    Instant now = at(0s);
    Decision next = call.begin(now);
    while (next.kind == Kind::Attempt) {
      next = call.failure(reset(), now);
      if (next.kind == Kind::Wait) {
        now = next.until;
        next = call.wake(now);
      }
    }
    EXPECT_EQ(next.kind, Kind::Reject);
    EXPECT_EQ(next.reason, RejectReason::Reset);
    EXPECT_EQ(call.report.attempts, retries + 1);
    EXPECT_EQ(call.report.denied, DenyReason::Exhausted);
  }
}

TEST(Retry, LastRealResponseIsForwardedWhenTriesAreUsedUp) {
  Rig rig;
  rig.start({"a:80", "b:80", "c:80"});
  Call call{rig, at(0s)};
  (void)call.begin(at(0s));
  ASSERT_EQ(call.status(502, at(0s)).kind, Kind::Wait);
  ASSERT_EQ(call.wake(at(25ms)).kind, Kind::Attempt);
  ASSERT_EQ(call.status(503, at(25ms)).kind, Kind::Wait);
  ASSERT_EQ(call.wake(at(75ms)).kind, Kind::Attempt);
  EXPECT_EQ(call.status(504, at(75ms)).kind, Kind::Forward);
  EXPECT_EQ(call.report.denied, DenyReason::Exhausted);
}

TEST(Retry, HeldResponseIsForwardedWhenALaterAttemptBringsNone) {
  Rig rig;
  rig.start({"a:80", "b:80", "c:80"});
  Call call{rig, at(0s)};
  (void)call.begin(at(0s));
  ASSERT_EQ(call.status(503, at(0s)).kind, Kind::Wait);
  ASSERT_EQ(call.wake(at(25ms)).kind, Kind::Attempt);
  ASSERT_EQ(call.failure(reset(), at(25ms)).kind, Kind::Wait);
  ASSERT_EQ(call.wake(at(75ms)).kind, Kind::Attempt);
  EXPECT_EQ(call.failure(reset(), at(75ms)).kind, Kind::ForwardHeld);
  const Decision lost = call.exchange.on_held_lost(at(75ms));
  EXPECT_EQ(lost.kind, Kind::Reject);
  EXPECT_EQ(lost.reason, RejectReason::Reset);
}

/// What one failed first attempt leads to.
struct DenialCase {
  const char* name;
  std::function<void(Rig&)> arrange;
  std::function<Decision(Call&)> fail;
  std::optional<DenyReason> denied;  ///< nullopt = retried.
};

Decision with(Call& call, const exchange::ResponseFacts& facts) {
  return call.response(facts, at(1ms));
}

TEST(Retry, IsDeniedByTheFirstRuleThatForbidsIt) {
  const auto nothing = [](Rig&) {};
  const auto post = [](Rig& rig) { rig.traits.repeatable = false; };
  const auto inner = [](Rig& rig) { rig.traits.coordinated = true; };
  const auto fail = [](exchange::FailureFacts facts) {
    return [facts](Call& call) { return call.failure(facts, at(1ms)); };
  };
  const auto answer = [](exchange::ResponseFacts facts) {
    return [facts](Call& call) { return with(call, facts); };
  };
  const DenialCase cases[] = {
      {"GET, reset", nothing, fail(reset()), {}},
      {"GET, refused", nothing, fail(refused()), {}},
      {"GET, 503", nothing, answer({.status = 503}), {}},
      {"POST, refused", post, fail(refused()), {}},
      {"POST, reset", post, fail(reset()), DenyReason::NotIdempotent},
      {"POST, timeout", post, fail(try_timeout()), DenyReason::NotIdempotent},
      {"POST, stale", post, fail(stale()), DenyReason::NotIdempotent},
      {"POST, 503", post, answer({.status = 503}), DenyReason::NotIdempotent},
      {"coordinated, refused", inner, fail(refused()), {}},
      {"coordinated, reset", inner, fail(reset()), DenyReason::Coordinated},
      {"coordinated, 503", inner, answer({.status = 503}), DenyReason::Coordinated},
      {"told never", nothing, answer({.status = 503, .retry_never = true}),
       DenyReason::Coordinated},
      {"told other, one left", nothing, answer({.status = 503, .other_endpoint_only = true}), {}},
      {"429 without Retry-After",
       [](Rig& rig) { rig.policy.retry.on.statuses.set(429); },
       answer({.status = 429}),
       {}},
      {"429 with Retry-After",
       [](Rig& rig) { rig.policy.retry.on.statuses.set(429); },
       answer({.status = 429, .retry_after = 1s}),
       {}},
      {"429 with pushback",
       [](Rig& rig) { rig.policy.retry.on.statuses.set(429); },
       answer({.status = 429, .pushback = 1s}),
       {}},
      {"resets not listed", [](Rig& rig) { rig.policy.retry.on.no_response = false; },
       fail(reset()), DenyReason::NotRetryable},
      {"no retries", [](Rig& rig) { rig.policy.retries = 0; }, fail(reset()),
       DenyReason::Exhausted},
      {"no time", [](Rig& rig) { rig.policy.timeout = 35ms; }, fail(reset()), DenyReason::Deadline},
      {"just enough time", [](Rig& rig) { rig.policy.timeout = 36ms; }, fail(reset()), {}},
      {"no budget",
       [](Rig& rig) {
         rig.upstream.retry_budget.min_retries = 0;
         rig.upstream.retry_budget.percent = Ratio::percent(99);
       },
       fail(reset()), DenyReason::Budget},
      {"breaker opens by this failure",
       [](Rig& rig) { rig.upstream.breaker.failure_rate.min_requests = 1; }, fail(reset()),
       DenyReason::BreakerOpen},
      {"header asks", nothing, answer({.status = 200, .header_asks_retry = true}), {}},
  };
  for (const DenialCase& c : cases) {
    Rig rig;
    c.arrange(rig);
    auto& state = rig.start({"a:80", "b:80"});
    Call call{rig, at(0s)};
    ASSERT_EQ(call.begin(at(0s)).kind, Kind::Attempt) << c.name;
    const auto available = state.budget().available(at(1ms));
    const Decision next = c.fail(call);
    EXPECT_EQ(call.report.denied, c.denied) << c.name;
    EXPECT_EQ(next.kind == Kind::Wait, !c.denied) << c.name;
    EXPECT_EQ(state.budget().available(at(1ms)), available - (c.denied ? 0 : 1)) << c.name;
  }
}

TEST(Retry, UnlistedStatusIsForwardedWithoutADenial) {
  Rig rig;
  rig.start({"a:80"});
  for (const unsigned code : {200U, 404U, 429U, 500U, 501U}) {
    Call call{rig, at(0s)};
    (void)call.begin(at(0s));
    EXPECT_EQ(call.status(code, at(0s)).kind, Kind::Forward) << code;
    EXPECT_FALSE(call.report.denied) << code;
    EXPECT_EQ(call.report.tries[0].result, AttemptResult::Ok) << code;
  }
}

TEST(Retry, OtherEndpointOnlyIsDeniedWithoutAnother) {
  Rig rig;
  auto& state = rig.start({"a:80"});
  Call alone{rig, at(0s)};
  (void)alone.begin(at(0s));
  EXPECT_EQ(with(alone, {.status = 503, .other_endpoint_only = true}).kind, Kind::Forward);
  EXPECT_EQ(alone.report.denied, DenyReason::Coordinated);

  state.set_endpoints({"a:80", "b:80"}, at(0s));
  Call pair{rig, at(0s)};
  (void)pair.begin(at(0s));
  ASSERT_EQ(with(pair, {.status = 503, .other_endpoint_only = true}).kind, Kind::Wait);
  const auto available = state.budget().available(at(1ms));
  // The other one leaves while we wait.
  state.set_endpoints({pair.report.tries[0].endpoint->name}, at(2ms));
  EXPECT_EQ(pair.wake(at(26ms)).kind, Kind::ForwardHeld);
  EXPECT_EQ(pair.report.denied, DenyReason::Coordinated);
  EXPECT_EQ(state.budget().available(at(26ms)), available + 1) << "the charge is given back";
}

TEST(Retry, PushbackReplacesTheBackoffExactly) {
  Rig rig;
  rig.start({"a:80"});
  Call call{rig, at(0s)};
  (void)call.begin(at(0s));
  const Decision wait = with(call, {.status = 503, .retry_after = 9s, .pushback = 120ms});
  ASSERT_EQ(wait.kind, Kind::Wait);
  EXPECT_EQ(wait.until, at(121ms));
}

TEST(Retry, RetryAfterIsHonouredWithASpreadUpToItsLimit) {
  Rig rig;
  rig.policy.retry.retry_after.max = 3s;
  rig.upstream.breaker.mode = policy::BreakerMode::Off;
  rig.upstream.retry_budget.min_retries = 1000;
  rig.start({"a:80", "b:80"});
  std::set<Instant> seen;
  for (int i = 0; i < 20; ++i) {
    Call call{rig, at(0s)};
    (void)call.begin(at(0s));
    const Decision wait = with(call, {.status = 503, .retry_after = 2s});
    ASSERT_EQ(wait.kind, Kind::Wait);
    EXPECT_GE(wait.until, at(2001ms));
    EXPECT_LE(wait.until, at(3001ms));
    seen.insert(wait.until);
  }
  EXPECT_GT(seen.size(), 10U);

  Rig fresh;
  fresh.policy.retry.retry_after.max = 3s;
  fresh.start({"a:80"});
  Call too_long{fresh, at(0s)};
  (void)too_long.begin(at(0s));
  EXPECT_EQ(with(too_long, {.status = 503, .retry_after = 4s}).until, at(26ms));
  fresh.policy.retry.retry_after.honor = false;
  Call ignored{fresh, at(0s)};
  (void)ignored.begin(at(0s));
  EXPECT_EQ(with(ignored, {.status = 503, .retry_after = 1s}).until, at(26ms));
}

TEST(Retry, RetryAfterBeyondTheDeadlineIsDeniedNotShortened) {
  Rig rig;
  rig.policy.timeout = 1s;
  rig.start({"a:80"});
  Call call{rig, at(0s)};
  (void)call.begin(at(0s));
  EXPECT_EQ(with(call, {.status = 503, .retry_after = 30s}).kind, Kind::Forward);
  EXPECT_EQ(call.report.denied, DenyReason::Deadline);
}

TEST(Retry, AdaptiveBackoffGrowsWithTheFailureRate) {
  Rig rig;
  rig.policy.retry.adaptive = true;
  rig.upstream.breaker.mode = policy::BreakerMode::Off;
  rig.upstream.ejection.enabled = false;
  rig.start({"a:80"});
  for (int i = 0; i < 24; ++i) {
    settle_one(rig, i % 2 == 0 ? 500 : 200, at(0s));
  }
  Call call{rig, at(0s)};
  (void)call.begin(at(0s));
  const Decision wait = call.failure(reset(), at(0s));
  EXPECT_EQ(wait.until, at(0s) + 25ms + 25ms * 13 / 25) << "13 of 25 attempts had failed";
}

}  // namespace
}  // namespace fusegate::test
