#include "proxy/request_handler.hpp"

#include <fusegate/policy/retry.hpp>
#include <fusegate/route/path.hpp>

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
  auto& in_flight = handler.worker_.metrics.route(request.report.route).in_flight;
  in_flight.add(1);
  Ending ending = Ending::ClientGone;
  Next next = handler.begin_exchange();
  while (next && session.client().is_open()) {
    if (request.route->policy.fallback.kind != config::Fallback::Kind::Off) {
      next = handler.fall_back(*next);
    }
    switch (next->kind) {
      case Kind::Attempt:
        next = co_await handler.attempt(*next);
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
        ending = co_await handler.forward(request.inbound);
        next.reset();
        break;
      case Kind::Continue:  // Said and obeyed within an attempt.
      case Kind::Reject:
        co_await handler.reject(*next);
        ending = Ending::Rejected;
        next.reset();
        break;
    }
  }
  handler.finish(ending);
  in_flight.add(-1);
  co_return handler.early_used_;
}

/// Why there will be no attempt; None when there may be one, and then its target is known.
RejectReason RequestHandler::judge() {
  if (!rq_.head.keep_alive || worker_.draining()) {
    session_.close_after();
  }
  if (rq_.head.max_forwards == 0) {
    // RFC 9110 section 7.6.2: it may go no further.
    detail_ = "Max-Forwards is used up, and OPTIONS and TRACE end nowhere here";
    return RejectReason::Unsupported;
  }
  if (!find_route()) {
    if (detail_.empty()) {
      detail_ = "no route matches this request";
      return RejectReason::NoRoute;
    }
    session_.close_after();
    return RejectReason::BadRequest;
  }
  const auto& limits = worker_.shared.config->limits;
  if (limits.request_body > 0 && rq_.head.content_length > limits.request_body) {
    detail_ = "the request body is longer than limits.request_body";
    return RejectReason::BodyTooLarge;
  }
  choose_target();
  return RejectReason::None;
}

void RequestHandler::begin_report() {
  auto& report = rq_.report;
  report.listener = session_.listener;
  report.route = report.upstream = exchange::Report::kNone;
  report.status = 0;
  report.result = RequestResult::Ok;
  report.reason = RejectReason::None;
  report.method = rq_.head.method;
  report.host = rq_.head.authority;
  report.path = rq_.head.path_and_query.substr(0, rq_.head.path_and_query.find('?'));
  report.protocol = rq_.head.minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
  report.trace_id = trace_id(rq_.head);
  report.client = session_.client_text();
  report.started = worker_.now();
  report.started_wall = worker_.wall_now();
  report.duration = report.upstream_time = report.backoff = Duration{};
  report.queue_wait.reset();
  report.queue_upstream = exchange::Report::kNone;
  report.bytes_in = report.bytes_out = 0;
  report.denied.reset();
  report.replay_overflow = false;
  report.attempts = report.try_count = 0;
  const http::Field* kept = rq_.head.fields.find(http::FieldId::XRequestId);
  report.request_id = kept != nullptr && http::valid_request_id(kept->value)
                          ? kept->value
                          : http::make_request_id(worker_.rng.next(), worker_.rng.next(),
                                                  rq_.request_id_text.data());
}

bool RequestHandler::find_route() {
  rq_.path = rq_.report.path;
  if (!rq_.head.asterisk) {
    const auto canonical = route::canonical_path(rq_.report.path, rq_.path_scratch);
    if (!canonical) {
      detail_ = canonical.error().detail;
      return false;
    }
    rq_.path = *canonical;
  }
  const bool has_parameters = rq_.path.contains(';');
  const route::RequestView view{
      .method = rq_.head.method,
      .host = rq_.head.authority,
      .path = rq_.path,
      .bare_path = has_parameters ? route::without_parameters(rq_.path, rq_.target_scratch)
                                  : std::string_view{},
      .headers = header_source(rq_.head.fields)};
  const auto index = worker_.shared.routes.match(view, session_.listener);
  if (!index) {
    return false;
  }
  rq_.route = &worker_.shared.config->routes[*index];
  rq_.upstream = worker_.shared.upstreams[rq_.route->upstream].get();
  rq_.report.route = *index;
  rq_.report.upstream = rq_.route->upstream;
  return true;
}

/// The path goes on as it came unless the route rewrites it.
void RequestHandler::choose_target() {
  const config::Rewrite& rewrite = rq_.route->rewrite;
  rq_.target = rq_.head.path_and_query;
  if (rewrite.strip_prefix && !rq_.head.asterisk) {
    rq_.target_scratch = route::strip_prefix(rq_.target, rq_.route->match.path);
    rq_.target = rq_.target_scratch;
  }
  rq_.host = rq_.head.authority;
  if (rewrite.host == config::HostRewrite::Name) {
    rq_.host = rewrite.host_name;
  } else if (rewrite.host == config::HostRewrite::Upstream || rq_.host.empty()) {
    rq_.host = rq_.upstream->settings().endpoints.front().authority;
  }
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
    report.status = report.status == 0 ? std::uint16_t{499} : report.status;
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
