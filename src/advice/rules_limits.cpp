// Limits that other limits make unreachable.
#include "advice/rules.hpp"

#include <algorithm>

namespace fusegate::advice {

void study_limits(const Study& study, const UpstreamView& view) {
  const auto& upstream = view.upstream;
  const auto& limit = upstream.concurrency;
  const bool hedged =
      std::ranges::any_of(view.policies, [](const auto* policy) { return policy->hedge.enabled; });
  const auto room = in_flight_room(study.config, upstream);
  // A hedge is a second attempt of the same client.
  if (room && limit.max_in_flight > *room && !hedged) {
    const bool by_clients = *room == study.config.runtime.max_connections;
    study.dead(
        Code::InFlightUnreachable, Section::Upstream, view.index, "concurrency.max_in_flight",
        fill("never more than {} are in flight: {}", *room,
             by_clients
                 ? std::string("runtime.max_connections lets no more clients in, "
                               "each with one request at a time")
                 : fill("{} with {} each (connections.max_per_endpoint)",
                        count_of(listed_endpoints(upstream).value_or(1), "endpoint", "endpoints"),
                        count_of(upstream.connections.max_per_endpoint, "connection",
                                 "connections"))),
        fill("write {}, or raise the other limit", *room),
        {{"max_in_flight", limit.max_in_flight}, {"room", *room}});
  }
  const auto& connections = upstream.connections;
  if (connections.max_idle > connections.max_per_endpoint) {
    study.dead(
        Code::IdleUnreachable, Section::Upstream, view.index, "connections.max_idle",
        fill("{} idle connections never come together: an endpoint has {} at most "
             "(connections.max_per_endpoint)",
             connections.max_idle, connections.max_per_endpoint),
        fill("write max_idle: {}", connections.max_per_endpoint),
        {{"max_idle", connections.max_idle}, {"max_per_endpoint", connections.max_per_endpoint}});
  }
  const auto unused = [&](std::string_view key, std::string message, std::string fix) {
    study.dead(Code::QueueWithoutEffect, Section::Upstream, view.index, key, std::move(message),
               std::move(fix));
  };
  if (limit.queue.length == 0) {
    unused("concurrency.queue.wait", "the queue has no places, so nobody waits",
           "leave it out, or give the queue a length");
  } else if (limit.queue.wait <= Duration::zero()) {
    unused("concurrency.queue.length", "nobody may wait: queue.wait is 0s",
           "write length: 0, or let requests wait");
  }
}

}  // namespace fusegate::advice
