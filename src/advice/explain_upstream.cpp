// When the upstream, or one of its endpoints, is left alone.
#include "advice/explain.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace fusegate::advice {
namespace {

using policy::BreakerMode;
using policy::BreakerSettings;
using policy::Jitter;

/// The k-th time it opens (from 0), before jitter.
Duration open_time(const BreakerSettings::OpenTime& open, unsigned k) {
  const double factor = std::pow(open.factor, k);
  const double wait = static_cast<double>(open.initial.count()) * factor;
  return wait < static_cast<double>(open.max.count()) ? Duration{static_cast<Duration::rep>(wait)}
                                                      : open.max;
}

/// "2.5s to 5s", the span that jitter leaves.
std::string span(Jitter jitter, Duration base) {
  switch (jitter) {
    case Jitter::Full:
      return fill("up to {}", plain(base));
    case Jitter::Equal:
      return fill("{} to {}", plain(base / 2), plain(base));
    case Jitter::None:
      break;
  }
  return plain(base);
}

std::string ordinal(unsigned number) {
  const unsigned last = number % 10;
  const bool teen = number % 100 / 10 == 1;
  return fill("{}{}", number,
              teen || last == 0 || last > 3 ? "th"
              : last == 1                   ? "st"
              : last == 2                   ? "nd"
                                            : "rd");
}

/// The rules that open a machine, as parts of one sentence.
std::vector<std::string> rules(const BreakerSettings& breaker) {
  std::vector<std::string> result;
  if (breaker.consecutive_failures > 0) {
    const auto at_tenth = failures_in_a_row(breaker, 0.1).value_or(0);
    const auto at_half = failures_in_a_row(breaker, 0.5).value_or(0);
    result.push_back(fill("{} in a row ({} if 10% failed before them, {} if 50% did)",
                          count_of(breaker.consecutive_failures, "failure", "failures"), at_tenth,
                          at_half));
  }
  const auto& rate = breaker.failure_rate;
  const auto of = fill("of at least {} attempts in {}", rate.min_requests, plain(rate.window));
  if (rate.threshold.millionths > 0) {
    result.push_back(fill("{} failures {}", plain(rate.threshold), of));
  }
  if (breaker.slow_rate.threshold.millionths > 0) {
    result.push_back(fill("{} {} slower than {}", plain(breaker.slow_rate.threshold), of,
                          plain(breaker.slow_rate.slower_than)));
  }
  return result;
}

Sentences recovery(const BreakerSettings& breaker, Explanation& out) {
  const auto& open = breaker.open;
  out.numbers.emplace_back("open_first_ms", milliseconds(open_time(open, 0)));
  out.numbers.emplace_back("open_longest_ms", milliseconds(open.max));
  out.numbers.emplace_back("ramp_ms", milliseconds(breaker.ramp.over));
  unsigned steps = 0;
  while (steps < 64 && open.factor > 1 && open_time(open, steps) < open.max) {
    ++steps;
  }
  Sentences result;
  result.push_back(
      fill("Open for {}{}.", span(open.jitter, open_time(open, 0)),
           steps == 0 ? std::string()
                      : fill(", {} times as long each time it opens again, {} from "
                             "the {} time on",
                             plain(open.factor), span(open.jitter, open.max), ordinal(steps + 1))));
  const bool ramps = breaker.ramp.over > Duration::zero();
  result.push_back(fill("Then {} at a time; after {} {}.",
                        count_of(breaker.half_open.probes, "probe", "probes"),
                        count_of(breaker.half_open.successes, "success", "successes"),
                        ramps ? fill("{} of the requests pass, growing to all over {}",
                                     plain(breaker.ramp.from), plain(breaker.ramp.over))
                              : std::string("all requests pass")));
  result.push_back(
      fill("So an upstream that is well again has all its traffic back after {} at "
           "most, and the time of the probes.",
           plain(open.max + breaker.ramp.over)));
  return result;
}

std::string_view while_open(BreakerMode mode) {
  return mode == BreakerMode::Shadow
             ? "It only reports: nothing is refused (shadow)."
             : "Meanwhile requests are answered at once with 503 and Retry-After (breaker_open).";
}

/// How many of some counts of endpoints may be out, for a name whose addresses nobody knows yet.
std::string ejection_table(const config::UpstreamConfig& upstream) {
  std::vector<std::string> parts;
  for (const std::uint32_t count : {2U, 3U, 4U, 5U, 10U}) {
    parts.push_back(fill("{} of {}", ejectable(upstream, count), count));
  }
  return listed(parts);
}

}  // namespace

Sentences explain_breaker(const Subject& subject, Explanation& out) {
  const auto& breaker = subject.upstream.breaker;
  switch (breaker.mode) {
    case BreakerMode::Off:
      return {"None (mode is off)."};
    case BreakerMode::Shed:
      out.numbers.emplace_back("breaker_needed_per_s", breaker_rate(breaker));
      return {fill("Sheds when more requests fail than succeed: about twice what the upstream "
                   "answers well is let through, and one a second in any case; the others get 503 "
                   "at once (breaker_shed)."),
              fill("It judges by at least {} requests in {}, so from {} requests/s on.",
                   breaker.failure_rate.min_requests, plain(breaker.failure_rate.window),
                   plain(breaker_rate(breaker)))};
    case BreakerMode::Open:
    case BreakerMode::Shadow:
      break;
  }
  const auto opened_by = rules(breaker);
  if (opened_by.empty()) {
    return {"Never opens: no rule is left."};
  }
  const double needed = breaker_rate(breaker);
  out.numbers.emplace_back("breaker_needed_per_s", needed);
  Sentences result{fill("Opens by {}.", listed(opened_by, "or"))};
  const bool by_rate =
      breaker.failure_rate.threshold.millionths > 0 || breaker.slow_rate.threshold.millionths > 0;
  if (by_rate) {
    result.push_back(fill("The rate counts from {} attempts/s on.", plain(needed)));
  }
  if (subject.rate && breaker.consecutive_failures > 0) {
    const double seconds = breaker.consecutive_failures / *subject.rate;
    out.numbers.emplace_back("open_after_ms", seconds * 1000);
    result.push_back(
        fill("At {} requests/s a dead upstream opens it within {}.", plain(*subject.rate),
             plain(Duration{static_cast<Duration::rep>(std::min(seconds, 1e9) * 1e9)})));
  }
  result.emplace_back(while_open(breaker.mode));
  const auto more = recovery(breaker, out);
  result.insert(result.end(), more.begin(), more.end());
  return result;
}

Sentences explain_ejection(const Subject& subject, Explanation& out) {
  const auto& ejection = subject.upstream.ejection;
  const auto count = listed_endpoints(subject.upstream);
  if (!ejection.enabled) {
    return {"None: a failing endpoint keeps its share (ejection is not enabled)."};
  }
  if (count == 1) {
    return {"None: there is one endpoint, and the last is never left out."};
  }
  const bool shown = subject.upstream.breaker.mode == BreakerMode::Open ||
                     subject.upstream.breaker.mode == BreakerMode::Shadow;
  const auto by = shown ? std::string("by the breaker's rules")
                        : fill("by {}", listed(rules(subject.upstream.breaker), "or"));
  Sentences result{
      fill("One endpoint that fails {} is left out and comes back "
           "the same way; at most {} of them at once: {}. The last is never left out.",
           by, plain(ejection.max_percent),
           count ? fill("{} of {}", ejectable(subject.upstream, *count), *count)
                 : ejection_table(subject.upstream))};
  if (count) {
    out.numbers.emplace_back("ejectable", ejectable(subject.upstream, *count));
    result.push_back(
        fill("Each sees a part of the traffic, so its rate counts from {} requests/s to the "
             "upstream on.",
             plain(breaker_rate(subject.upstream.breaker) * *count)));
  }
  return result;
}

Sentences explain_checks(const Subject& subject, Explanation& out) {
  const auto& check = subject.upstream.health_check;
  if (!check) {
    return {};
  }
  const Duration noticed = check->interval * check->unhealthy;
  const Duration trusted = check->interval * check->healthy;
  out.numbers.emplace_back("check_noticed_ms", milliseconds(noticed));
  return {
      fill("Each endpoint is asked for {} every {} and has {} to answer; it is left out after "
           "{} (about {}) and comes back after {} (about {}).",
           check->path, plain(check->interval), plain(check->timeout),
           count_of(check->unhealthy, "bad answer", "bad answers"), plain(noticed),
           count_of(check->healthy, "good one", "good ones"), plain(trusted))};
}

}  // namespace fusegate::advice
