#pragma once

#include <fusegate/policy/breaker.hpp>

#include <vector>

namespace fusegate::policy {

/// The default settings without jitter, so that a test can name every time exactly.
inline BreakerSettings exact_settings() {
  BreakerSettings settings;
  settings.open.jitter = Jitter::None;
  return settings;
}

/// A breaker with its own time, which only `pass` moves.
struct BreakerRig {
  explicit BreakerRig(const BreakerSettings& settings = exact_settings(), std::uint64_t seed = 1)
      : breaker(settings, Instant{}), rng(seed) {}

  Admission admit(bool repeatable = true, Duration lease = std::chrono::seconds{1}) {
    return breaker.admit(repeatable, lease, rng, now);
  }

  void settle(Permit permit, Verdict verdict, Duration latency = {},
              std::optional<Duration> retry_after = {}) {
    breaker.settle(permit, verdict, latency, retry_after, rng, now);
  }

  /// One attempt that takes no time. False when it was refused.
  bool attempt(Verdict verdict) {
    const Admission admission = admit();
    if (admission.permit) {
      settle(*admission.permit, verdict);
    }
    return admission.permit.has_value();
  }

  void attempts(int count, Verdict verdict) {
    for (int i = 0; i < count; ++i) {
      attempt(verdict);
    }
  }

  void pass(Duration duration) { now += duration; }

  BreakerState state() {
    breaker.tick(rng, now);
    return breaker.state();
  }

  /// Five failures on a fresh breaker; it is open afterwards.
  void trip() { attempts(5, Verdict::Failure); }

  void reach_half_open() {
    trip();
    now = breaker.open_until();
    breaker.tick(rng, now);
  }

  void reach_ramp() {
    reach_half_open();
    attempts(3, Verdict::Success);
  }

  void reach_closed_again() {
    reach_ramp();
    pass(std::chrono::seconds{10});
    breaker.tick(rng, now);
  }

  std::vector<Transition> transitions() {
    std::vector<Transition> all;
    while (const auto next = breaker.take_transition()) {
      all.push_back(*next);
    }
    return all;
  }

  Breaker breaker;
  Rng rng;
  Instant now{};
};

}  // namespace fusegate::policy
