// Any valid settings give whole sentences: nothing left to fill in, every fix said, every figure a
// number.
#include <fusegate/advice/advice.hpp>
#include <fusegate/advice/explain.hpp>
#include <fusegate/base/rng.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace fusegate::advice {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kSeed = 20261124;

/// Draws settings from their allowed ranges, the edges among them.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : rng_(seed) {}

  bool coin() { return rng_.uniform() < 0.5; }
  std::uint32_t count(std::uint32_t low, std::uint32_t high) {
    const double at = rng_.uniform();
    return at < 0.15   ? low
           : at > 0.95 ? high
                       : low + static_cast<std::uint32_t>(std::pow(rng_.uniform(), 3) *
                                                          static_cast<double>(high - low));
  }
  Duration time(Duration low, Duration high) {
    const double at = rng_.uniform();
    return at < 0.15   ? low
           : at > 0.95 ? high
                       : low + (rng_.between(0ms, high - low) / (1 << count(0, 20)));
  }
  Ratio share() { return Ratio::percent(coin() ? rng_.uniform() * 100 : count(0, 1) * 100); }

  void fill(config::RequestPolicy& policy) {
    policy.timeout = time(1ms, 24h);
    policy.retries = count(0, config::kRetriesMax);
    if (coin()) {
      policy.per_try_timeout = time(1ms, policy.retries > 0 ? policy.timeout : Duration{24h});
    }
    policy.idempotent = static_cast<policy::Idempotency>(count(0, 2));
    auto& retry = policy.retry;
    retry.on = {coin(), coin(), coin(), {}};
    for (std::uint32_t i = count(0, 40); i > 0; --i) {
      retry.on.statuses.set(300 + count(0, 299));
    }
    retry.response_headers.assign(count(0, 2), {"x-retry", "1"});
    retry.backoff = {static_cast<policy::BackoffKind>(count(0, 4)), time(0s, 1h), time(0s, 1h),
                     1.0 + count(0, 9), static_cast<policy::Jitter>(count(0, 2))};
    retry.adaptive = coin();
    retry.retry_after = {coin(), time(0s, 24h)};
    retry.max_body_replay = count(0, 1 << 30);
    policy.hedge.enabled = coin();
    policy.hedge.max_percent = share();
    if (coin()) {
      policy.hedge.after = time(1ms, 1h);
    }
    policy.fault.enabled = coin();
    policy.fault.abort_percent = share();
    policy.fault.delay_percent = share();
    policy.fault.reset_percent = share();
  }

  void fill(config::UpstreamConfig& upstream) {
    upstream.by_url = coin();
    upstream.endpoints.resize(upstream.by_url ? 1 : count(1, 1000));
    for (auto& endpoint : upstream.endpoints) {
      endpoint = coin() ? config::Endpoint{"a.b", 1, "", "a.b"} : config::Endpoint{"", 0, "/u", ""};
    }
    upstream.connect_timeout = time(1ms, 5min);
    upstream.connections = {count(1, 65'535), count(0, 65'535), time(1ms, 24h)};
    upstream.retry_budget = {share(), time(1s, 10min), count(0, 100'000)};
    auto& breaker = upstream.breaker;
    breaker.mode = static_cast<policy::BreakerMode>(count(0, 3));
    breaker.consecutive_failures = count(0, 10'000);
    breaker.failure_rate = {share(), count(1, 1'000'000), time(1s, 10min)};
    breaker.slow_rate = {share(), time(1ms, 1h)};
    breaker.open = {time(10ms, 1h), time(10ms, 24h), 1.0 + count(0, 9),
                    static_cast<policy::Jitter>(count(0, 2))};
    breaker.half_open = {count(1, 16), count(1, 1000)};
    breaker.ramp = {share(), time(0s, 1h)};
    upstream.ejection = {coin(), share()};
    upstream.concurrency = {count(1, 1'000'000), coin(), {count(0, 100'000), time(0s, 5min)}};
    if (coin()) {
      upstream.health_check = {"/x", time(100ms, 1h), time(1ms, 5min), count(1, 100),
                               count(1, 100)};
    }
  }

  void fill(config::RouteMatch& match) {
    match.path_kind = static_cast<config::PathMatch>(count(0, 2));
    match.path = coin() ? "/" : coin() ? "/a//b" : "/a";
    if (coin()) {
      match.methods = {"POST", "GET"};
    }
    if (coin()) {
      match.hosts = {"*.x"};
      match.headers = {{"x-a", "1"}};
    }
  }

  Assumptions assumptions() {
    Assumptions given;
    if (coin()) {
      given.rate = std::pow(10.0, rng_.uniform() * 12 - 6);
    }
    given.layers = count(1, 10);
    given.grace = time(0s, 24h);
    given.grace_stated = coin();
    return given;
  }

 private:
  Rng rng_;
};

void expect_whole(const std::string& sentence) {
  EXPECT_FALSE(sentence.empty());
  for (const char* rest : {"{}", "nan", "inf", "  ", " .", "-0"}) {
    EXPECT_EQ(sentence.find(rest), std::string::npos) << sentence;
  }
}

TEST(Sentences, AreWholeForAnySettings) {
  std::set<Code> seen;
  for (std::uint64_t round = 0; round < 3000; ++round) {
    SCOPED_TRACE("seed " + std::to_string(kSeed + round));
    Draw draw(kSeed + round);
    config::Config config;
    config.listeners.emplace_back().routes.resize(draw.count(0, 1));
    config.runtime.max_connections = draw.count(1, 1'000'000);
    config.limits.request_body = draw.count(0, 1 << 30);
    config.limits.replay_memory = draw.count(0, 1 << 30);
    config.shutdown = {draw.time(0s, 1h), draw.time(0s, 1h)};
    config.log.access.slow = draw.time(1ms, 24h);
    for (int i = 0; i < 2; ++i) {
      draw.fill(config.upstreams.emplace_back());
      auto& route = config.routes.emplace_back();
      route.upstream = static_cast<std::uint16_t>(draw.count(0, i));
      draw.fill(route.match);
      draw.fill(route.policy);
    }
    const auto given = draw.assumptions();
    for (const Finding& finding : advise(config, given)) {
      seen.insert(finding.code);
      expect_whole(finding.message);
      expect_whole(finding.fix);
      for (const Number& number : finding.numbers) {
        EXPECT_TRUE(std::isfinite(number.value)) << word(finding.code) << " " << number.name;
      }
    }
    for (std::uint16_t i = 0; i < 2; ++i) {
      const auto told = explain(config, i, given);
      for (const Topic& topic : told.topics) {
        for (const std::string& sentence : topic.sentences) {
          expect_whole(sentence);
          EXPECT_TRUE(sentence.ends_with('.')) << sentence;
        }
      }
    }
    if (HasFailure()) {
      return;
    }
  }
  EXPECT_GE(seen.size(), kCodes - 3);
}

}  // namespace
}  // namespace fusegate::advice
