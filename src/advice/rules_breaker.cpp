// Breakers that never open, endpoints that never leave, and settings that nothing reads.
#include "advice/rules.hpp"

#include <algorithm>

namespace fusegate::advice {
namespace {

using policy::BreakerMode;

/// Does the machine of the upstream open by counting? `shed` throttles by shares instead.
bool counts(BreakerMode mode) { return mode == BreakerMode::Open || mode == BreakerMode::Shadow; }

void never_opens(const Study& study, const UpstreamView& view) {
  const auto& breaker = view.upstream.breaker;
  const bool by_something = breaker.consecutive_failures > 0 ||
                            breaker.failure_rate.threshold.millionths > 0 ||
                            breaker.slow_rate.threshold.millionths > 0;
  if (!by_something) {
    study.add(Code::BreakerNeverOpens, Section::Upstream, view.index,
              {"breaker.failure_rate.threshold", "breaker.consecutive_failures"},
              "neither a run of failures nor a rate opens it, so it only counts",
              "write consecutive_failures: 5, or mode: off");
  }
}

void volume(const Study& study, const UpstreamView& view) {
  const auto& breaker = view.upstream.breaker;
  const bool by_rate =
      breaker.failure_rate.threshold.millionths > 0 || breaker.slow_rate.threshold.millionths > 0;
  const double needed = breaker_rate(breaker);
  const auto stated = study.rate_of(view.upstream);
  // Failed requests come with retries, as far as the budget goes.
  double factor = 1;
  for (const auto* policy : view.policies) {
    factor = std::max(factor, load_factor(*policy, view.upstream.retry_budget, stated));
  }
  const bool alone = breaker.consecutive_failures == 0;
  const bool unreachable = stated ? *stated * factor < needed : alone && needed > kPlausibleRate;
  if (!by_rate || !unreachable) {
    return;
  }
  const auto& rate = breaker.failure_rate;
  Numbers numbers{{"min_requests", rate.min_requests},
                  {"window_ms", milliseconds(rate.window)},
                  {"needed_per_s", needed}};
  if (stated) {
    numbers.push_back({"rate_per_s", *stated});
    numbers.push_back({"attempts_per_s", *stated * factor});
  }
  const auto measured = stated ? fill("{} requests/s make {} attempts/s at most", plain(*stated),
                                      plain(*stated * factor))
                               : std::string("few upstreams get that much through one sidecar");
  study
      .add(Code::BreakerVolumeUnreachable, Section::Upstream, view.index,
           {"breaker.failure_rate.min_requests", "breaker.failure_rate.window"},
           fill("{} results within {} take {} attempts/s, and {}: {}", rate.min_requests,
                plain(rate.window), plain(needed), measured,
                alone ? std::string("the breaker never opens")
                      : fill("no rate ever opens it, only {} in a row",
                             count_of(breaker.consecutive_failures, "failure", "failures"))),
           "lower min_requests, or lengthen the window", std::move(numbers))
      .stated = stated.has_value();
}

/// Shedding has no other rule: with too few results it refuses nothing.
void shed_volume(const Study& study, const UpstreamView& view) {
  const auto& rate = view.upstream.breaker.failure_rate;
  const double needed = breaker_rate(view.upstream.breaker);
  const auto stated = study.rate_of(view.upstream);
  if (stated ? *stated >= needed : needed <= kPlausibleRate) {
    return;
  }
  study
      .add(Code::BreakerVolumeUnreachable, Section::Upstream, view.index,
           {"breaker.failure_rate.min_requests", "breaker.failure_rate.window"},
           fill("{} requests within {} take {} a second, and {}: nothing is ever shed",
                rate.min_requests, plain(rate.window), plain(needed),
                stated ? fill("there are {}", plain(*stated))
                       : std::string("few upstreams get that many through one sidecar")),
           "lower min_requests, or lengthen the window",
           {{"min_requests", rate.min_requests},
            {"window_ms", milliseconds(rate.window)},
            {"needed_per_s", needed}})
      .stated = stated.has_value();
}

void slow_rate(const Study& study, const UpstreamView& view) {
  const auto& slow = view.upstream.breaker.slow_rate;
  Duration longest{};
  for (const auto* policy : view.policies) {
    longest = std::max(longest, longest_try(*policy));
  }
  if (slow.threshold.millionths == 0 || view.policies.empty() || slow.slower_than < longest) {
    return;
  }
  study.add(
      Code::SlowRateUnreachable, Section::Upstream, view.index,
      {"breaker.slow_rate.slower_than", "breaker.slow_rate.threshold"},
      fill("no attempt is slower than {}: it ends after {} at the latest", plain(slow.slower_than),
           plain(longest)),
      "make it shorter than a try",
      {{"slower_than_ms", milliseconds(slow.slower_than)}, {"try_ms", milliseconds(longest)}});
}

void ramp(const Study& study, const UpstreamView& view) {
  const auto& ramp = view.upstream.breaker.ramp;
  if (ramp.over <= Duration::zero()) {
    study.dead(Code::RampWithoutEffect, Section::Upstream, view.index, "breaker.ramp.from",
               "over is 0s, so all traffic returns at once and no share is let through before",
               "leave it out, or give the ramp a time");
  } else if (ramp.from >= Ratio::percent(100)) {
    study.add(Code::RampWithoutEffect, Section::Upstream, view.index, {"breaker.ramp.from"},
              fill("a ramp that begins at {} lets everything through at once, not over {}",
                   plain(ramp.from), plain(ramp.over)),
              "write from: 10%, or over: 0s");
  }
}

/// Settings that neither this mode nor a machine of an endpoint reads.
void unread(const Study& study, const UpstreamView& view) {
  const auto mode = view.upstream.breaker.mode;
  Keys keys;
  switch (mode) {
    case BreakerMode::Open:
    case BreakerMode::Shadow:
      return;
    case BreakerMode::Off:
      // The throttle of `shed` reads these three.
      keys = {"breaker.failure_rate.min_requests", "breaker.failure_rate.window",
              "breaker.open.initial"};
      [[fallthrough]];
    case BreakerMode::Shed:
      for (const std::string_view key :
           {"breaker.consecutive_failures", "breaker.failure_rate.threshold",
            "breaker.slow_rate.threshold", "breaker.slow_rate.slower_than", "breaker.open.max",
            "breaker.open.factor", "breaker.open.jitter", "breaker.half_open.probes",
            "breaker.half_open.successes", "breaker.ramp.from", "breaker.ramp.over"}) {
        keys.push_back(key);
      }
      break;
  }
  for (const std::string_view key : keys) {
    study.dead(Code::BreakerSettingUnused, Section::Upstream, view.index, key,
               fill("breaker.mode is {} and no endpoint can be ejected, so nothing reads it",
                    mode == BreakerMode::Off ? "off" : "shed"),
               "leave it out, or write mode: open");
  }
}

}  // namespace

void study_breaker(const Study& study, const UpstreamView& view) {
  const auto mode = view.upstream.breaker.mode;
  if (!judges_endpoints(view.upstream)) {
    unread(study, view);
  }
  if (counts(mode)) {
    never_opens(study, view);
    volume(study, view);
  } else if (mode == BreakerMode::Shed) {
    shed_volume(study, view);
  }
  if (counts(mode) || judges_endpoints(view.upstream)) {
    slow_rate(study, view);
    ramp(study, view);
  }
}

void study_ejection(const Study& study, const UpstreamView& view) {
  const auto& ejection = view.upstream.ejection;
  const auto endpoints = listed_endpoints(view.upstream);
  const auto without_effect = [&](std::string_view key, std::string message) {
    study.dead(Code::EjectionWithoutEffect, Section::Upstream, view.index, key, std::move(message),
               "leave it out, or list more endpoints");
  };
  if (!ejection.enabled && !view.upstream.health_check) {
    without_effect("ejection.max_percent", "ejection is not enabled");
    return;
  }
  if (endpoints == 1) {
    for (const std::string_view key : {"ejection.enabled", "ejection.max_percent"}) {
      without_effect(key, "there is one endpoint, and the last is never ejected");
    }
    return;
  }
  if (endpoints && ejectable(view.upstream, *endpoints) == 0) {
    const auto least = (100 + *endpoints - 1) / *endpoints;
    study.add(Code::EjectionRoundsToNone, Section::Upstream, view.index, {"ejection.max_percent"},
              fill("{} of {} endpoints is less than one, so none is ever ejected",
                   plain(ejection.max_percent), *endpoints),
              fill("write max_percent: {}% or more", least),
              {{"max_percent", ejection.max_percent.value() * 100}, {"endpoints", *endpoints}});
  }
}

void study_health(const Study& study, const UpstreamView& view) {
  const auto& check = view.upstream.health_check;
  if (!check) {
    return;
  }
  if (listed_endpoints(view.upstream) == 1) {
    study.dead(Code::HealthCheckWithoutEffect, Section::Upstream, view.index, "health_check",
               "there is one endpoint, and the last never leaves the rotation, whatever the checks "
               "find",
               "write off, or list more endpoints");
  }
  if (check->timeout > check->interval) {
    const Duration noticed = check->timeout * check->unhealthy;
    study.add(Code::HealthCheckSlow, Section::Upstream, view.index, {"health_check"},
              fill("a check may take {}, longer than the interval of {}: one that hangs delays the "
                   "next, so {} take up to {}",
                   plain(check->timeout), plain(check->interval),
                   count_of(check->unhealthy, "bad check", "bad checks"), plain(noticed)),
              "make timeout shorter than interval",
              {{"timeout_ms", milliseconds(check->timeout)},
               {"interval_ms", milliseconds(check->interval)},
               {"noticed_ms", milliseconds(noticed)}});
  }
}

}  // namespace fusegate::advice
