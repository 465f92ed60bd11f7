#pragma once

#include <fusegate/base/rng.hpp>
#include <fusegate/config/config.hpp>
#include <fusegate/exchange/endpoint_state.hpp>
#include <fusegate/policy/breaker.hpp>
#include <fusegate/policy/budget.hpp>
#include <fusegate/policy/concurrency.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fusegate::exchange {

/// A transition of the upstream's breaker (endpoint empty) or of an endpoint's ejection.
struct Event {
  std::string endpoint;
  policy::Transition transition;
};

/// Everything the policies know about one upstream, shared by all its requests and all workers.
/// Not thread-safe: the driver holds the upstream's lock around every call.
class UpstreamState {
 public:
  UpstreamState(const config::UpstreamConfig& settings, std::uint64_t seed, Instant now);

  const config::UpstreamConfig& settings() const { return settings_; }

  /// Replaces the set of endpoints. Those that stay (same name) keep their state; those that left
  /// are retired and vanish when their last attempt ends. Duplicates are ignored.
  void set_endpoints(const std::vector<std::string>& names, Instant now);

  enum class Pick : std::uint8_t { Found, NoneKnown, AllFull, AllRefused };
  struct Picked {
    Pick pick = Pick::NoneKnown;
    EndpointState* endpoint = nullptr;
    std::optional<policy::Permit> permit;  ///< Of the endpoint's ejection machine, when it judges.
  };
  /// Chooses an endpoint by `balance`: not among `tried` while another is left, below
  /// `connections.max_per_endpoint`, and admitted by its ejection machine unless ejecting it would
  /// exceed `ejection.max_percent` or leave none.
  Picked pick(const EndpointState* const* tried, std::size_t tried_count, bool repeatable,
              Duration lease, Instant now);

  /// Settles an attempt with the upstream's breaker and the endpoint's machine.
  void settle(EndpointState& endpoint, std::optional<policy::Permit> endpoint_permit,
              std::optional<policy::Permit> breaker_permit, policy::Verdict verdict,
              Duration latency, std::optional<Duration> retry_after, Instant now);

  void pin(EndpointState& endpoint) { ++endpoint.pins; }
  void unpin(EndpointState& endpoint);

  policy::Breaker& breaker() { return breaker_; }
  policy::Budget& budget() { return budget_; }
  policy::Limiter& limiter() { return limiter_; }
  Rng& rng() { return rng_; }
  const std::vector<std::unique_ptr<EndpointState>>& endpoints() const { return endpoints_; }

  /// Moves what only time moves; called about once a second and before each scrape.
  void tick(Instant now);
  /// Collects the transitions the machines have made; called after each use of a breaker.
  void drain_transitions(Instant now);

  /// For `/transitions`: the last 200 events, oldest first.
  const std::deque<Event>& history() const { return history_; }
  /// For the log: the oldest event not yet taken.
  std::optional<Event> take_event();
  bool has_events() const { return !unlogged_.empty(); }

  struct Counters {
    /// [from][to][reason]
    std::array<std::array<std::array<std::uint64_t, kTransitionReasons>, kBreakerStates>,
               kBreakerStates>
        transitions{};
    std::array<Duration, kBreakerStates> time_in_state{};
    std::array<std::uint64_t, kTransitionReasons> ejections{};
  };
  /// `time_in_state` includes the running state up to `now`.
  Counters counters(Instant now) const;

  struct EndpointCounts {
    std::uint32_t healthy = 0, ejected = 0, probing = 0, ramping = 0;
  };
  EndpointCounts endpoint_counts() const;
  std::uint32_t attempts_in_flight() const;

 private:
  config::UpstreamConfig settings_;
  Rng rng_;
  policy::Breaker breaker_;
  policy::Budget budget_;
  policy::Limiter limiter_;
  std::vector<std::unique_ptr<EndpointState>> endpoints_;
  std::vector<std::unique_ptr<EndpointState>> retired_;
  std::deque<Event> history_;
  std::deque<Event> unlogged_;
  Counters counters_;
  Instant last_transition_;
  std::uint32_t next_epoch_ = 1;
  std::uint32_t next_round_robin_ = 0;
};

}  // namespace fusegate::exchange
