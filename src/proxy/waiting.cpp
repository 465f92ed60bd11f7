#include "net/clock.hpp"
#include "proxy/locked.hpp"
#include "proxy/request_handler.hpp"

/// Backoff and queue: waiting for a time or a slot while the client is watched.
namespace fusegate::proxy {

/// Once before a wait: a client that goes on sending, its next request for example, is readable all
/// the time, and watching it again after each look would never let the loop sleep.
void RequestHandler::watch_client() {
  if (rq_.upload.complete() && !session_.client_ended()) {
    session_.arm_client();
  }
}

/// A client that has sent its FIN and waits may get an answer, but no new attempts are made for it:
/// most such clients have simply left.
net::Task<bool> RequestHandler::pause(Instant until) {
  if (has_ended()) {
    co_return false;
  }
  watch_client();
  while (worker_.now() < until) {
    const auto events = co_await session_.wait(kClientReadable, until);
    if ((events & kClientReadable) != 0 && rq_.upload.complete() &&
        (!session_.client_alive() || session_.client_ended())) {
      co_return false;
    }
    if (!session_.client().is_open()) {
      co_return false;
    }
  }
  co_return true;
}

net::Task<RequestHandler::Next> RequestHandler::wait_backoff(Instant until) {
  const bool there = co_await pause(until);
  if (!there) {
    co_return std::nullopt;
  }
  co_return locked(
      [&](exchange::UpstreamState&) { return rq_.exchange->on_wakeup(worker_.now()); });
}

net::Task<RequestHandler::Next> RequestHandler::wait_slot(Instant until) {
  watch_client();
  for (;;) {
    const auto events = co_await session_.wait(kSlot | kClientReadable, until);
    if ((events & kSlot) != 0) {
      co_return locked(
          [&](exchange::UpstreamState&) { return rq_.exchange->on_slot(worker_.now()); });
    }
    if ((events & kTimer) != 0) {
      co_return locked(
          [&](exchange::UpstreamState&) { return rq_.exchange->on_slot_timeout(worker_.now()); });
    }
    if (!session_.client().is_open() ||
        (rq_.upload.complete() && (!session_.client_alive() || session_.client_ended()))) {
      co_return std::nullopt;
    }
  }
}

}  // namespace fusegate::proxy
