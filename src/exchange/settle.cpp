// What an attempt and a request give back: permits, places, charges, pins.
#include <fusegate/exchange/exchange.hpp>

#include <cassert>
#include <utility>

namespace fusegate::exchange {

void Exchange::settle_attempt(policy::Verdict verdict, std::optional<Duration> retry_after,
                              Instant now) {
  unsettled_ = false;
  settled_breaker_permit_ = std::exchange(breaker_permit_, std::nullopt);
  settled_endpoint_permit_ = std::exchange(endpoint_permit_, std::nullopt);
  upstream_.settle(*endpoint_, settled_endpoint_permit_, settled_breaker_permit_, verdict,
                   now - current_try().started, retry_after, now);
}

void Exchange::leave_endpoint(Instant now) {
  upstream_.depart(*endpoint_, now);
  endpoint_ = nullptr;
}

/// Once for each attempt: its time ran out, or nobody waits for it any more.
void Exchange::tell_drop(Instant now) {
  if (!std::exchange(dropped_, true)) {
    upstream_.on_drop(*endpoint_, now - current_try().started, now);
  }
}

void Exchange::on_client_ended(Instant now) {
  if (unsettled_) {
    tell_drop(now);
  }
}

policy::Limiter::Waiter Exchange::leave(Ending ending, Instant now) {
  left_ = true;
  tries_end_ = report_.try_count;
  if (waiting_) {
    waiting_ = false;
    report_.backoff += now - waiting_since_;
  }
  if (other_) {
    give_up_other(now);
  }
  if (unsettled_) {
    // Given up while it ran: that says nothing about the upstream, but the permits go back.
    current_try().result = AttemptResult::Cancelled;
    current_try().duration = now - current_try().started;
    settle_attempt(policy::Verdict::Ignored, std::nullopt, now);
    if (ending == Ending::ClientGone) {
      // No fault of the upstream's for its breaker, but its answer came too late for somebody.
      tell_drop(now);
    }
  } else if (ending == Ending::CutByUpstream && endpoint_ != nullptr) {
    upstream_.settle_cut(*endpoint_, settled_endpoint_permit_, settled_breaker_permit_, now);
  }
  if (endpoint_ != nullptr) {
    leave_endpoint(now);
  }
  refund(now);
  if (queued_) {
    note_queue_wait(now);
    has_slot_ = !upstream_.limiter().abandon(waiter_);
    queued_ = false;
  }
  if (!std::exchange(has_slot_, false)) {
    return nullptr;
  }
  return upstream_.limiter().release(now);
}

policy::Limiter::Waiter Exchange::end(Ending ending, Instant now) {
  assert(!ended_ && "Exchange::end must be called exactly once");
  ended_ = true;
  const auto heir = left_ ? nullptr : leave(ending, now);
  for (std::size_t i = first_try_; i < tries_end_; ++i) {
    // The report outlives the exchange and only records; unpinning may destroy the endpoint.
    upstream_.unpin(const_cast<EndpointState&>(*report_.tries[i].endpoint));
  }
  return heir;
}

}  // namespace fusegate::exchange
