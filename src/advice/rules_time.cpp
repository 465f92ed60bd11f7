// Times that do not fit into each other.
#include <fusegate/policy/deadline.hpp>

#include "advice/rules.hpp"

#include <algorithm>

namespace fusegate::advice {
namespace {

using policy::BackoffKind;
using policy::Jitter;
using policy::kMinTry;

/// How many tries can start when each one takes `each` and the waits are average.
unsigned tries_that_start(const config::RequestPolicy& policy, const std::vector<Wait>& pauses,
                          Duration each) {
  unsigned count = 0;
  Duration start{};
  while (count <= policy.retries && policy.timeout - start >= kMinTry) {
    start += each + (count < policy.retries ? pauses[count].mean : Duration::zero());
    ++count;
  }
  return count;
}

void tries_exceed_timeout(const Study& study, const RouteView& view) {
  const auto& policy = view.policy;
  const auto pauses = waits(policy);
  Duration wait{};
  for (const Wait& pause : pauses) {
    wait += pause.mean;
  }
  // An automatic share is never cut below what an attempt needs at least. Where timeouts are not
  // retried, no try before the last takes all of its time.
  const Duration each =
      retries_timeouts(policy) ? policy.per_try_timeout.value_or(kMinTry) : kMinTry;
  if (policy.retries == 0 || each * policy.retries + wait + kMinTry <= policy.timeout) {
    return;
  }
  const unsigned tries = policy.retries + 1;
  const unsigned starts = tries_that_start(policy, pauses, each);
  const Duration room = policy.timeout - wait;
  const Duration share = room / tries;
  const Duration needed = each * tries + wait;
  const bool fits = share >= kMinTry;
  Numbers numbers{{"timeout_ms", milliseconds(policy.timeout)},
                  {"try_ms", milliseconds(each)},
                  {"tries", tries},
                  {"waits_ms", milliseconds(wait)},
                  {"tries_that_start", starts}};
  if (policy.per_try_timeout && retries_timeouts(policy)) {
    study.add(Code::TriesExceedTimeout, Section::Route, view.index,
              {"per_try_timeout", "retries", "timeout"},
              fill("{} of {} with waits of {} need {}, but timeout is {}: when tries time out, "
                   "only {} of {} start",
                   count_of(tries, "try", "tries"), plain(each), plain(wait), plain(needed),
                   plain(policy.timeout), starts, tries),
              fill("write auto{}, or timeout: {}",
                   fits ? fill(", at most {}", at_most(share)) : std::string(), at_least(needed)),
              std::move(numbers));
    return;
  }
  study.add(Code::TriesExceedTimeout, Section::Route, view.index,
            {"retry.backoff.initial", "timeout", "retries"},
            fill("{} and the waits between them, {} on average, do not fit into timeout ({}): a "
                 "try needs {} at least, so only {} of {} start",
                 count_of(tries, "try", "tries"), plain(wait), plain(policy.timeout),
                 plain(kMinTry), starts, tries),
            fill("write timeout: {} or more, or fewer retries", at_least(needed)),
            std::move(numbers));
}

void unused_timeouts(const Study& study, const RouteView& view) {
  const auto& policy = view.policy;
  if (policy.per_try_timeout && *policy.per_try_timeout >= policy.timeout) {
    study.dead(Code::PerTryTimeoutUnused, Section::Route, view.index, "per_try_timeout",
               fill("a try of {} never ends by itself: timeout ({}) ends the request first",
                    plain(*policy.per_try_timeout), plain(policy.timeout)),
               "leave it out, or make it shorter than timeout",
               {{"per_try_timeout_ms", milliseconds(*policy.per_try_timeout)},
                {"timeout_ms", milliseconds(policy.timeout)}});
  }
  const Duration longest = longest_try(policy);
  const Duration connect = view.upstream.connect_timeout;
  if (connect >= longest) {
    study.dead(Code::ConnectTimeoutUnused, Section::Route, view.index, "connect_timeout",
               fill("{} to connect never run out: a try ends after {} at the latest",
                    plain(connect), plain(longest)),
               "make it a small part of a try, so that a retry finds time",
               {{"connect_timeout_ms", milliseconds(connect)}, {"try_ms", milliseconds(longest)}});
  }
}

}  // namespace

void study_times(const Study& study, const RouteView& view) {
  tries_exceed_timeout(study, view);
  unused_timeouts(study, view);
  const auto& queue = view.upstream.concurrency.queue;
  if (queue.length > 0 && queue.wait >= view.policy.timeout) {
    study.add(Code::QueueOutlastsTimeout, Section::Route, view.index,
              {"concurrency.queue.wait", "timeout"},
              fill("a request may wait {} for its turn, but timeout is {}: it would be given up "
                   "before it is sent",
                   plain(queue.wait), plain(view.policy.timeout)),
              "make queue.wait a small part of timeout",
              {{"queue_wait_ms", milliseconds(queue.wait)},
               {"timeout_ms", milliseconds(view.policy.timeout)}});
  }
  const Duration drain = study.config.shutdown.drain_timeout;
  if (view.policy.timeout > drain) {
    study.add(Code::TimeoutExceedsDrain, Section::Route, view.index,
              {"timeout", "shutdown.drain_timeout"},
              fill("a request may take {}, but a stop cuts off what still runs after {} "
                   "(shutdown.drain_timeout)",
                   plain(view.policy.timeout), plain(drain)),
              fill("write drain_timeout: {}, and give the platform a longer grace period",
                   plain(view.policy.timeout)),
              {{"timeout_ms", milliseconds(view.policy.timeout)},
               {"drain_timeout_ms", milliseconds(drain)}});
  }
}

void study_backoff(const Study& study, const RouteView& view) {
  const auto& backoff = view.policy.retry.backoff;
  if (view.policy.retries == 0) {
    return;  // study_retries speaks about settings of retries that are never made.
  }
  const bool waits_not = backoff.initial <= Duration::zero() || backoff.max <= Duration::zero();
  if (waits_not) {
    study.add(Code::BackoffWithoutWait, Section::Route, view.index,
              {backoff.initial <= Duration::zero() ? "retry.backoff.initial" : "retry.backoff.max"},
              "retries follow at once, so an upstream that fails because it is overloaded gets "
              "them at its worst moment",
              "write initial: 25ms or more");
  } else if (backoff.jitter == Jitter::None && backoff.kind != BackoffKind::Decorrelated) {
    study.add(Code::BackoffWithoutJitter, Section::Route, view.index, {"retry.backoff.jitter"},
              fill("requests that fail together are retried together: all of them after exactly {}",
                   plain(waits(view.policy).front().mean)),
              "write jitter: full");
  }
  const auto unused = [&](std::string_view key, std::string message) {
    study.dead(Code::BackoffSettingUnused, Section::Route, view.index, key, std::move(message),
               "leave it out");
  };
  if (backoff.kind != BackoffKind::Exponential) {
    unused("retry.backoff.factor", "only waits of kind exponential grow by a factor");
  }
  if (backoff.kind == BackoffKind::Decorrelated) {
    unused("retry.backoff.jitter", "waits of kind decorrelated are random already");
  }
}

void study_shutdown(const Study& study) {
  const auto& shutdown = study.config.shutdown;
  const Duration stop = shutdown.delay + shutdown.drain_timeout;
  if (stop <= study.given.grace) {
    return;
  }
  study
      .add(Code::StopExceedsGrace, Section::Global, 0, {"shutdown.drain_timeout", "shutdown.delay"},
           fill("a stop may take {} (delay {} and drain_timeout {}), but the platform kills the "
                "process after {}",
                plain(stop), plain(shutdown.delay), plain(shutdown.drain_timeout),
                plain(study.given.grace)),
           "lengthen terminationGracePeriodSeconds and say so with check --grace, or shorten them",
           {{"delay_ms", milliseconds(shutdown.delay)},
            {"drain_timeout_ms", milliseconds(shutdown.drain_timeout)},
            {"grace_ms", milliseconds(study.given.grace)}})
      .stated = study.given.grace_stated;
}

void study_log(const Study& study) {
  const auto& access = study.config.log.access;
  Duration longest{};
  for (const auto& route : study.config.routes) {
    longest = std::max(longest, route.policy.timeout);
  }
  if (access.enabled && access.always_slow && access.slow >= longest) {
    study.add(
        Code::SlowLogNeverFires, Section::Global, 0, {"log.access.slow"},
        fill("no request takes {}: the longest timeout is {}", plain(access.slow), plain(longest)),
        "make it shorter than the timeouts, or take slow out of log.access.always",
        {{"slow_ms", milliseconds(access.slow)}, {"timeout_ms", milliseconds(longest)}});
  }
}

}  // namespace fusegate::advice
