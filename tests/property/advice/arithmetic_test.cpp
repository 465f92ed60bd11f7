// The arithmetic of the advice against the machines it speaks about.
#include <fusegate/advice/arithmetic.hpp>
#include <fusegate/base/rng.hpp>
#include <fusegate/policy/backoff.hpp>
#include <fusegate/policy/breaker.hpp>
#include <fusegate/policy/budget.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace fusegate::advice {
namespace {

using namespace std::chrono_literals;
using policy::BackoffKind;

constexpr std::uint64_t kSeed = 20261124;

/// A point of the tests' time line, which does not begin at zero.
Instant at(double seconds) {
  return Instant{1000s} + Duration{static_cast<Duration::rep>(seconds * 1e9)};
}

TEST(Waits, BoundAndAverageWhatBackoffDraws) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Rng rng(kSeed);
  constexpr int kDraws = 3000;
  for (int round = 0; round < 60; ++round) {
    config::RequestPolicy policy;
    policy.retries = 4;
    policy.retry.adaptive = false;
    auto& backoff = policy.retry.backoff;
    backoff.kind = static_cast<BackoffKind>(round % 5);
    backoff.jitter = static_cast<policy::Jitter>(round / 5 % 3);
    backoff.factor = 1.0 + rng.uniform() * 3;
    backoff.initial = rng.between(1ms, 100ms);
    backoff.max = rng.between(backoff.initial, 500ms);
    const auto expected = waits(policy);
    ASSERT_EQ(expected.size(), 4U);
    std::vector<double> sums(4);
    for (int draw = 0; draw < kDraws; ++draw) {
      Duration previous{};
      for (unsigned retry = 1; retry <= 4; ++retry) {
        previous = policy::backoff_delay(backoff, retry, previous, rng);
        ASSERT_LE(previous, expected[retry - 1].worst) << "round " << round << " retry " << retry;
        sums[retry - 1] += static_cast<double>(previous.count());
      }
    }
    // Of decorrelated waits only the first has a simple mean; where the cap cuts, the others' is
    // a little above the true one.
    const double slack = backoff.kind == BackoffKind::Decorrelated ? 0.2 : 0.05;
    for (std::size_t i = 0; i < 4; ++i) {
      const auto mean = static_cast<double>(expected[i].mean.count());
      EXPECT_NEAR(sums[i] / kDraws / mean, 1.0, slack) << "round " << round << " retry " << i + 1;
    }
  }
}

TEST(LoadFactor, IsWhatTheBudgetLetsThrough) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Rng rng(kSeed);
  for (int round = 0; round < 40; ++round) {
    config::RequestPolicy policy;
    policy.retries = 1 + static_cast<std::uint32_t>(rng.uniform() * 4);
    const policy::BudgetSettings settings{Ratio::percent(rng.uniform() * 60), 10s,
                                          static_cast<std::uint32_t>(rng.uniform() * 40)};
    const double rate = 1 + rng.uniform() * 50;
    policy::Budget budget(settings);
    std::uint64_t requests = 0;
    std::uint64_t attempts = 0;
    // The first windows fill up; everything fails in all of them.
    for (double now = 0; now < 200; now += 1 / rate) {
      budget.on_request(at(now));
      std::uint64_t made = 1;
      while (made <= policy.retries && budget.try_charge(at(now))) {
        ++made;
      }
      requests += now > 20 ? 1 : 0;
      attempts += now > 20 ? made : 0;
    }
    const double seen = static_cast<double>(attempts) / static_cast<double>(requests);
    const double told = load_factor(policy, settings, rate);
    // The window holds nine to ten tenths of its length, and shares are rounded down.
    EXPECT_LE(seen, 1 + (told - 1) / 0.9 + 0.02) << "round " << round;
    EXPECT_GE(seen, 1 + (told - 1) * 0.9 - 0.15) << "round " << round;
    if (rate < rate_of_floor(policy, settings) * 0.9) {
      EXPECT_NEAR(seen, 1.0 + policy.retries, 0.05) << "round " << round;
    }
  }
}

TEST(FailuresInARow, AreThoseThatOpenTheBreaker) {
  Rng rng(kSeed);
  for (const std::uint32_t every : {0U, 100U, 20U, 10U, 5U, 3U, 2U}) {
    for (const std::uint32_t least : {2U, 5U, 12U}) {
      policy::BreakerSettings settings;
      settings.consecutive_failures = least;
      settings.failure_rate.threshold = {};
      policy::Breaker breaker(settings, at(0));
      const auto once = [&](bool failed) {
        const auto admission = breaker.admit(true, 1s, rng, at(1));
        ASSERT_TRUE(admission.permit.has_value());
        breaker.settle(*admission.permit,
                       failed ? policy::Verdict::Failure : policy::Verdict::Success, 1ms, {}, rng,
                       at(1));
      };
      // One failure in `every`, and the last a success, so that the run begins with the next.
      for (std::uint32_t i = 0; i < 1000 * std::max(every, 1U); ++i) {
        once(every > 0 && i % every == 0 && every > 1);
        ASSERT_EQ(breaker.state(), BreakerState::Closed);
      }
      std::uint32_t run = 0;
      while (breaker.state() == BreakerState::Closed) {
        once(true);
        ++run;
      }
      const double share = every == 0 ? 0.0 : 1.0 / every;
      EXPECT_EQ(failures_in_a_row(settings, share), run) << "share " << share;
    }
  }
}

}  // namespace
}  // namespace fusegate::advice
