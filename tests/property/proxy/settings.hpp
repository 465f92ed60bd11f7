#pragma once

#include <fusegate/config/config.hpp>

#include "support/dice.hpp"

#include <array>
#include <chrono>
#include <memory>

/// Settings of a scripted world: everything that decides is on, within small bounds.
namespace fusegate::test {

using namespace std::chrono_literals;

inline constexpr const char* kSpareBody = "spare";

inline void choose_policy(config::RequestPolicy& policy, Dice& dice) {
  policy.timeout = dice.below(2) == 0 ? 500ms : 15s;
  policy.retries = static_cast<std::uint32_t>(dice.below(4));
  policy.retry.max_body_replay = dice.below(2) == 0 ? 2000 : 64 * 1024;
  policy.hedge.enabled = dice.below(2) == 0;
  policy.hedge.after = 20ms;
  policy.hedge.max_percent = Ratio::percent(100);
  const auto faults = dice.below(8);
  policy.fault.enabled = faults < 2;
  policy.fault.abort_percent = Ratio::percent(faults == 0 ? 30 : 0);
  policy.fault.reset_percent = Ratio::percent(faults == 0 ? 30 : 0);
  policy.fault.delay_percent = Ratio::percent(faults == 0 ? 50 : 0);
  policy.fault.delay = 30ms;
  auto& fallback = policy.fallback;
  fallback.kind = static_cast<config::Fallback::Kind>(dice.below(3));
  fallback.upstream = 1;
  fallback.upstream_name = "spare";
  fallback.body = kSpareBody;
}

inline void choose_upstream(config::UpstreamConfig& upstream, Dice& dice) {
  constexpr std::array<std::uint32_t, 4> kSlots{1, 2, 3, 1024};
  upstream.connections.max_idle = static_cast<std::uint32_t>(dice.below(3));
  upstream.connections.idle_timeout = dice.below(2) == 0 ? 1s : 30s;
  upstream.connections.max_per_endpoint = kSlots[dice.below(4)];
  upstream.concurrency.max_in_flight = kSlots[dice.below(4)];
  upstream.concurrency.adaptive = dice.below(2) == 0;
  upstream.concurrency.queue.length = static_cast<std::uint32_t>(dice.below(4));
  upstream.breaker.consecutive_failures = static_cast<std::uint32_t>(2 + dice.below(6));
  upstream.retry_budget.percent = Ratio::percent(100);
  upstream.retry_budget.min_retries = static_cast<std::uint32_t>(dice.below(12));
}

/// One listener, one route to the first of two upstreams, and times that a script passes soon.
inline std::shared_ptr<config::Config> base_config() {
  auto config = std::make_shared<config::Config>();
  config->listeners.emplace_back();
  config->limits.head_timeout = 2s;
  config->limits.keepalive_timeout = 5s;
  config->limits.body_timeout = 3s;
  config->limits.request_head = config->limits.response_head = 8192;
  config->log.level = config::LogLevel::Error;
  config->upstreams.resize(2);
  config->upstreams[0].name = "main";
  config->upstreams[1].name = "spare";
  for (auto& upstream : config->upstreams) {
    upstream.endpoints = {{.host = "a", .port = 80, .path = {}, .authority = "a"}};
  }
  config->routes.resize(1);
  config->routes[0].name = "all";
  config->routes[0].policy.retry.backoff.jitter = policy::Jitter::None;
  return config;
}

inline config::ConfigPtr choose_config(Dice& dice) {
  auto config = base_config();
  if (dice.below(2) == 0) {
    config->listeners[0].trust = {{.v6 = false, .bytes = {127}, .prefix = 8}};
  }
  config->limits.request_body = dice.below(4) == 0 ? 15'000 : 0;
  config->limits.replay_memory = dice.below(4) == 0 ? 20'000 : 1 << 20;
  choose_policy(config->routes[0].policy, dice);
  for (auto& upstream : config->upstreams) {
    choose_upstream(upstream, dice);
  }
  return config;
}

}  // namespace fusegate::test
