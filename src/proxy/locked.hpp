#pragma once

#include "proxy/request_handler.hpp"

#include <utility>

namespace fusegate::proxy {

template <class Decide>
auto RequestHandler::locked(Decide&& decide) {
  bool events = false;
  auto result = rq_.upstream->with([&](exchange::UpstreamState& state) {
    auto decided = decide(state);
    while (const auto waiter = state.limiter().hand_out(worker_.now())) {
      Session::grant_slot(waiter);  // What the answers said has raised the limit.
    }
    events = state.has_events();
    return decided;
  });
  if (events) {
    worker_.log_events(*rq_.upstream);
  }
  return result;
}

}  // namespace fusegate::proxy
