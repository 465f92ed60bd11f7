// What follows the end of an attempt: forward, retry or give up.
#include <fusegate/exchange/exchange.hpp>
#include <fusegate/policy/backoff.hpp>
#include <fusegate/policy/deadline.hpp>

#include <algorithm>

namespace fusegate::exchange {
namespace {

constexpr unsigned kMisdirected = 421;
constexpr unsigned kTooManyRequests = 429;
/// For so long no kept connection of an endpoint is used after one broke. Chosen: what one has
/// suffered the others kept beside it are likely to suffer, too.
constexpr Duration kReuseDistrust = std::chrono::seconds{1};

bool listed(const policy::RetrySettings& settings, const ResponseFacts& response) {
  const auto& statuses = settings.on.statuses;
  return response.header_asks_retry ||
         (response.status < statuses.size() && statuses.test(response.status));
}

policy::Verdict verdict_of(unsigned status) {
  if (status == kTooManyRequests) {
    return policy::Verdict::Overload;
  }
  // 501 and 505 say what the server cannot do with this request, not how it is.
  const bool fault = status >= 500 && status != 501 && status != 505;
  return fault ? policy::Verdict::Failure : policy::Verdict::Success;
}

policy::Verdict verdict_of(AttemptResult result) {
  switch (result) {
    case AttemptResult::StaleReuse:
    case AttemptResult::Cancelled:
      return policy::Verdict::Ignored;
    case AttemptResult::Ok:
    case AttemptResult::Status:
    case AttemptResult::ConnectFailed:
    case AttemptResult::TlsFailed:
    case AttemptResult::Reset:
    case AttemptResult::Timeout:
    case AttemptResult::BadResponse:
      break;
  }
  return policy::Verdict::Failure;
}

}  // namespace

Decision Exchange::on_response(const ResponseFacts& facts, Instant now) {
  TryReport& attempt = current_try();
  // 421 on a kept connection: it was meant for somebody else, the application has not seen us.
  const bool misdirected = facts.status == kMisdirected && attempt.reused;
  const bool bad = misdirected || listed(policy_.retry, facts);
  if (other_ && !bad) {
    give_up_other(now);
  }
  attempt.status = facts.status;
  attempt.duration = now - attempt.started;
  attempt.result = bad ? AttemptResult::Status : AttemptResult::Ok;
  const auto hold = facts.status == 503 ? facts.retry_after : std::nullopt;
  settle_attempt(verdict_of(facts.status), hold, now);
  observe(attempt, now);
  if (!bad) {
    return {.kind = Decision::Kind::Forward, .endpoint = endpoint_};
  }
  attempt.failure = misdirected ? FailureClass::NeverSent : FailureClass::BadResponse;
  last_failure_ = attempt.failure;
  if (other_) {
    holding_ = true;
    return go_on_with_other(now);
  }
  const policy::RetryContext context{.repeatable = traits_.repeatable,
                                     .replayable = replayable_,
                                     .coordinated = traits_.coordinated};
  const auto denial = schedule_retry(attempt.failure, context, facts, now);
  if (denial) {
    report_.denied = denial;
    return {.kind = Decision::Kind::Forward, .endpoint = endpoint_};
  }
  holding_ = true;
  fresh_next_ = misdirected;
  leave_endpoint(now);
  return wait_decision();
}

Decision Exchange::on_failure(const FailureFacts& facts, Instant now) {
  TryReport& attempt = current_try();
  attempt.duration = now - attempt.started;
  attempt.result = facts.result;
  attempt.failure = facts.failure;
  settle_attempt(facts.ours ? policy::Verdict::Ignored : verdict_of(facts.result), std::nullopt,
                 now);
  last_failure_ = facts.failure;
  const bool out_of_time = facts.result == AttemptResult::Timeout && now >= deadline_;
  last_reason_ = out_of_time ? RejectReason::Deadline : facts.reason;
  const policy::RetryContext context{.repeatable = traits_.repeatable,
                                     .replayable = replayable_ || facts.nothing_written,
                                     .coordinated = traits_.coordinated,
                                     .nothing_written = facts.nothing_written};
  const bool free = facts.failure == FailureClass::StaleReuse && !reconnected_ &&
                    report_.try_count < Report::kTriesMax && deadline_ - now >= policy::kMinTry &&
                    !policy::retry_forbidden(policy_.retry, facts.failure, context);
  if (facts.result == AttemptResult::Timeout) {
    tell_drop(now);
  }
  if (facts.failure == FailureClass::StaleReuse) {
    endpoint_->reuse_from.store(after(now, kReuseDistrust), std::memory_order_relaxed);
  }
  if (other_) {
    return go_on_with_other(now);
  }
  if (free) {
    return reconnect(now);
  }
  leave_endpoint(now);
  if (facts.result == AttemptResult::Cancelled) {
    return give_up(DenyReason::NotRetryable, now);  // Our own word; nothing failed.
  }
  const auto denial = schedule_retry(facts.failure, context, {}, now);
  return denial ? give_up(*denial, now) : wait_decision();
}

Decision Exchange::on_held_lost(Instant /*now*/) {
  holding_ = false;
  // Without a later failure, the loss of the held response itself is the reason.
  const bool known = last_reason_ != RejectReason::None;
  return {.kind = Decision::Kind::Reject, .reason = known ? last_reason_ : RejectReason::Reset};
}

std::optional<DenyReason> Exchange::schedule_retry(FailureClass failure,
                                                   const policy::RetryContext& context,
                                                   const ResponseFacts& response, Instant now) {
  if (response.retry_never) {
    return DenyReason::Coordinated;
  }
  if (const auto forbidden = policy::retry_forbidden(policy_.retry, failure, context)) {
    return forbidden;
  }
  if (report_.attempts >= last_attempt_ || report_.try_count == Report::kTriesMax) {
    return DenyReason::Exhausted;
  }
  const auto delay = retry_delay(response, now);
  if (!delay) {
    return DenyReason::Deadline;
  }
  if (upstream_.breaker().refuses_until(now)) {
    return DenyReason::BreakerOpen;
  }
  const Tried before = tried();
  if (response.other_endpoint_only &&
      !upstream_.has_untried(before.data(), report_.try_count - first_try_, now)) {
    return DenyReason::Coordinated;
  }
  if (!upstream_.budget().try_charge(now)) {
    return DenyReason::Budget;
  }
  charged_ = true;
  charged_at_ = now;
  other_only_ = response.other_endpoint_only;
  last_wait_ = *delay;
  waiting_ = true;
  waiting_since_ = now;
  retry_at_ = after(now, *delay);
  return std::nullopt;
}

std::optional<Duration> Exchange::retry_delay(const ResponseFacts& response, Instant now) {
  const auto& settings = policy_.retry;
  const auto& asked = response.retry_after;
  Duration delay{};
  if (response.pushback) {
    delay = *response.pushback;
  } else if (asked && settings.retry_after.honor && *asked <= settings.retry_after.max) {
    // Spread over half as long again: others were told the same moment.
    delay = upstream_.rng().between(*asked, *asked + *asked / 2);
  } else {
    delay = policy::backoff_delay(settings.backoff, report_.attempts, last_wait_, upstream_.rng());
    delay = settings.adaptive ? upstream_.lengthened(delay, now) : delay;
  }
  const Duration left = deadline_ - now - policy::kMinTry;
  return delay <= left ? std::optional{delay} : std::nullopt;
}

Decision Exchange::wait_decision() const {
  return {.kind = Decision::Kind::Wait, .until = retry_at_};
}

Decision Exchange::give_up(DenyReason denial, Instant now) {
  report_.denied = denial;
  refund(now);
  if (holding_) {
    return {.kind = Decision::Kind::ForwardHeld};
  }
  return {.kind = Decision::Kind::Reject, .reason = last_reason_};
}

void Exchange::refund(Instant now) {
  if (charged_) {
    charged_ = false;
    upstream_.budget().refund(charged_at_, now);
  }
}

}  // namespace fusegate::exchange
