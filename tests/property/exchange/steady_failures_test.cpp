#include "support/core_rig.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <queue>
#include <utility>
#include <vector>

namespace fusegate::test {
namespace {

/// What ten simulated minutes of 200 requests a second against an upstream gave.
struct Outcome {
  std::uint64_t requests = 0;
  std::uint64_t ok = 0;
  std::uint64_t attempts = 0;
  std::uint64_t denied_budget = 0;
  std::uint64_t breaker_moves = 0;
  std::uint64_t rejected = 0;

  double success() const { return static_cast<double>(ok) / static_cast<double>(requests); }
  double attempts_per_request() const {
    return static_cast<double>(attempts) / static_cast<double>(requests);
  }
};

constexpr Duration kBetweenRequests = 5ms;
constexpr Duration kAnswerTime = 8ms;
constexpr Duration kRunTime = std::chrono::minutes{10};

/// GET requests with default settings; a share of the responses is 503, independently.
class Simulation {
 public:
  Simulation(const std::vector<std::string>& endpoints, double bad, std::uint64_t seed)
      : dice_(seed), bad_(bad) {
    rig_.policy = {};
    rig_.upstream = {};
    rig_.start(endpoints, seed);
  }

  Outcome run() {
    for (Instant now = at(0s); now < at(kRunTime); now += kBetweenRequests) {
      play_until(now);
      auto call = std::make_unique<Call>(rig_, now);
      const Decision first = call->begin(now);
      follow(std::move(call), first, now);
    }
    play_until(at(kRunTime + 20s));
    for (const auto& by_from : rig_.state->counters(at(kRunTime)).transitions) {
      for (const auto& by_to : by_from) {
        for (const auto count : by_to) {
          outcome_.breaker_moves += count;
        }
      }
    }
    return outcome_;
  }

 private:
  struct Due {
    Instant when;
    std::uint64_t order;
    std::shared_ptr<Call> call;
    bool answer;
    bool operator>(const Due& other) const {
      return std::pair{when, order} > std::pair{other.when, other.order};
    }
  };

  void play_until(Instant limit) {
    while (!due_.empty() && due_.top().when <= limit) {
      const Due next = due_.top();
      due_.pop();
      if (!next.answer) {
        follow(next.call, next.call->wake(next.when), next.when);
        continue;
      }
      const unsigned status = dice_.uniform() < bad_ ? 503 : 200;
      follow(next.call, next.call->status(status, next.when), next.when);
    }
  }

  void follow(std::shared_ptr<Call> call, const Decision& decision, Instant now) {
    switch (decision.kind) {
      case Kind::Attempt:
        due_.push({now + kAnswerTime, order_++, std::move(call), true});
        return;
      case Kind::Wait:
        due_.push({decision.until, order_++, std::move(call), false});
        return;
      case Kind::Queue:
      case Kind::Continue:
      case Kind::Reject:
        ++outcome_.rejected;
        break;
      case Kind::Forward:
      case Kind::ForwardHeld:
        break;
    }
    const auto& report = call->report;
    ++outcome_.requests;
    outcome_.attempts += report.attempts;
    outcome_.denied_budget += report.denied == DenyReason::Budget ? 1 : 0;
    const bool good =
        decision.kind == Kind::Forward && report.tries[report.try_count - 1U].status == 200;
    outcome_.ok += good ? 1 : 0;
    (void)call->end(Ending::Delivered, now);
  }

  Rig rig_;
  Rng dice_;
  double bad_;
  std::uint64_t order_ = 0;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  Outcome outcome_;
};

constexpr std::uint64_t kSeeds = 5;

/// Plays each seed. A run in which the breaker moved is counted instead of returned: the rule
/// allows one false opening in a million attempts, which over the 133,000 attempts of a run was
/// measured to strike 7 of 100 seeds at 10 % and 15 of 100 at 30 %. None of the fixed seeds is left
/// out for it.
struct Played {
  std::vector<Outcome> quiet;
  std::uint64_t opened = 0;
};

Played play(const std::vector<std::string>& endpoints, double bad) {
  Played played;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Outcome outcome = Simulation{endpoints, bad, seed}.run();
    std::printf(
        "seed %llu, endpoints %zu, %.0f %% bad: success %.3f %%, attempts per request %.4f, "
        "breaker transitions %llu\n",
        static_cast<unsigned long long>(seed), endpoints.size(), bad * 100, outcome.success() * 100,
        outcome.attempts_per_request(), static_cast<unsigned long long>(outcome.breaker_moves));
    EXPECT_EQ(outcome.requests, 120'000U) << "seed " << seed;
    if (outcome.breaker_moves > 0) {
      ++played.opened;
    } else {
      played.quiet.push_back(outcome);
    }
  }
  return played;
}

const std::vector<std::string> kOne{"a:80"};
const std::vector<std::string> kThree{"a:80", "b:80", "c:80"};

TEST(SteadyFailures, TenPercentAreHidden) {
  for (const auto& endpoints : {kOne, kThree}) {
    const Played played = play(endpoints, 0.10);
    EXPECT_LE(played.opened, 1U);
    for (const Outcome& outcome : played.quiet) {
      EXPECT_GE(outcome.success(), 0.998);
      EXPECT_EQ(outcome.rejected, 0U);
      EXPECT_NEAR(outcome.attempts_per_request(), 1.11, 0.01) << "1 + 0.1 + 0.01";
    }
  }
}

TEST(SteadyFailures, AtThirtyPercentTheBudgetBinds) {
  for (const auto& endpoints : {kOne, kThree}) {
    const Played played = play(endpoints, 0.30);
    EXPECT_LE(played.opened, 1U);
    for (const Outcome& outcome : played.quiet) {
      // 20 % of the requests and the floor of ten retries a window. Its slots are a tenth of it, so
      // ten seconds may see 10/9 of the floor.
      constexpr double kFloorPerRequest = 10.0 / 9.0 * 10.0 / (10.0 * 200.0);
      EXPECT_LE(outcome.attempts_per_request(), 1.2 + kFloorPerRequest);
      EXPECT_GT(outcome.denied_budget, 0U);
      EXPECT_EQ(outcome.rejected, 0U);
      // Each attempt succeeds with 0.7 and ends its request: 0.7 * 1.2 and the floor.
      EXPECT_NEAR(outcome.success(), 0.7 * outcome.attempts_per_request(), 0.005);
      EXPECT_GE(outcome.success(), 0.7 * 1.18);
    }
  }
}

}  // namespace
}  // namespace fusegate::test
