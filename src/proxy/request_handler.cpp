#include "proxy/request_handler.hpp"

#include "net/clock.hpp"
#include "proxy/locked.hpp"
#include "proxy/request_facts.hpp"

#include <algorithm>
#include <charconv>
#include <string>

namespace fusegate::proxy {

RequestHandler::RequestHandler(Session& session, RequestContext& request, char* early,
                               std::size_t early_size)
    : session_(session),
      worker_(session.worker),
      rq_(request),
      early_(early),
      early_size_(early_size),
      ended_before_(session.client_ended()) {}

net::Task<std::size_t> RequestHandler::serve(Session& session, RequestContext& request, char* early,
                                             std::size_t early_size) {
  using Kind = Decision::Kind;
  RequestHandler handler{session, request, early, early_size};
  handler.begin_report();
  const RejectReason refusal = handler.judge();
  if (refusal != RejectReason::None) {
    co_await handler.refuse(refusal);
    co_return handler.early_used_;
  }
  Ending ending = Ending::ClientGone;
  Next next = handler.begin_exchange();
  while (next && handler.stop_ != Stop::ClientGone && session.client().is_open()) {
    handler.fall_back(*next);
    Prepared attempt;
    switch (next->kind) {
      case Kind::Attempt:
        if (!handler.begin_attempt(*next)) {
          attempt = co_await handler.prepare(*next);
        }
        if (!attempt.ended) {
          attempt.failed = co_await handler.exchange_heads(next->until, false);
        }
        next = handler.conclude(attempt.failed);
        break;
      case Kind::Continue:
        next = co_await handler.go_on();
        break;
      case Kind::Wait:
        next = co_await handler.wait_backoff(next->until);
        break;
      case Kind::Queue:
        next = co_await handler.wait_slot(next->until);
        break;
      case Kind::ForwardHeld:
        if (!handler.recall_held()) {
          next = handler.held_lost();
          break;
        }
        [[fallthrough]];
      case Kind::Forward:
        next.reset();
        if (const auto ended = handler.forward_at_once(request.inbound)) {
          ending = *ended;
        } else {
          ending = co_await handler.forward(request.inbound);
        }
        break;
      case Kind::Reject:
        co_await handler.reject(*next);
        ending = Ending::Rejected;
        next.reset();
        break;
    }
  }
  handler.finish(ending);
  co_return handler.early_used_;
}

RequestHandler::Next RequestHandler::begin_exchange() {
  const config::RequestPolicy& policy = rq_.route->policy;
  const auto& limits = worker_.shared.config->limits;
  rq_.traits = traits_of(rq_.head, policy, session_.trusted);
  rq_.traits.hedgeable = is_hedged(policy.hedge);
  const bool has_spare = policy.fallback.kind == config::Fallback::Kind::Upstream;
  const bool keep_body = has_spare || (rq_.traits.repeatable && policy.retries > 0);
  const Upload::Limits bounds{.body_max = limits.request_body,
                              .replay_max = keep_body ? policy.retry.max_body_replay : 0,
                              .memory_max = limits.replay_memory};
  early_used_ = rq_.upload.start(rq_.head.body, rq_.head.content_length, early_, early_size_,
                                 bounds, worker_.buffers, worker_.pipes, worker_.replay_memory);
  const Instant now = rq_.report.started;
  moved_ = now;
  worker_.metrics.route(rq_.report.route).in_flight.add(1);
  return locked([&](exchange::UpstreamState& state) {
    rq_.exchange = &rq_.first.emplace(policy, state, rq_.traits, rq_.report, now);
    return rq_.exchange->begin(&session_, now);
  });
}

/// Answers before there is an exchange.
net::Task<> RequestHandler::refuse(RejectReason reason) {
  const bool body_is_here =
      rq_.head.body == http::BodyKind::Length && rq_.head.content_length <= early_size_;
  if (body_is_here) {
    early_used_ = rq_.head.content_length;
  } else if (rq_.head.body != http::BodyKind::None) {
    session_.close_after();
  }
  Decision decision;
  decision.kind = Decision::Kind::Reject;
  decision.reason = reason;
  co_await reject(decision);
  rq_.report.duration = worker_.refresh() - rq_.report.started;
  worker_.metrics.record(rq_.report);
  worker_.access.record(rq_.report);
}

net::Task<> RequestHandler::reject(const Decision& decision) {
  RejectReason reason = decision.reason;
  if (reason == RejectReason::NoEndpoint && !rq_.upstream->ever_resolved()) {
    reason = RejectReason::DnsFailed;
    rq_.target_scratch =
        "the name " + rq_.upstream->settings().endpoints.front().host + " does not resolve";
    detail_ = rq_.target_scratch;
  }
  if (reason == RejectReason::TlsFailed) {
    detail_ = rq_.tls_problem;
  }
  if (rq_.upstream != nullptr && !rq_.upload.complete()) {
    session_.close_after();
  }
  auto& report = rq_.report;
  report.status = static_cast<std::uint16_t>(status_of(reason));
  report.result = RequestResult::Rejected;
  report.reason = reason;
  http::LocalReply answer;
  answer.reason = reason;
  answer.detail = detail_.empty() ? explanation(reason) : detail_;
  answer.route = rq_.route != nullptr ? std::string_view{rq_.route->name} : "";
  answer.upstream = rq_.upstream != nullptr ? std::string_view{rq_.upstream->settings().name} : "";
  answer.attempts = report.attempts;
  answer.head_request = rq_.head.is_head;
  answer.client_minor = rq_.head.minor;
  answer.request_id = report.request_id;
  answer.overloaded = is_overload(reason);
  answer.retry_marker = retry_marker();
  http::FixedReply fixed;
  if (replies_instead(reason)) {
    const config::Fallback& fallback = rq_.route->policy.fallback;
    fixed = {.headers = fallback.headers, .body = fallback.body};
    answer.fixed = &fixed;
    answer.status = fallback.status;
    answer.retry_marker = {};
    answer.overloaded = false;
    report.status = static_cast<std::uint16_t>(fallback.status);
  }
  if (decision.retry_after && answer.fixed == nullptr) {
    answer.retry_after = std::chrono::ceil<std::chrono::seconds>(*decision.retry_after);
  }
  co_await session_.reply(answer);
}

void RequestHandler::finish(Ending ending) {
  drop(rq_.inbound);
  drop(rq_.other);
  drop(rq_.held);
  auto& report = rq_.report;
  const Instant now = worker_.refresh();  // The last writes count, too.
  report.duration = now - report.started;
  report.bytes_in = rq_.upload.received();
  report.replay_overflow = rq_.upload.overflowed();
  if (report.replay_overflow) {
    worker_.warn_overflow(report.route, report.bytes_in);
  }
  if (ending == Ending::ClientGone) {
    report.result = RequestResult::ClientGone;
    report.status = report.status == 0 ? exchange::kClientGoneStatus : report.status;
    session_.close_after();
  } else if (ending == Ending::CutByUpstream) {
    report.result = RequestResult::Cut;
    session_.close_after();
  } else if (ending == Ending::Delivered) {
    report.result = report.denied ? RequestResult::Failed : RequestResult::Ok;
  }
  if (ending == Ending::ClientGone) {
    leave_upstream(ending, now);  // What was under way is told as cancelled.
  }
  worker_.metrics.record(report);
  worker_.metrics.route(report.route).in_flight.add(-1);
  worker_.access.record(report);
  locked([&](exchange::UpstreamState&) {
    if (const auto heir = rq_.exchange->end(ending, now)) {
      Session::grant_slot(heir);
    }
    return 0;
  });
  end_first(now);
}

}  // namespace fusegate::proxy
