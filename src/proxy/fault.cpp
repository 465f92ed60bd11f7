#include <fusegate/policy/fault.hpp>

#include "http/head_buffer.hpp"
#include "net/clock.hpp"
#include "proxy/request_handler.hpp"

#include <algorithm>
#include <charconv>

/// Test faults: an attempt that is delayed, cut or answered here instead of at its endpoint.
namespace fusegate::proxy {
namespace {

constexpr std::uint32_t kLongestDelayMs = 3'600'000;
constexpr std::string_view kBody = "a test fault of the proxy\n";

std::optional<std::uint32_t> number_of(const http::Field* field, std::uint32_t min,
                                       std::uint32_t max) {
  if (field == nullptr) {
    return std::nullopt;
  }
  std::uint32_t value = 0;
  const std::string_view text = field->value;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  const bool valid = error == std::errc{} && end == text.end() && value >= min && value <= max;
  return valid ? std::optional{value} : std::nullopt;
}

}  // namespace

policy::FaultPlan RequestHandler::planned_fault() {
  policy::FaultWish wish;
  if (session_.trusted) {
    const auto& fields = rq_.head.fields;
    wish.abort_status = number_of(fields.find(http::FieldId::FaultAbort), 200, 599);
    const auto delay = number_of(fields.find(http::FieldId::FaultDelay), 0, kLongestDelayMs);
    wish.delay = delay ? std::optional<Duration>{std::chrono::milliseconds{*delay}} : std::nullopt;
  }
  return policy::plan_fault(rq_.route->policy.fault, wish, worker_.rng);
}

/// True when the attempt has its end: a response in `rq_.inbound`, `failed`, or `stop_`.
net::Task<bool> RequestHandler::inject(Instant until, Failure& failed) {
  const policy::FaultPlan plan = planned_fault();
  if (plan.delay == Duration::zero() && !plan.ends_attempt()) {
    co_return false;
  }
  rq_.report.tries[rq_.report.try_count - 1U].injected = true;
  const Instant ready = after(worker_.now(), plan.delay);
  const bool there = co_await pause(std::min(ready, until));
  exchange::FailureFacts facts{};
  facts.failure = FailureClass::NoResponse;
  if (!there) {
    stop_ = Stop::ClientGone;
  } else if (ready >= until) {
    facts.result = AttemptResult::Timeout;
    facts.reason =
        until >= rq_.exchange->deadline() ? RejectReason::Deadline : RejectReason::TryTimeout;
    failed = facts;
  } else if (plan.reset) {
    facts.result = AttemptResult::Reset;
    facts.reason = RejectReason::Reset;
    failed = facts;
  } else if (plan.abort_status != 0) {
    answer_for_upstream(plan.abort_status);
  } else {
    co_return false;
  }
  co_return true;
}

void RequestHandler::answer_for_upstream(std::uint32_t status) {
  Inbound& in = rq_.inbound;
  in.begin = in.filled = 0;
  in.reused = false;
  make_room(in);
  const bool bodiless = status == 204 || status == 205 || status == 304;
  const std::string_view body = bodiless ? std::string_view{} : kBody;
  http::HeadBuffer out{in.buffer.data(), in.buffer.capacity()};
  out.append("HTTP/1.1 ");
  out.append_number(status);
  out.append(" Test Fault\r\n");
  if (!bodiless) {
    out.append("content-type: text/plain\r\n");
    out.append_field("content-length", body.size());
  }
  out.append("\r\n");
  if (!rq_.head.is_head) {
    out.append(body);
  }
  in.filled = out.view().size();
  uploading_ = false;
  http::ParseFailure wrong;
  rq_.response_parser.reset();
  const auto& limits = worker_.shared.config->limits;
  rq_.response_parser.parse(out.view(), {limits.response_head, limits.header_count},
                            rq_.head.method, rq_.response, wrong);
}

}  // namespace fusegate::proxy
