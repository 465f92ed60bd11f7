// The life of a request up to each attempt: limits, queue, endpoint, breaker.
#include <fusegate/exchange/exchange.hpp>
#include <fusegate/policy/deadline.hpp>

#include <algorithm>
#include <cassert>
#include <utility>

namespace fusegate::exchange {
namespace {

using policy::kMinTry;

/// What a client is told to wait for when only the load, not a known time, stands in its way.
constexpr Duration kLoadRetryAfter = std::chrono::seconds{1};

Decision reject(RejectReason reason, std::optional<Duration> retry_after = std::nullopt) {
  return {.kind = Decision::Kind::Reject, .reason = reason, .retry_after = retry_after};
}

}  // namespace

Exchange::Exchange(const config::RequestPolicy& policy, UpstreamState& upstream,
                   const RequestTraits& traits, Report& report, Instant now, bool is_fallback)
    : policy_(policy),
      upstream_(upstream),
      traits_(traits),
      report_(report),
      deadline_(after(now, std::min(policy.timeout, traits.time_left.value_or(policy.timeout)))),
      first_try_(report.try_count),
      tries_end_(report.try_count),
      last_attempt_(std::max(policy.retries, std::uint32_t{report.attempts}) + 1U),
      is_fallback_(is_fallback) {
  if (first_try_ > 0) {
    last_failure_ = report.tries[first_try_ - 1U].failure;
  }
}

Exchange::~Exchange() { assert(ended_ && "Exchange::end must be called exactly once"); }

Decision Exchange::begin(policy::Limiter::Waiter waiter, Instant now) {
  waiter_ = waiter;
  upstream_.budget().on_request(now);
  if (deadline_ - now < kMinTry) {
    return reject(RejectReason::Deadline);
  }
  if (const auto until = upstream_.breaker().refuses_until(now)) {
    return reject(RejectReason::BreakerOpen, *until - now);
  }
  switch (upstream_.acquire(waiter, now)) {
    case policy::Limiter::Grant::Slot:
      has_slot_ = true;
      return start_attempt(now);
    case policy::Limiter::Grant::Queued:
      queued_ = true;
      queued_at_ = now;
      // Not so long that no time would be left for an attempt.
      queue_until_ =
          std::min(after(now, upstream_.settings().concurrency.queue.wait), deadline_ - kMinTry);
      return {.kind = Decision::Kind::Queue, .until = queue_until_};
    case policy::Limiter::Grant::QueueFull:
      break;
  }
  return reject(RejectReason::QueueFull, kLoadRetryAfter);
}

Decision Exchange::on_slot(Instant now) {
  if (upstream_.limiter().is_waiting(waiter_)) {
    // The word was about a slot that was taken over when the time of an earlier wait ran out.
    return {.kind = Decision::Kind::Queue, .until = queue_until_};
  }
  leave_queue(now);
  has_slot_ = true;
  return start_attempt(now);
}

Decision Exchange::on_slot_timeout(Instant now) {
  if (!upstream_.limiter().abandon(waiter_)) {
    return on_slot(now);  // Handed over in this very moment; giving it back would waste it.
  }
  leave_queue(now);
  return reject(RejectReason::QueueTimeout, kLoadRetryAfter);
}

void Exchange::leave_queue(Instant now) {
  queued_ = false;
  note_queue_wait(now);
}

void Exchange::note_queue_wait(Instant now) {
  report_.queue_wait = now - queued_at_;
  report_.queue_upstream = report_.upstream;
}

Decision Exchange::on_wakeup(Instant now) {
  waiting_ = false;
  report_.backoff += now - waiting_since_;
  return start_attempt(now);
}

void Exchange::on_connection(bool reused) { current_try().reused = reused; }

void Exchange::on_not_replayable() {
  replayable_ = false;
  report_.replay_overflow = true;
}

Decision Exchange::start_attempt(Instant now) {
  if (deadline_ - now < kMinTry) {
    return not_started(RejectReason::Deadline, DenyReason::Deadline, std::nullopt, now);
  }
  const Instant until = try_deadline(report_.attempts + 1U, now);
  const Tried tried_before = tried();
  const auto picked = upstream_.pick(tried_before.data(), report_.try_count - first_try_,
                                     traits_.repeatable, until - now, now);
  switch (picked.pick) {
    case UpstreamState::Pick::Found:
      break;
    case UpstreamState::Pick::NoneKnown:
      return not_started(RejectReason::NoEndpoint, DenyReason::BreakerOpen, kLoadRetryAfter, now);
    case UpstreamState::Pick::AllFull:
    case UpstreamState::Pick::AllRefused:
      return not_started(RejectReason::OverLimit, DenyReason::BreakerOpen, kLoadRetryAfter, now);
  }
  EndpointState& endpoint = *picked.endpoint;
  const auto give_back = [&] {
    upstream_.settle(endpoint, picked.permit, std::nullopt, policy::Verdict::Ignored, {}, {}, now);
  };
  if (other_only_ && was_tried(endpoint)) {
    give_back();
    return give_up(DenyReason::Coordinated, now);
  }
  const auto admission =
      upstream_.breaker().admit(traits_.repeatable, until - now, upstream_.rng(), now);
  upstream_.drain_breaker();
  if (!admission.permit) {
    give_back();
    const auto reason = admission.shed ? RejectReason::BreakerShed : RejectReason::BreakerOpen;
    return not_started(reason, DenyReason::BreakerOpen,
                       std::max(admission.retry_at - now, Duration::zero()), now);
  }
  const bool retry = retrying();
  Decision decision = launch(endpoint, picked.permit, admission.permit, until, now);
  ++report_.attempts;
  charged_ = false;
  TryReport& attempt = current_try();
  attempt.kind = retry ? AttemptKind::Retry : AttemptKind::First;
  attempt.wait = retry ? now - waiting_since_ : Duration::zero();
  if (traits_.hedgeable && !retry) {
    upstream_.hedges().on_request(now);
    decision.hedge_at = hedge_time(now);
  }
  return decision;
}

Decision Exchange::launch(EndpointState& endpoint, std::optional<policy::Permit> endpoint_permit,
                          std::optional<policy::Permit> breaker_permit, Instant until,
                          Instant now) {
  endpoint_ = &endpoint;
  endpoint_permit_ = endpoint_permit;
  breaker_permit_ = breaker_permit;
  unsettled_ = true;
  dropped_ = false;
  upstream_.enter(endpoint, now);
  upstream_.pin(endpoint);
  current_ = report_.try_count++;
  report_.tries[current_] =
      TryReport{.endpoint = &endpoint, .started = now, .upstream = report_.upstream};
  return {.kind = Decision::Kind::Attempt,
          .endpoint = &endpoint,
          .fresh_connection = std::exchange(fresh_next_, false) ||
                              now < endpoint.reuse_from.load(std::memory_order_relaxed),
          .until = until};
}

Decision Exchange::reconnect(Instant now) {
  // The same try once more: same endpoint, same number, not paid for.
  EndpointState& endpoint = *endpoint_;
  const Instant until = try_deadline(report_.attempts, now);
  const auto endpoint_permit = upstream_.readmit(endpoint, traits_.repeatable, until - now, now);
  const auto admission =
      upstream_.breaker().admit(traits_.repeatable, until - now, upstream_.rng(), now);
  upstream_.drain_breaker();
  if (!admission.permit) {
    upstream_.settle(endpoint, endpoint_permit, std::nullopt, policy::Verdict::Ignored, {}, {},
                     now);
    leave_endpoint(now);
    return give_up(DenyReason::BreakerOpen, now);
  }
  leave_endpoint(now);
  reconnected_ = true;
  upstream_.budget().note(now);  // Free for this request, but the upstream gets one more.
  fresh_next_ = true;
  const Decision decision = launch(endpoint, endpoint_permit, admission.permit, until, now);
  current_try().kind = AttemptKind::Retry;  // The upstream gets it once more: metrics say so.
  return decision;
}

Decision Exchange::not_started(RejectReason reason, DenyReason denial,
                               std::optional<Duration> retry_after, Instant now) {
  return retrying() ? give_up(denial, now) : reject(reason, retry_after);
}

Exchange::Tried Exchange::tried() const {
  Tried result{};
  for (std::size_t i = first_try_; i < report_.try_count; ++i) {
    result[i - first_try_] = report_.tries[i].endpoint;
  }
  return result;
}

bool Exchange::was_tried(const EndpointState& endpoint) const {
  return std::any_of(report_.tries.begin() + first_try_, report_.tries.begin() + report_.try_count,
                     [&](const TryReport& before) { return before.endpoint == &endpoint; });
}

Instant Exchange::try_deadline(unsigned number, Instant now) const {
  if (policy_.per_try_timeout) {
    return std::min(after(now, *policy_.per_try_timeout), deadline_);
  }
  // The fallback needs time of its own.
  const bool spare = policy_.fallback.kind == config::Fallback::Kind::Upstream && !is_fallback_;
  const unsigned tries = last_attempt_ + (spare ? 1U : 0U);
  const bool timeout_is_retried = traits_.repeatable && replayable_ && !traits_.coordinated &&
                                  policy_.retry.on.no_response && number < tries;
  if (!timeout_is_retried) {
    return deadline_;  // Time kept for a retry that may not be made would be lost.
  }
  // Full jitter halves the mean wait and the exponent doubles it: the first wait is a fair guess.
  return policy::fair_try_deadline(deadline_, tries - number + 1U, policy_.retry.backoff.initial,
                                   now);
}

}  // namespace fusegate::exchange
