#pragma once

#include <fusegate/base/ratio.hpp>
#include <fusegate/base/rng.hpp>
#include <fusegate/base/time.hpp>
#include <fusegate/base/vocabulary.hpp>
#include <fusegate/policy/backoff.hpp>
#include <fusegate/policy/rolling_window.hpp>
#include <fusegate/policy/throttle.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fusegate::policy {

enum class BreakerMode : std::uint8_t {
  Open,    ///< Refuses while open.
  Shed,    ///< Never opens; refuses the share that its `Throttle` says.
  Shadow,  ///< Moves and counts as `Open` would and refuses nothing.
  Off,
};
/// The word in configuration, metrics and pages.
std::string_view word(BreakerMode mode);

/// An operator's word, which stands above the mode: also a breaker that is off can be forced open.
enum class Forced : std::uint8_t {
  No,
  Open,    ///< Refuses everything; state ForcedOpen.
  Closed,  ///< Refuses nothing; state Disabled, for that is what it then is.
};
/// "auto", "open" or "close": the word an operator says.
std::string_view word(Forced forced);

/// Source of the defaults: Finagle and Linkerd for "ratio or consecutive", Polly for 5 s, Linkerd
/// for the exponential wait up to 60 s and the single probe, Traefik for the linear ramp.
struct BreakerSettings {
  BreakerMode mode = BreakerMode::Open;
  std::uint32_t consecutive_failures = 5;  ///< 0 = not by this.
  struct FailureRate {
    Ratio threshold = Ratio::percent(50);  ///< 0 = not by this.
    std::uint32_t min_requests = 20;
    Duration window = std::chrono::seconds{10};
    bool operator==(const FailureRate&) const = default;
  } failure_rate;
  struct SlowRate {
    Ratio threshold{};  ///< 0 = not by this.
    Duration slower_than = std::chrono::seconds{1};
    bool operator==(const SlowRate&) const = default;
  } slow_rate;
  struct OpenTime {
    Duration initial = std::chrono::seconds{5};
    Duration max = std::chrono::seconds{60};
    double factor = 2.0;
    Jitter jitter = Jitter::Equal;
    bool operator==(const OpenTime&) const = default;
  } open;
  struct HalfOpen {
    std::uint32_t probes = 1;     ///< Probes in flight at once, 1 to 16.
    std::uint32_t successes = 3;  ///< Successful probes needed before traffic returns.
    bool operator==(const HalfOpen&) const = default;
  } half_open;
  struct Ramp {
    Ratio from = Ratio::percent(10);
    Duration over = std::chrono::seconds{10};
    bool operator==(const Ramp&) const = default;
  } ramp;
  bool operator==(const BreakerSettings&) const = default;
};

/// What an attempt says about the health of the upstream.
enum class Verdict : std::uint8_t {
  Success,
  Failure,
  Overload,  ///< 429: counts in the failure rate, not in the run of failures.
  Ignored,   ///< Local refusal, cancelled, client gone: says nothing, but gives a probe back.
};

/// The right to make one attempt. Given back exactly once through `settle`.
struct Permit {
  std::uint32_t generation = 0;
  std::uint32_t probe = 0;  ///< Number of the probe's lease; 0 = an ordinary attempt.
  bool operator==(const Permit&) const = default;
};

struct Admission {
  std::optional<Permit> permit;  ///< Empty = refused.
  Instant retry_at{};  ///< When refused: the earliest time at which asking again is useful.
  bool shed = false;   ///< Refused by the throttle: others are let through at this moment.
};

struct Transition {
  BreakerState from{};
  BreakerState to{};
  TransitionReason reason{};
  Instant at{};
  bool operator==(const Transition&) const = default;
};

/// The longest that a Retry-After may keep a breaker open, whatever the settings say.
constexpr Duration kBreakerHoldMax = std::chrono::seconds{60};

/// A circuit breaker; the same machine ejects single endpoints. Its life is drawn in breaker.cpp,
/// what the modes change is in breaker_modes.cpp.
///
/// What opens it while closed, each judged when a failed (or slow) attempt is settled:
/// - a run of failures that is improbable at the rate seen before it. With k = failures in a row
/// and
///   rate = the failed share of the window without the run: `k >= consecutive_failures` and
///   `rate^k <= 1e-6`; with fewer than `min_requests` other attempts, k alone decides. A plain
///   five-in-a-row rule opens every few seconds at 30 % random failures and 200 requests a second.
/// - `failure_rate` or `slow_rate` reaching its threshold over `min_requests` or more attempts.
/// While ramping up the same rules hold, the rates from five attempts on.
///
/// An overload (429) counts as failed in the rate; it neither lengthens the run of failures nor
/// ends it, because it shows an upstream that answers but not one that works. As the answer to a
/// probe it keeps the breaker shut.
///
/// Not thread-safe: the owner serialises the calls. `now` must not go backwards; a late or repeated
/// call is harmless, and what only time moves is dated to when it was due, not to when somebody
/// looked. Results of an older generation never move the state. O(1); no allocation.
class Breaker {
 public:
  Breaker(const BreakerSettings& settings, Instant now);

  /// May one attempt be made at `now`?
  ///
  /// Half-open: at most `half_open.probes` leases at a time; for the first second only `repeatable`
  /// requests are taken as probes, so that a POST is not sacrificed. A lease that is not settled
  /// before `now + lease` counts as a failed probe (never a wedge), so `lease` should be a little
  /// longer than the time limit of the attempt.
  /// Ramp: a share growing linearly from `ramp.from` to all of the calls.
  Admission admit(bool repeatable, Duration lease, Rng& rng, Instant now);

  /// The result of an admitted attempt, with its latency and, on a 503, the `Retry-After` it
  /// carried. If the run of failures it belongs to opens the breaker, it stays open at least until
  /// then, up to 60 s.
  void settle(Permit permit, Verdict verdict, Duration latency, std::optional<Duration> retry_after,
              Rng& rng, Instant now);

  /// A fault seen after the attempt had been settled as a success (a body that broke off). It takes
  /// the place of that success: the attempt is not counted twice, and a run of failures which the
  /// success had just ended goes on.
  void record_failure(Permit permit, Rng& rng, Instant now);

  /// Moves what only time moves (an elapsed wait, lost probes, a finished ramp, a forced state's
  /// end).
  void tick(Rng& rng, Instant now);

  /// Something that knows better (a health check) takes it out: ForcedOpen, until `let_back`.
  void take_out(TransitionReason reason, Instant now);
  /// The way back is the ramp; from there the breaker goes on as its mode says. Does nothing to one
  /// that was not taken out.
  void let_back(TransitionReason reason, Instant now);

  /// Somebody has no other place to go: an open breaker asks for its probe now, unless a
  /// Retry-After holds it. A probe that fails then does not make the next wait longer.
  void hasten(Instant now);

  /// What has to outlive the process. Leases are left out: whoever held them is gone.
  struct Snapshot {
    BreakerState state{};
    Instant since{};
    Instant open_until{};  ///< Only while open; otherwise of no meaning.
    Instant hold_until{};  ///< The epoch = none.
    std::uint32_t run = 0;
    std::uint32_t ended_run = 0;
    std::uint32_t opened = 0;
    std::uint32_t successes = 0;
    Forced forced = Forced::No;
    Instant forced_until{};  ///< Only while forced; `kNever` = until the next word.
    Instant last_shed{};     ///< The epoch = never.
    RollingWindow::Snapshot window;
    std::optional<Throttle::Snapshot> throttle;  ///< In shed mode.
    bool operator==(const Snapshot&) const = default;
  };
  Snapshot snapshot(Instant now);
  /// Goes on where `snapshot` stood, with its times on this time line; no transition is recorded.
  /// False, and nothing changed, when no breaker of these settings can have been in that state.
  /// Only before the first permit.
  bool restore(const Snapshot& snapshot, Instant now);

  /// Takes the state out of the rules' hands until `until` (`kNever` = until the next call), or
  /// gives it back. Judging then begins anew: an empty window, the first open time. Repeating it
  /// only moves `until`.
  void force(Forced how, Instant until, Rng& rng, Instant now);
  Forced forced() const { return forced_; }
  Instant forced_until() const { return forced_until_; }  ///< Only meaningful while forced.

  /// Set when every call at `now` would be refused: the time to ask again.
  std::optional<Instant> refuses_until(Instant now) const;

  BreakerState state() const { return state_; }
  Instant since() const { return since_; }
  /// When an open breaker will admit a probe; the epoch of the time line when it is not open.
  Instant open_until() const { return state_ == BreakerState::Open ? open_until_ : Instant{}; }
  /// Attempts in the window; `failed` is never more than `total`. While open it shows what is left
  /// of the window that opened it.
  RollingWindow::Counts window(Instant now);
  std::uint32_t consecutive_failures() const { return run_; }
  std::uint32_t probes_in_flight() const;
  std::uint32_t generation() const { return generation_; }
  /// The share of calls admitted at `now`, 0 to 1; probes do not count. In shadow mode the share
  /// that would be.
  double admitted_share(Instant now) const;
  /// In shadow mode: calls so far that would have been refused.
  std::uint64_t would_have_refused() const { return would_have_refused_; }

  /// The oldest transition not yet taken. The owner drains them after each call; at most
  /// `kPendingMax` are kept, the newest (a single call makes at most three).
  std::optional<Transition> take_transition();

  /// Successful, failed and lost probes so far. A probe whose body broke off after its success is
  /// in both counts; one that another probe's failure has overtaken is in none.
  struct ProbeCounts {
    std::uint64_t ok = 0;
    std::uint64_t failed = 0;
    std::uint64_t lost = 0;
  };
  const ProbeCounts& probes() const { return probe_counts_; }

 private:
  static constexpr std::size_t kPendingMax = 8;
  static constexpr std::size_t kLeasesMax = 16;
  struct Lease {
    std::uint32_t number = 0;  ///< 0 = free.
    Instant expires{};
  };

  BreakerState home() const;
  bool is_possible(const Snapshot& snapshot, Instant now) const;
  void move(BreakerState to, TransitionReason reason, Instant at);
  void enter(BreakerState to, TransitionReason reason, Instant at);
  void open(TransitionReason reason, Rng& rng, Instant at);
  bool step(Rng& rng, Instant now);
  bool lose_probe(Rng& rng, Instant now);

  // breaker_modes.cpp
  void release(Instant at);
  Admission admit_share(Rng& rng, Instant now);
  bool calm_down(Instant now);
  void tell_throttle(Verdict verdict, Duration latency, Instant now);

  Admission judge(bool repeatable, Duration lease, Rng& rng, Instant now);
  Admission admit_probe(bool repeatable, Duration lease, Instant now);
  Lease* find_lease(std::uint32_t number);
  void settle_probe(std::uint32_t probe, Verdict verdict, Rng& rng, Instant now);
  void settle_attempt(Verdict verdict, bool slow, Rng& rng, Instant now);
  void hold(std::optional<Duration> retry_after, Instant now);

  void open_if_tripped(Rng& rng, Instant now);
  std::optional<TransitionReason> trip_reason(Instant now);
  bool run_is_improbable(const RollingWindow::Counts& seen) const;

  BreakerSettings settings_;
  RollingWindow window_;
  BreakerState state_ = BreakerState::Closed;
  Instant since_;
  Instant open_until_{};
  Instant hold_until_{};          ///< The latest Retry-After of the run; the epoch = none.
  std::uint32_t generation_ = 1;  ///< 0 is the permit without a vote.
  std::uint32_t run_ = 0;         ///< Failures in a row.
  std::uint32_t ended_run_ = 0;   ///< The run that the latest success ended.
  std::uint32_t opened_ = 0;      ///< Exponent of the open time.
  std::uint32_t successes_ = 0;
  std::uint32_t next_lease_ = 1;
  std::array<Lease, kLeasesMax> leases_{};
  ProbeCounts probe_counts_;
  std::array<Transition, kPendingMax> pending_{};  ///< A ring; `pending_head_` is the oldest.
  std::size_t pending_head_ = 0;
  std::size_t pending_count_ = 0;
  Forced forced_ = Forced::No;
  Instant forced_until_{};
  std::optional<Throttle> throttle_;  ///< Only in shed mode.
  Instant last_shed_{};
  std::uint64_t would_have_refused_ = 0;
};

}  // namespace fusegate::policy
