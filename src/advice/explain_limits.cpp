// How much at once, and what is done beside the ordinary course.
#include "advice/explain.hpp"

#include <algorithm>

namespace fusegate::advice {

Sentences explain_limits(const Subject& subject, Explanation& out) {
  const auto& limit = subject.upstream.concurrency;
  const std::uint64_t room =
      in_flight_room(subject.config, subject.upstream).value_or(limit.max_in_flight);
  const std::uint64_t in_flight = std::min<std::uint64_t>(limit.max_in_flight, room);
  out.numbers.emplace_back("in_flight_max", in_flight);
  out.numbers.emplace_back("queue_length", limit.queue.length);
  out.numbers.emplace_back("queue_wait_ms", milliseconds(limit.queue.wait));
  Sentences result;
  result.push_back(fill("At most {} in flight{}, {} to one endpoint.",
                        count_of(in_flight, "attempt", "attempts"),
                        limit.adaptive ? ", fewer while the upstream answers more slowly" : "",
                        subject.upstream.connections.max_per_endpoint));
  const bool queue = limit.queue.length > 0 && limit.queue.wait > Duration::zero();
  result.push_back(queue ? fill("{} more wait up to {} for a place; all others get 503 at once.",
                                limit.queue.length, plain(limit.queue.wait))
                         : std::string("All others get 503 at once."));
  const config::Bytes body = subject.config.limits.request_body;
  if (body > 0) {
    result.push_back(fill("Bodies over {} get 413.", plain_size(body)));
  }
  return result;
}

Sentences explain_hedging(const Subject& subject, Explanation& out) {
  const auto& hedge = subject.policy.hedge;
  if (!hedge.enabled) {
    return {};
  }
  out.numbers.emplace_back("hedge_max_percent", hedge.max_percent.value() * 100);
  const auto when = hedge.after ? plain(*hedge.after)
                                : fill("the time that {}% of the answers need", hedge.quantile);
  return {
      fill("A {} that has no answer after {} is sent a second time; the first answer counts. "
           "At most {} of the requests, within the retry budget.",
           listed(hedge.methods, "or"), when, plain(hedge.max_percent))};
}

Sentences explain_fallback(const Subject& subject, Explanation& /*out*/) {
  const auto& fallback = subject.policy.fallback;
  switch (fallback.kind) {
    case config::Fallback::Kind::Off:
      break;
    case config::Fallback::Kind::Reply:
      return {fill(
          "What would end with 502, 503 or 504 is answered with {} and {} instead.",
          fallback.status,
          fallback.body.empty() ? "no body" : plain_size(fallback.body.size()) + " of your own")};
    case config::Fallback::Kind::Upstream:
      return {
          fill("What \"{}\" has failed goes to \"{}\" for the tries that are left, at least "
               "one, within the same time.",
               subject.upstream.name, fallback.upstream_name)};
  }
  return {};
}

Sentences explain_faults(const Subject& subject, Explanation& /*out*/) {
  const auto& fault = subject.policy.fault;
  if (!fault.enabled) {
    return {};
  }
  Sentences result;
  if (fault.abort_percent.millionths > 0) {
    result.push_back(fill("{} of the attempts are answered with {} (a test fault).",
                          plain(fault.abort_percent), fault.abort_status));
  }
  if (fault.delay_percent.millionths > 0) {
    result.push_back(fill("{} of the attempts are delayed by {} (a test fault).",
                          plain(fault.delay_percent), plain(fault.delay)));
  }
  if (fault.reset_percent.millionths > 0) {
    result.push_back(
        fill("{} of the attempts are cut off (a test fault).", plain(fault.reset_percent)));
  }
  return result;
}

}  // namespace fusegate::advice
