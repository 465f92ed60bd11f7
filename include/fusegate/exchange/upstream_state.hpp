#pragma once

#include <fusegate/base/rng.hpp>
#include <fusegate/config/config.hpp>
#include <fusegate/exchange/endpoint_state.hpp>
#include <fusegate/exchange/upstream_memory.hpp>
#include <fusegate/policy/breaker.hpp>
#include <fusegate/policy/budget.hpp>
#include <fusegate/policy/concurrency.hpp>
#include <fusegate/policy/hedge.hpp>
#include <fusegate/policy/latency_quantile.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
  /// exceed `ejection.max_percent` or leave none. An ejected endpoint is only chosen as the probe
  /// that its machine asks for, and one that returns only for the share that its ramp allows; a
  /// machine's refusal never leaves a request without an endpoint.
  ///
  /// AllFull: every endpoint is at its limit. AllRefused: those that are not are ejected.
  /// An endpoint found without a permit is used outside its machine's judgement. `repeatable` and
  /// `lease` as in policy::Breaker::admit.
  Picked pick(const EndpointState* const* tried, std::size_t tried_count, bool repeatable,
              Duration lease, Instant now);

  /// Admission of one more attempt at an endpoint already chosen (the free reconnect).
  std::optional<policy::Permit> readmit(EndpointState& endpoint, bool repeatable, Duration lease,
                                        Instant now);
  /// Would a retry now find an endpoint in rotation that is not among `tried`?
  bool has_untried(const EndpointState* const* tried, std::size_t tried_count, Instant now) const;

  /// Settles an attempt with the upstream's breaker and the endpoint's machine.
  void settle(EndpointState& endpoint, std::optional<policy::Permit> endpoint_permit,
              std::optional<policy::Permit> breaker_permit, policy::Verdict verdict,
              Duration latency, std::optional<Duration> retry_after, Instant now);

  /// A response that had been settled as it began broke off: a failure after all.
  void settle_cut(EndpointState& endpoint, std::optional<policy::Permit> endpoint_permit,
                  std::optional<policy::Permit> breaker_permit, Instant now);

  /// An active check that should begin now. `epoch` tells endpoints of one name apart.
  struct DueCheck {
    std::string endpoint;
    std::uint32_t epoch = 0;
  };
  /// Starts the checks that are due, at most `limit`; the most overdue first.
  std::vector<DueCheck> start_checks(std::size_t limit, Instant now);
  struct CheckResult {
    policy::Health::Change change = policy::Health::Change::None;
    bool in_rotation = true;  ///< With WentDown: too many others are out already.
    std::uint32_t run = 0;    ///< Equal results in a row.
  };
  /// The end of a check; `problem` is empty when it was good. An endpoint that goes down leaves the
  /// rotation as an ejected one does, within the same limits, and returns through the ramp. Checks
  /// are no attempts: they say how one endpoint is, and do not count in windows, budgets or the
  /// breaker, which judges what real requests meet. Nothing happens for an endpoint that is gone.
  CheckResult finish_check(const DueCheck& check, std::string_view problem, Instant now);

  /// What should outlive the process.
  UpstreamMemory memory(Instant now);
  /// Goes on where `memory` stood, its times on this time line; before the first request. What it
  /// says about endpoints is used when they appear, until `expires`. False, and nothing changed,
  /// when an upstream of these settings cannot have been in that state.
  bool restore(UpstreamMemory memory, Instant expires, Instant now);

  /// A slot for a request, or a place in the queue. With `concurrency.adaptive` the limit of the
  /// upstream is the sum of its endpoints' limits, up to `max_in_flight`.
  policy::Limiter::Grant acquire(policy::Limiter::Waiter waiter, Instant now);
  /// An attempt ended without an answer: its time ran out, or its caller left.
  void on_drop(EndpointState& endpoint, Duration age, Instant now);
  void enter(EndpointState& endpoint, Instant now);   ///< An attempt begins there.
  void depart(EndpointState& endpoint, Instant now);  ///< It has ended.
  /// Attempts that `endpoint` may have in flight.
  std::uint32_t limit_of(const EndpointState& endpoint) const;

  void pin(EndpointState& endpoint) { ++endpoint.pins; }
  /// Destroys the endpoint when it is retired and this was its last pin.
  void unpin(EndpointState& endpoint);

  /// `retry.adaptive`: a backoff longer by the failed share of the breaker's window, so at most
  /// twice as long. Unchanged below the window's minimum volume. Chosen: an upstream in trouble
  /// gets its retries later and spread wider, and a healthy one is not slowed down.
  Duration lengthened(Duration backoff, Instant now);

  policy::Breaker& breaker() { return breaker_; }
  /// An operator's word about the upstream's breaker; see policy::Breaker::force.
  void force_breaker(policy::Forced how, Instant until, Instant now);
  policy::Budget& budget() { return budget_; }
  policy::Limiter& limiter() { return limiter_; }
  policy::HedgeShare& hedges() { return hedges_; }
  /// Answer times for `hedge.after: pN`; made at the first use of that quantile.
  policy::LatencyQuantile& latencies(std::uint32_t percent);
  Rng& rng() { return rng_; }
  const std::vector<std::unique_ptr<EndpointState>>& endpoints() const { return endpoints_; }

  /// Moves what only time moves; called about once a second and before each scrape.
  void tick(Instant now);
  /// Collects the transitions the machines have made; called after each use of a breaker.
  void drain_transitions(Instant now);
  void drain_breaker();  ///< The same for the upstream's breaker alone.

  /// Events kept for `/transitions`, and at most as many for a log that does not keep up.
  static constexpr std::size_t kHistoryMax = 200;
  /// For `/transitions`: the last `kHistoryMax` events, oldest first.
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
  bool wants_probe(const EndpointState& endpoint, Instant now) const;
  bool another_is_well(const EndpointState& endpoint) const;
  struct Choice;
  static std::uint32_t load_of(const void* choice, std::uint32_t index);
  std::uint32_t choose(const Choice& choice);
  /// Asks the endpoints usable in this pass, best first, until one's machine says yes.
  std::optional<Picked> search(const Choice& choice, bool repeatable, Duration lease);
  std::optional<policy::Permit> admit_endpoint(EndpointState& endpoint, bool repeatable,
                                               Duration lease, Instant now);
  /// Endpoints that may be out of rotation at once.
  std::uint32_t ejections_allowed() const;
  std::uint32_t ejected_now() const;
  void follow_ejection(EndpointState& endpoint, const policy::Transition& transition);
  void return_surplus();
  void take_out_again();
  bool may_restore(const EndpointMemory& memory, Instant now) const;
  void adopt_memory(EndpointState& endpoint, Instant now);
  void remember_last(std::string_view endpoint, const std::optional<policy::Transition>& last);
  void on_answer(EndpointState& endpoint, Duration latency, Instant now);
  void follow_limit(const EndpointState& endpoint, std::uint32_t before, Instant now);
  void update_limit(Instant now);
  bool ask_early(Instant now);
  std::uint32_t free_slot() const;
  void drain_endpoint(EndpointState& endpoint);
  void remember(std::string_view endpoint, const policy::Transition& transition);

  config::UpstreamConfig settings_;
  policy::BreakerSettings ejection_settings_;
  Rng rng_;
  policy::Breaker breaker_;
  policy::Budget budget_;
  policy::Limiter limiter_;
  policy::HedgeShare hedges_;
  std::vector<std::pair<std::uint32_t, policy::LatencyQuantile>> latencies_;
  std::vector<std::unique_ptr<EndpointState>> endpoints_;
  std::vector<std::unique_ptr<EndpointState>> retired_;  ///< Pinned, but not in use any more.
  std::deque<Event> history_;
  std::deque<Event> unlogged_;
  std::vector<EndpointMemory> awaited_;  ///< Of endpoints that have not appeared yet.
  Instant awaited_until_{};
  Counters counters_;
  Instant last_transition_;
  std::uint32_t next_epoch_ = 1;
  std::uint32_t next_round_robin_ = 0;
  std::uint32_t choice_number_ = 0;
};

}  // namespace fusegate::exchange
