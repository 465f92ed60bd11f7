#include "proxy/request_facts.hpp"

#include <fusegate/policy/deadline.hpp>
#include <fusegate/policy/retry.hpp>

#include "net/clock.hpp"

#include <algorithm>
#include <charconv>

namespace fusegate::proxy {
namespace {

using http::FieldId;

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool has_field(const http::FieldList& fields, std::string_view name, std::string_view value) {
  return std::ranges::any_of(fields, [&](const http::Field& field) {
    return field.value == value && same_name(field.name, name);
  });
}

std::optional<Duration> milliseconds_of(std::string_view text) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.begin(), text.end(), value);
  const bool valid = parsed.ec == std::errc{} && parsed.ptr == text.end() && value > 0;
  constexpr std::int64_t kMax = 24 * 3600 * 1000;
  return valid ? std::optional<Duration>{std::chrono::milliseconds{std::min(value, kMax)}}
               : std::nullopt;
}

/// The smallest of the deadlines that a trusted peer has named; what cannot be read is none.
std::optional<Duration> time_left(const http::FieldList& fields) {
  if (!fields.has(FieldId::ExpectedTimeout) && !fields.has(FieldId::GrpcTimeout)) {
    return std::nullopt;
  }
  std::optional<Duration> least;
  for (const http::Field& field : fields) {
    std::optional<Duration> named;
    if (field.id == FieldId::ExpectedTimeout) {
      named = milliseconds_of(field.value);
    } else if (field.id == FieldId::GrpcTimeout) {
      named = policy::parse_grpc_timeout(field.value);
    }
    if (named && (!least || *named < *least)) {
      least = named;
    }
  }
  return least;
}

/// The word before the parameters: `never` in `never;reason=overload`.
std::string_view first_word(std::string_view value) {
  const std::string_view word = value.substr(0, value.find(';'));
  return word.substr(0, word.find_last_not_of(" \t") + 1);
}

}  // namespace

route::HeaderSource header_source(const http::FieldList& fields) {
  return {&fields, [](const void* list, std::string_view name, std::string_view value) {
            return has_field(*static_cast<const http::FieldList*>(list), name, value);
          }};
}

exchange::RequestTraits traits_of(const http::RequestHead& head,
                                  const config::RequestPolicy& policy, bool trusted) {
  exchange::RequestTraits traits;
  switch (policy.idempotent) {
    case policy::Idempotency::Auto:
      traits.repeatable =
          policy::is_idempotent_method(head.method) || head.fields.has(FieldId::IdempotencyKey);
      break;
    case policy::Idempotency::Always:
      traits.repeatable = true;
      break;
    case policy::Idempotency::Never:
      break;
  }
  if (trusted) {
    traits.coordinated = head.fields.has(FieldId::FusegateAttempt);
    traits.time_left = time_left(head.fields);
  }
  return traits;
}

exchange::ResponseFacts facts_of(const http::ResponseHead& head,
                                 const config::RequestPolicy& policy, WallTime now) {
  exchange::ResponseFacts facts;
  facts.status = static_cast<std::uint16_t>(head.status);
  const auto& fields = head.fields;
  if (const auto* field = fields.find(FieldId::RetryAfter); field != nullptr) {
    facts.retry_after = policy::parse_retry_after(field->value, now);
  }
  if (const auto* field = fields.find(FieldId::GrpcPushback); field != nullptr) {
    const policy::Pushback pushback = policy::parse_pushback(field->value);
    facts.retry_never = pushback.stop;
    facts.pushback = pushback.stop ? std::nullopt : std::optional<Duration>{pushback.delay};
  }
  if (const auto* field = fields.find(FieldId::FusegateRetry); field != nullptr) {
    facts.retry_never = facts.retry_never || same_name(first_word(field->value), "never");
    facts.other_endpoint_only = same_name(first_word(field->value), "other");
  }
  facts.other_endpoint_only = facts.other_endpoint_only || fields.has(FieldId::EnvoyOverloaded);
  facts.header_asks_retry = std::ranges::any_of(
      policy.retry.response_headers, [&](const policy::HeaderCondition& wanted) {
        return has_field(fields, wanted.name, wanted.value);
      });
  return facts;
}

bool authenticates_connection(const http::ResponseHead& head) {
  if (head.status != 401) {
    return false;
  }
  return std::ranges::any_of(head.fields, [](const http::Field& field) {
    return same_name(field.name, "www-authenticate") &&
           (same_name(field.value.substr(0, 4), "ntlm") ||
            same_name(field.value.substr(0, 9), "negotiate"));
  });
}

std::string_view trace_id(const http::RequestHead& head) {
  const http::Field* field = head.fields.find(FieldId::Traceparent);
  if (field == nullptr || field->value.size() < 55 || field->value[2] != '-' ||
      field->value[35] != '-') {
    return {};
  }
  const std::string_view id = field->value.substr(3, 32);
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  const bool valid = std::ranges::all_of(id, is_hex) && id.find_first_not_of('0') != id.npos &&
                     !field->value.starts_with("ff");
  return valid ? id : std::string_view{};
}

std::string_view explanation(RejectReason reason) {
  switch (reason) {
    case RejectReason::None:
      return "";
    case RejectReason::BadRequest:
      return "the request is not valid HTTP/1.1";
    case RejectReason::NoRoute:
      return "no route matches this request";
    case RejectReason::HeadTimeout:
      return "the request did not arrive in time";
    case RejectReason::BodyTooLarge:
      return "the request body is longer than limits.request_body";
    case RejectReason::HeadTooLarge:
      return "the request head is larger than limits.request_head or limits.header_count";
    case RejectReason::Unsupported:
      return "this is not supported";
    case RejectReason::DnsFailed:
      return "the name of the upstream does not resolve";
    case RejectReason::ConnectFailed:
      return "no connection to the upstream could be made";
    case RejectReason::TlsFailed:
      return "the TLS handshake with the upstream failed";
    case RejectReason::Reset:
      return "the upstream closed the connection before it answered";
    case RejectReason::BadResponse:
      return "the upstream's answer is not valid HTTP/1.1";
    case RejectReason::ResponseHeadTooLarge:
      return "the head of the upstream's answer is larger than limits.response_head";
    case RejectReason::BreakerOpen:
      return "the circuit breaker of the upstream is open";
    case RejectReason::BreakerShed:
      return "the upstream is shedding load";
    case RejectReason::NoEndpoint:
      return "the upstream has no endpoint";
    case RejectReason::OverLimit:
      return "too many requests or connections at once";
    case RejectReason::QueueFull:
      return "too many requests wait for this upstream";
    case RejectReason::QueueTimeout:
      return "no slot for this upstream became free in time";
    case RejectReason::Draining:
      return "the proxy is shutting down";
    case RejectReason::Deadline:
      return "the time for this request ran out";
    case RejectReason::TryTimeout:
      return "the upstream did not answer in time";
  }
  return "";
}

bool is_overload(RejectReason reason) {
  switch (reason) {
    case RejectReason::BreakerOpen:
    case RejectReason::BreakerShed:
    case RejectReason::OverLimit:
    case RejectReason::QueueFull:
    case RejectReason::QueueTimeout:
      return true;
    case RejectReason::None:
    case RejectReason::BadRequest:
    case RejectReason::NoRoute:
    case RejectReason::HeadTimeout:
    case RejectReason::BodyTooLarge:
    case RejectReason::HeadTooLarge:
    case RejectReason::Unsupported:
    case RejectReason::DnsFailed:
    case RejectReason::ConnectFailed:
    case RejectReason::TlsFailed:
    case RejectReason::Reset:
    case RejectReason::BadResponse:
    case RejectReason::ResponseHeadTooLarge:
    case RejectReason::NoEndpoint:
    case RejectReason::Draining:
    case RejectReason::Deadline:
    case RejectReason::TryTimeout:
      return false;
  }
  return false;
}

}  // namespace fusegate::proxy
