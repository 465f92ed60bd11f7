// A second attempt beside one that is late (Dean and Barroso, "The Tail at Scale", 2013).
#include <fusegate/exchange/exchange.hpp>
#include <fusegate/policy/deadline.hpp>

#include <utility>

namespace fusegate::exchange {

/// When the attempt that begins now is late.
Instant Exchange::hedge_time(Instant now) {
  const auto patience = policy_.hedge.after
                            ? policy_.hedge.after
                            : upstream_.latencies(policy_.hedge.quantile).value(now);
  return patience ? after(now, *patience) : kNever;
}

std::optional<Decision> Exchange::on_hedge_due(Instant now) {
  const BreakerState state = upstream_.breaker().state();
  const bool calm = state == BreakerState::Closed || state == BreakerState::Disabled;
  if (!calm || hedged_ || report_.try_count == Report::kTriesMax ||
      deadline_ - now < policy::kMinTry ||
      !upstream_.hedges().has_room(policy_.hedge.max_percent, now) ||
      !upstream_.limiter().take_spare()) {
    return std::nullopt;
  }
  if (!upstream_.budget().try_charge(now)) {
    upstream_.limiter().give_back();
    return std::nullopt;
  }
  const Instant until = try_deadline(report_.attempts + 1U, now);
  const Tried before = tried();
  const auto picked =
      upstream_.pick(before.data(), report_.try_count - first_try_, true, until - now, now);
  const auto admission = picked.pick == UpstreamState::Pick::Found
                             ? upstream_.breaker().admit(true, until - now, upstream_.rng(), now)
                             : policy::Admission{};
  upstream_.drain_breaker();
  if (!admission.permit) {
    if (picked.endpoint != nullptr) {
      upstream_.settle(*picked.endpoint, picked.permit, std::nullopt, policy::Verdict::Ignored, {},
                       {}, now);
    }
    upstream_.budget().refund(now, now);
    upstream_.limiter().give_back();
    return std::nullopt;
  }
  hedged_ = true;
  upstream_.hedges().on_hedge(now);
  other_ = Run{endpoint_, breaker_permit_, endpoint_permit_, current_};
  const Decision decision = launch(*picked.endpoint, picked.permit, admission.permit, until, now);
  ++report_.attempts;
  current_try().kind = AttemptKind::Hedge;
  return decision;
}

void Exchange::switch_attempt() {
  std::swap(endpoint_, other_->endpoint);
  std::swap(breaker_permit_, other_->breaker_permit);
  std::swap(endpoint_permit_, other_->endpoint_permit);
  std::swap(current_, other_->number);
}

/// The current one has a good response, or the client has left.
void Exchange::give_up_other(Instant now) {
  TryReport& attempt = report_.tries[other_->number];
  attempt.result = AttemptResult::Cancelled;
  attempt.duration = now - attempt.started;
  observe(attempt, now);  // It took at least that long; without it the quantile would sink.
  upstream_.settle(*other_->endpoint, other_->endpoint_permit, other_->breaker_permit,
                   policy::Verdict::Ignored, attempt.duration, std::nullopt, now);
  upstream_.depart(*other_->endpoint, now);
  other_.reset();
  upstream_.limiter().give_back();
}

Decision Exchange::go_on_with_other(Instant now) {
  leave_endpoint(now);
  endpoint_ = other_->endpoint;
  breaker_permit_ = other_->breaker_permit;
  endpoint_permit_ = other_->endpoint_permit;
  current_ = other_->number;
  unsettled_ = true;
  dropped_ = false;
  other_.reset();
  upstream_.limiter().give_back();
  return {.kind = Decision::Kind::Continue};
}

void Exchange::observe(const TryReport& attempt, Instant now) {
  if (policy_.hedge.enabled && !policy_.hedge.after) {
    upstream_.latencies(policy_.hedge.quantile).add(attempt.duration, now);
  }
}

}  // namespace fusegate::exchange
