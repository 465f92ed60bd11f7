// What happens to a request while time goes on.
#include "sim/player.hpp"

namespace fusegate::sim {
namespace {

constexpr std::uint64_t kJobMask = (std::uint64_t{1} << 40) - 1;

}  // namespace

void Player::handle(const Event& event) {
  if (event.what == What::Work) {
    work_done(event);
    return;
  }
  Request& request = *requests_[event.request];
  if (request.generation != event.generation || !request.exchange) {
    return;
  }
  auto& exchange = *request.exchange;
  switch (event.what) {
    case What::Wake:
      obey(request, exchange.on_wakeup(now_));
      break;
    case What::Slot:
      obey(request, exchange.on_slot(now_));
      break;
    case What::SlotTimeout:
      if (request.queued) {
        request.queued = false;
        obey(request, exchange.on_slot_timeout(now_));
      }
      break;
    case What::Leave:
      ++second_of(request.arrived).late;
      end(request, Ending::ClientGone);
      wake_waiters();
      break;
    case What::Hedge:
      if (request.current.job == event.job && request.other.job == 0) {
        if (const auto hedge = exchange.on_hedge_due(now_)) {
          request.other = request.current;
          attempt(request, *hedge);
        }
      }
      break;
    case What::Timeout:
      if (select(request, event.job)) {
        fail(request, FailureClass::NoResponse, AttemptResult::Timeout, RejectReason::TryTimeout,
             false);
      }
      break;
    case What::Answer:
      if (!select(request, event.job)) {
        break;
      }
      if (weather(event.endpoint).manner == Manner::Errors) {
        answer(request, 503);
      } else {
        fail(request, FailureClass::NeverSent, AttemptResult::ConnectFailed,
             RejectReason::ConnectFailed, true);
      }
      break;
    case What::Work:
      break;
  }
}

/// A server has done a piece of work, whether or not somebody still waits for it.
void Player::work_done(const Event& event) {
  if (const auto next = servers_[event.endpoint].finish(weather(event.endpoint).slower, now_)) {
    const Request& waiting = *requests_[static_cast<std::uint32_t>(next->job >> 40)];
    push(What::Work, next->done, waiting, next->job & kJobMask, event.endpoint);
  }
  Request& request = *requests_[event.request];
  if (request.exchange && select(request, event.job)) {
    answer(request, 200);
  }
}

void Player::answer(Request& request, unsigned status) {
  request.status = status;
  const exchange::ResponseFacts facts{.status = static_cast<std::uint16_t>(status)};
  const Decision next = request.exchange->on_response(facts, now_);
  if (next.kind != Decision::Kind::Continue) {
    request.current = request.other = {};
  }
  obey(request, next);
}

void Player::fail(Request& request, FailureClass failure, AttemptResult result, RejectReason reason,
                  bool nothing_written) {
  const exchange::FailureFacts facts{failure, result, reason, nothing_written};
  const Decision next = request.exchange->on_failure(facts, now_);
  if (next.kind != Decision::Kind::Continue) {
    request.current = request.other = {};
  }
  obey(request, next);
}

void Player::end(Request& request, Ending ending) {
  if (auto* const heir = request.exchange->end(ending, now_)) {
    Request& next = *static_cast<Request*>(heir);
    next.queued = false;
    push(What::Slot, now_, next);
  }
  request.exchange.reset();
  ++request.generation;
  free_.push_back(request.index);
}

}  // namespace fusegate::sim
