#pragma once

#include "property/exchange/live.hpp"
#include "support/core_rig.hpp"
#include "support/dice.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace fusegate::test {

/// Random requests, answers, faults, departures and changes of the endpoints, in any order that the
/// contract of Exchange allows. The invariants are checked after every step.
class World {
 public:
  explicit World(std::uint64_t seed) : World(Dice{seed}, seed) {}
  World(Dice dice, std::uint64_t seed) : dice_(dice) {
    rig_.policy = {};
    rig_.upstream = {};
    rig_.policy.retries = static_cast<std::uint32_t>(dice_.below(5));
    rig_.policy.timeout = Duration{50ms} + dice_.between(0s, 5s);
    rig_.policy.retry.on.statuses.set(429);
    rig_.policy.hedge.enabled = true;
    rig_.policy.hedge.max_percent = Ratio::percent(dice_.uniform() * 100);
    rig_.upstream.concurrency.max_in_flight = 1 + static_cast<std::uint32_t>(dice_.below(20));
    rig_.upstream.concurrency.adaptive = dice_.below(2) == 0;
    rig_.upstream.concurrency.queue.length = static_cast<std::uint32_t>(dice_.below(6));
    rig_.upstream.connections.max_per_endpoint = 1 + static_cast<std::uint32_t>(dice_.below(8));
    rig_.upstream.breaker.half_open.probes = 1 + static_cast<std::uint32_t>(dice_.below(3));
    rig_.upstream.ejection.max_percent = Ratio::percent(dice_.uniform() * 100);
    rig_.upstream.balance = static_cast<config::Balance>(dice_.below(3));
    rig_.start({}, seed);
    change_endpoints();
  }

  void step() {
    now_ += dice_.below(50) == 0 ? dice_.between(0s, 8s) : dice_.between(0s, 20ms);
    if (dice_.below(40) == 0) {
      fault_ = dice_.uniform();  // Calm and storm take turns.
    }
    const auto action = dice_.below(100);
    if (action < 30 && live_.size() < 60) {
      arrive();
    } else if (action < 31) {
      change_endpoints();
    } else if (action < 33) {
      rig_.state->tick(now_);
    } else if (!live_.empty()) {
      advance(*live_[dice_.below(live_.size())]);
    }
    check();
  }

  void finish() {
    while (!live_.empty()) {
      end(*live_.front(), Ending::ClientGone);
    }
    auto& state = *rig_.state;
    EXPECT_EQ(state.attempts_in_flight(), 0U);
    EXPECT_EQ(state.limiter().in_flight(), 0U);
    EXPECT_EQ(state.limiter().waiting(), 0U);
    EXPECT_EQ(state.breaker().probes_in_flight(), 0U);
    for (const auto& endpoint : state.endpoints()) {
      EXPECT_EQ(endpoint->pins, 0U);
      EXPECT_EQ(endpoint->in_flight, 0U);
      EXPECT_EQ(endpoint->ejection.probes_in_flight(), 0U);
    }
  }

  /// From wherever the chaos left it, a healthy upstream is closed again in bounded time.
  void recover() {
    rig_.state->set_endpoints({"a:80", "b:80", "c:80"}, now_);
    const Instant limit = now_ + 240s;
    while (now_ < limit) {
      now_ += 10ms;
      settle_one(rig_, 200, now_);
      rig_.state->tick(now_);
    }
    EXPECT_EQ(rig_.state->breaker().state(), BreakerState::Closed);
    EXPECT_EQ(rig_.state->endpoint_counts().healthy, 3U);
    for (const auto& endpoint : rig_.state->endpoints()) {
      EXPECT_EQ(endpoint->ejection.state(), BreakerState::Closed) << endpoint->name;
    }
  }

  bool used_up() const { return dice_.used_up(); }
  std::uint64_t trace() const { return trace_; }

 private:
  void note(std::uint64_t value) { trace_ = (trace_ ^ value) * 0x100000001b3ULL; }

  void change_endpoints() {
    std::vector<std::string> names;
    for (const char* name : {"a:80", "b:80", "c:80", "d:80", "e:80"}) {
      if (dice_.below(3) > 0) {
        names.emplace_back(name);
      }
    }
    rig_.state->set_endpoints(names, now_);
    while (auto* const waiter = rig_.state->limiter().hand_out(now_)) {
      wake(waiter);
    }
  }

  void arrive() {
    rig_.traits = {.repeatable = dice_.below(3) > 0, .coordinated = dice_.below(10) == 0};
    rig_.traits.hedgeable = rig_.traits.repeatable && !rig_.traits.coordinated;
    if (dice_.below(10) == 0) {
      rig_.traits.time_left = dice_.between(0s, 1s);
    }
    auto live = std::make_unique<Live>();
    live->traits = rig_.traits;
    live->call = std::make_unique<Call>(rig_, now_);
    Live& one = *live;
    live_.push_back(std::move(live));
    requests_.push_back(now_);
    take(one, one.call->begin(now_));
  }

  void take(Live& one, const Decision& decision) {
    one.last = decision;
    note(static_cast<std::uint64_t>(decision.kind) * 64 + static_cast<unsigned>(decision.reason));
    note(static_cast<std::uint64_t>(decision.until.time_since_epoch().count()));
    const auto& report = one.call->report;
    EXPECT_LE(report.attempts, rig_.policy.retries + 2) << "more attempts than configured";
    EXPECT_LE(report.try_count, rig_.policy.retries + 3) << "one free reconnect at most";
    if (decision.kind == Kind::Attempt) {
      EXPECT_GE(one.call->exchange.deadline() - now_, policy::kMinTry);
      EXPECT_LE(decision.until, one.call->exchange.deadline());
      EXPECT_GT(decision.until, now_);
      EXPECT_FALSE(decision.endpoint->retired && !decision.fresh_connection);
    }
    if (decision.kind == Kind::Wait) {
      EXPECT_LE(decision.until + policy::kMinTry, one.call->exchange.deadline());
      one.charged_at = now_;
      charges_.push_back(now_);
      check_budget();
    }
    EXPECT_TRUE(one.traits.repeatable || one.deliveries <= 1) << "applied twice";
    if (decision.kind == Kind::Reject || decision.kind == Kind::ForwardHeld) {
      end(one, Ending::Rejected);
    }
  }

  void advance(Live& one) {
    if (dice_.below(12) == 0) {
      end(one, Ending::ClientGone);
      return;
    }
    auto& exchange = one.call->exchange;
    switch (one.last.kind) {
      case Kind::Attempt:
      case Kind::Continue:
        if (dice_.below(3) == 0 && one.traits.hedgeable && hedge(one)) {
          return;
        }
        if (exchange.has_two_attempts() && dice_.below(2) == 0) {
          exchange.switch_attempt();
        }
        exchange.on_connection(dice_.below(2) == 0);
        outcome(one);
        return;
      case Kind::Wait:
        now_ = std::max(now_, one.last.until);
        wake_up(one);
        return;
      case Kind::Queue:
        if (one.woken) {
          one.woken = false;
          take(one, dice_.below(2) == 0 ? exchange.on_slot(now_) : exchange.on_slot_timeout(now_));
        } else if (now_ >= one.last.until) {
          take(one, exchange.on_slot_timeout(now_));
        }
        return;
      case Kind::Forward:
        end(one, dice_.below(8) == 0 ? Ending::CutByUpstream : Ending::Delivered);
        return;
      case Kind::ForwardHeld:
      case Kind::Reject:
        return;
    }
  }

  bool hedge(Live& one) {
    const auto decision = one.call->exchange.on_hedge_due(now_);
    if (decision) {
      charges_.push_back(now_);
      check_budget();
      take(one, *decision);
    }
    return decision.has_value();
  }

  void wake_up(Live& one) {
    const Decision decision = one.call->exchange.on_wakeup(now_);
    if (decision.kind != Kind::Attempt) {
      give_back(one);
    }
    take(one, decision);
  }

  void outcome(Live& one) {
    auto& exchange = one.call->exchange;
    if (dice_.below(20) == 0) {
      exchange.on_not_replayable();
    }
    if (dice_.uniform() >= fault_) {
      ++one.deliveries;
      take(one, exchange.on_response({.status = 200}, now_));
      return;
    }
    const auto kind = dice_.below(7);
    if (kind == 0) {
      take(one, exchange.on_failure(refused(), now_));
      return;
    }
    auto facts = kind == 1 ? stale() : kind == 2 ? try_timeout() : reset();
    facts.nothing_written = kind == 1 && dice_.below(2) == 0;
    one.deliveries += facts.nothing_written ? 0 : 1;
    if (kind <= 3) {
      take(one, exchange.on_failure(facts, now_));
      return;
    }
    take(one, exchange.on_response(bad_answer(kind == 4 ? 429 : 503, dice_), now_));
  }

  void end(Live& one, Ending ending) {
    if (one.last.kind == Kind::Wait) {
      give_back(one);
    }
    auto* const waiter = one.call->end(ending, now_);
    std::erase_if(live_, [&](const auto& held) { return held.get() == &one; });
    if (waiter != nullptr) {
      wake(waiter);
    }
  }

  void wake(void* waiter) {
    const auto found = std::ranges::find_if(
        live_, [waiter](const auto& one) { return one->call.get() == waiter; });
    ASSERT_NE(found, live_.end()) << "a slot went to a request that has ended";
    (*found)->woken = true;
  }

  void check() {
    auto& state = *rig_.state;
    std::uint32_t expected = 0;
    for (const auto& one : live_) {
      expected += one->running() || one->forwarding() ? 1 : 0;
      expected += one->call->exchange.has_two_attempts() ? 1 : 0;
    }
    EXPECT_EQ(state.attempts_in_flight(), expected);
    EXPECT_LE(state.breaker().probes_in_flight(), rig_.upstream.breaker.half_open.probes);
    const std::uint64_t count = state.endpoints().size();
    std::uint64_t ejected = 0;
    for (const auto& endpoint : state.endpoints()) {
      ejected += endpoint->ejected ? 1 : 0;
      EXPECT_LE(endpoint->ejection.probes_in_flight(), rig_.upstream.breaker.half_open.probes);
      EXPECT_LE(endpoint->in_flight, rig_.upstream.connections.max_per_endpoint);
    }
    EXPECT_LE(ejected, rig_.upstream.ejection.max_percent.of(count));
    EXPECT_TRUE(count == 0 || ejected < count) << "the last endpoint was ejected";
  }

  /// Retries scheduled within nine tenths of a window (what it surely covers) and not given back,
  /// against the requests of a whole one, at the moment of each charge.
  void check_budget() {
    std::erase_if(requests_, [this](Instant when) { return when <= now_ - 10s; });
    std::erase_if(charges_, [this](Instant when) { return when <= now_ - 9s; });
    const auto& budget = rig_.upstream.retry_budget;
    EXPECT_LE(charges_.size(), budget.percent.of(requests_.size()) + budget.min_retries);
  }

  /// A scheduled retry that did not begin: its charge is not spent.
  void give_back(const Live& one) {
    const auto charge = std::ranges::find(charges_, one.charged_at);
    if (charge != charges_.end()) {
      charges_.erase(charge);
    }
  }

  Rig rig_;
  Dice dice_;
  Instant now_ = at(0s);
  double fault_ = 0.3;
  std::vector<std::unique_ptr<Live>> live_;
  std::deque<Instant> requests_;
  std::deque<Instant> charges_;
  std::uint64_t trace_ = 0xcbf29ce484222325ULL;
};

}  // namespace fusegate::test
