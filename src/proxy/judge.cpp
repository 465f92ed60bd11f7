#include <fusegate/route/path.hpp>

#include "http/request_id.hpp"
#include "proxy/request_facts.hpp"
#include "proxy/request_handler.hpp"

/// What is asked and of which upstream, or why there will be no attempt.
namespace fusegate::proxy {

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
  report.path = rq_.head.path;
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
  const bool has_parameters = rq_.head.has_semicolon && rq_.path.contains(';');
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

}  // namespace fusegate::proxy
