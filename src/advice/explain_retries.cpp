// What is sent again, when, and what that adds up to.
#include "advice/explain.hpp"

#include <algorithm>
#include <cmath>

namespace fusegate::advice {
namespace {

using policy::Idempotency;

/// Who may be sent twice, by method or by word, as the subject of a sentence; empty = nobody.
std::string repeatable_requests(const Subject& subject) {
  const auto& methods = subject.route.match.methods;
  if (subject.policy.idempotent == Idempotency::Never) {
    return {};
  }
  if (subject.policy.idempotent == Idempotency::Always) {
    return "Any of them, because idempotent is true,";
  }
  std::vector<std::string> by_method;
  for (const std::string_view method : {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}) {
    if (methods.empty() || std::ranges::find(methods, method) != methods.end()) {
      by_method.emplace_back(method);
    }
  }
  return by_method.empty() ? "Those with an Idempotency-Key"
                           : listed(by_method) + ", and any with an Idempotency-Key,";
}

/// What a repeatable request is sent again for, beyond what never arrived.
std::vector<std::string> reasons(const policy::RetrySettings& retry) {
  std::vector<std::string> result;
  if (retry.on.no_response) {
    result.emplace_back("the answer got lost or timed out (no_response)");
  }
  if (retry.on.stale_reuse) {
    result.emplace_back("a kept connection had been closed (stale_reuse)");
  }
  if (retry.on.statuses.any()) {
    result.push_back("the answer is " + listed(statuses(retry.on.statuses), "or"));
  }
  for (const auto& header : retry.response_headers) {
    result.push_back(fill("the header {} of the answer asks for it", header.name));
  }
  return result;
}

Sentences replay(const Subject& subject, Explanation& out) {
  const config::Bytes kept = subject.policy.retry.max_body_replay;
  if (kept == 0) {
    return {"Bodies are not kept, so only requests without one are sent again."};
  }
  const config::Bytes fit = subject.config.limits.replay_memory / kept;
  out.numbers.emplace_back("max_body_replay_bytes", kept);
  out.numbers.emplace_back("replay_bodies", fit);
  return {
      fill("Bodies up to {} are kept for that ({} of this length fit into the replay "
           "memory); a request with a longer one is not sent again.",
           plain_size(kept), fit)};
}

std::string with_rate(const Subject& subject) {
  const auto& budget = subject.upstream.retry_budget;
  const double factor = load_factor(subject.policy, budget, subject.rate);
  return fill("At {} requests/s that is {} times.", plain(subject.rate.value_or(0)), plain(factor));
}

}  // namespace

Sentences explain_retries(const Subject& subject, Explanation& out) {
  const auto& policy = subject.policy;
  const auto& retry = policy.retry;
  out.numbers.emplace_back("attempts_max", policy.retries + 1);
  if (policy.retries == 0) {
    return {"None: each request is sent once (retries is 0)."};
  }
  Sentences result{
      fill("At most {} after the first try, {} attempts in all, on another endpoint "
           "where there is one.",
           count_of(policy.retries, "retry", "retries"), policy.retries + 1)};
  if (retry.on.never_sent) {
    result.emplace_back(
        "Every method, when no byte reached the application: no name, no connection, no TLS "
        "(never_sent).");
  }
  const auto who = repeatable_requests(subject);
  const auto why = reasons(retry);
  if (who.empty()) {
    result.emplace_back("Nothing else, because idempotent is false.");
  } else if (!why.empty()) {
    result.push_back(fill("{} also when {}.", who, listed(why, "or")));
    const auto more = replay(subject, out);
    result.insert(result.end(), more.begin(), more.end());
  }
  result.emplace_back(
      "When all is used up, the client gets the last answer of the upstream. A layer above that "
      "retries already (fusegate-attempt) leaves only never_sent.");
  return result;
}

Sentences explain_waits(const Subject& subject, Explanation& out) {
  const auto& retry = subject.policy.retry;
  if (subject.policy.retries == 0) {
    return {};
  }
  std::vector<std::string> words;
  std::vector<double> means;
  std::vector<double> worsts;
  Wait sum;
  for (const Wait& wait : waits(subject.policy)) {
    words.push_back(fill("{} (at most {})", plain(wait.mean), plain(wait.worst)));
    means.push_back(milliseconds(wait.mean));
    worsts.push_back(milliseconds(wait.worst));
    sum.mean += wait.mean;
    sum.worst += wait.worst;
  }
  out.series.emplace_back("waits_mean_ms", std::move(means));
  out.series.emplace_back("waits_worst_ms", std::move(worsts));
  out.numbers.emplace_back("quick_failure_mean_ms", milliseconds(sum.mean));
  out.numbers.emplace_back("quick_failure_worst_ms",
                           milliseconds(std::min(sum.worst, subject.policy.timeout)));
  Sentences result{fill("{} on average before {}.", listed(words),
                        subject.policy.retries == 1 ? "the retry" : "the retries in turn")};
  if (retry.adaptive) {
    result.emplace_back("That maximum is reached while every attempt fails (adaptive).");
  }
  result.push_back(
      fill("When every try fails at once, the client knows after {} on average.", plain(sum.mean)));
  result.push_back(retry.retry_after.honor
                       ? fill("A Retry-After up to {} is kept to, if the time allows.",
                              plain(retry.retry_after.max))
                       : std::string("Retry-After is not heeded."));
  return result;
}

Sentences explain_load(const Subject& subject, Explanation& out) {
  const auto& policy = subject.policy;
  const auto& budget = subject.upstream.retry_budget;
  const double alone = policy.retries + 1.0;
  const double held = load_factor(policy, budget, subject.rate);
  out.numbers.emplace_back("load_factor_without_budget", alone);
  out.numbers.emplace_back("load_factor", held);
  if (policy.retries == 0) {
    return {"One attempt for each request, whatever happens."};
  }
  const double floor = rate_of_floor(policy, budget);
  out.numbers.emplace_back("floor_rate_per_s", floor);
  Sentences result{
      fill("When everything fails, retries alone would make it {} times the load; the "
           "budget ({} of the requests in {}, and {}) holds it at {} times under much "
           "traffic.",
           plain(alone), plain(budget.percent), plain(budget.window),
           count_of(budget.min_retries, "retry", "retries"),
           plain(load_factor(policy, budget, std::nullopt)))};
  if (floor > 0 && std::isfinite(floor)) {
    result.push_back(fill("Below {} requests/s it pays for every retry.", plain(floor)));
  }
  if (subject.rate) {
    result.push_back(with_rate(subject));
  }
  if (subject.given.layers > 1) {
    const double product = std::pow(held, subject.given.layers);
    out.numbers.emplace_back("load_factor_of_layers", product);
    result.push_back(fill("In {} layers like this one: {} times with budgets, {} times without.",
                          subject.given.layers, plain(product),
                          plain(std::pow(alone, subject.given.layers))));
  }
  return result;
}

}  // namespace fusegate::advice
