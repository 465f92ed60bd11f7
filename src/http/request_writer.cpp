#include "http/field_copier.hpp"
#include "http/field_set.hpp"
#include "http/head_writer.hpp"

#include <algorithm>

namespace fusegate::http {
namespace {

/// Written anew for every attempt, so no value of the client may stand beside ours.
constexpr FieldSet kRewritten{FieldId::Host,        FieldId::XForwardedFor,   FieldId::XRequestId,
                              FieldId::GrpcTimeout, FieldId::ExpectedTimeout, FieldId::AttemptCount,
                              FieldId::Lookalike};

/// Believed from trusted peers only.
constexpr FieldSet kTrustedOnly{
    FieldId::XForwardedProto, FieldId::XForwardedHost,   FieldId::OtherForwarded,
    FieldId::OtherEnvoy,      FieldId::EnvoyOverloaded,  FieldId::OtherFusegate,
    FieldId::FusegateAttempt, FieldId::FusegateAttempts, FieldId::FusegateRetry,
    FieldId::FusegateReason,  FieldId::FaultAbort,       FieldId::FaultDelay};

/// Connection cannot name these away: a client would remove what a trusted proxy before us has
/// said.
constexpr FieldSet kUnnamed{FieldId::XForwardedProto, FieldId::XForwardedHost, FieldId::Via,
                            FieldId::FusegateAttempt};

FieldSet dropped_fields(const ForwardRequest& request) {
  const RequestHead& head = *request.head;
  FieldSet dropped = kHopByHop;
  dropped.add(kRewritten);
  if (!request.trusted) {
    dropped.add(kTrustedOnly);
  }
  if (request.faults) {
    dropped.add({FieldId::FaultAbort, FieldId::FaultDelay});
  }
  if (request.attempt > 1) {
    dropped.add(FieldId::FusegateAttempt);
  }
  if (request.body != BodyKind::Chunked) {
    dropped.add(FieldId::Trailer);
  }
  // An HTTP/1.0 client cannot take the 100 that the upstream would send (RFC 9110 section 10.1.1).
  if (head.minor == 0 || request.body == BodyKind::None) {
    dropped.add(FieldId::Expect);
  }
  if (head.max_forwards) {
    dropped.add(FieldId::MaxForwards);
  }
  if (head.method == "TRACE") {
    // The answer to TRACE shows the request to whoever asked (RFC 9110 section 9.3.8).
    dropped.add({FieldId::Authorization, FieldId::Cookie});
  }
  return dropped;
}

void write_forwarded_for(const ForwardRequest& request, HeadBuffer& out) {
  if (!request.trusted || !request.head->fields.has(FieldId::XForwardedFor)) {
    if (!request.client_ip.empty()) {
      out.append_field("x-forwarded-for", request.client_ip);
    }
    return;
  }
  bool begun = false;
  const auto add = [&](std::string_view address) {
    if (!address.empty()) {
      out.append(begun ? ", " : "x-forwarded-for: ");
      out.append(address);
      begun = true;
    }
  };
  for (const Field& field : request.head->fields) {
    if (field.id == FieldId::XForwardedFor) {
      add(field.value);
    }
  }
  add(request.client_ip);
  if (begun) {
    out.append("\r\n");
  }
}

void write_forwarded(const ForwardRequest& request, HeadBuffer& out) {
  const FieldList& fields = request.head->fields;
  write_forwarded_for(request, out);
  if (!request.trusted || !fields.has(FieldId::XForwardedProto)) {
    out.append_field("x-forwarded-proto", request.scheme);
  }
  const bool has_host = request.trusted && fields.has(FieldId::XForwardedHost);
  if (!has_host && !request.head->authority.empty()) {
    out.append_field("x-forwarded-host", request.head->authority);
  }
  out.append_field("via", request.head->minor == 0 ? "1.0 fusegate" : "1.1 fusegate");
  if (!request.request_id.empty()) {
    out.append_field("x-request-id", request.request_id);
  }
}

/// At most eight digits and a unit (gRPC over HTTP/2, "Timeout"): milliseconds while they fit.
void write_grpc_timeout(std::uint64_t milliseconds, HeadBuffer& out) {
  static constexpr std::uint64_t kMost = 99'999'999;
  const bool fits = milliseconds <= kMost;
  out.append("grpc-timeout: ");
  out.append_number(fits ? milliseconds : std::min(milliseconds / 1000, kMost));
  out.append(fits ? "m\r\n" : "S\r\n");
}

void write_attempt(const ForwardRequest& request, HeadBuffer& out) {
  const auto left =
      static_cast<std::uint64_t>(std::max<std::int64_t>(1, request.remaining.count()));
  out.append_field("x-envoy-attempt-count", request.attempt);
  out.append_field("x-envoy-expected-rq-timeout-ms", left);
  if (request.head->fields.has(FieldId::GrpcTimeout)) {
    write_grpc_timeout(left, out);
  }
  if (request.attempt > 1) {
    out.append("fusegate-attempt: ");
    out.append_number(request.attempt);
    out.append(";reason=");
    out.append(request.attempt_reason);
    out.append("\r\n");
  }
}

void write_framing(const ForwardRequest& request, HeadBuffer& out) {
  switch (request.body) {
    case BodyKind::Length:
      out.append_field("content-length", request.content_length);
      return;
    case BodyKind::Chunked:
    case BodyKind::UntilClose:
      out.append("transfer-encoding: chunked\r\n");
      return;
    case BodyKind::None:
      break;
  }
  // RFC 9110 section 8.6: a length of zero is said for methods that are expected to have a body.
  const std::string_view method = request.head->method;
  const bool has_body =
      method.starts_with('P') && (method == "POST" || method == "PUT" || method == "PATCH");
  if (has_body || request.head->fields.has(FieldId::ContentLength)) {
    out.append("content-length: 0\r\n");
  }
}

}  // namespace

void write_request(const ForwardRequest& request, HeadBuffer& out) {
  const RequestHead& head = *request.head;
  out.append(head.method);
  out.append(' ');
  out.append(request.target);
  out.append(" HTTP/1.1\r\n");
  out.append_field("host", request.host);
  copy_fields(head, dropped_fields(request), kUnnamed, out);
  if (head.max_forwards) {
    out.append_field("max-forwards", *head.max_forwards == 0 ? 0 : *head.max_forwards - 1);
  }
  write_forwarded(request, out);
  write_attempt(request, out);
  write_framing(request, out);
  if (request.upgrade) {
    write_upgrade(head, out);
  }
  out.append("\r\n");
}

}  // namespace fusegate::http
