#include "http/chars.hpp"
#include "http/field_copier.hpp"
#include "http/field_set.hpp"
#include "http/head_writer.hpp"

namespace fusegate::http {
namespace {

/// What another Fusegate behind us said about its own attempts; ours are counted here.
constexpr FieldSet kOurs{FieldId::FusegateAttempts, FieldId::FusegateReason,
                         FieldId::FusegateAttempt};

bool is_bodiless(unsigned status) { return status < 200 || status == 204; }

/// May the connection go on behind this body?
bool ends_by_itself(const ForwardResponse& response) {
  const bool unsized = response.body == BodyKind::Chunked || response.body == BodyKind::UntilClose;
  if (!unsized || response.head_request || is_bodiless(response.head->status)) {
    return true;
  }
  return response.body == BodyKind::Chunked && response.client_minor >= 1;
}

void write_status_line(const ResponseHead& head, HeadBuffer& out) {
  const std::size_t size = head.raw.size() - 2 - head.field_lines.size();
  const std::string_view line{head.raw.data(), size};
  if (begins_with(line, "HTTP/1.1 ") && !head.reason.empty()) {
    out.append(line);  // The parser has proved its form.
    return;
  }
  out.append("HTTP/1.1 ");
  out.append_number(head.status);
  out.append(' ');
  out.append(head.reason);
  out.append("\r\n");
}

void write_framing(const ForwardResponse& response, HeadBuffer& out) {
  const ResponseHead& head = *response.head;
  if (is_bodiless(head.status)) {
    return;
  }
  if (response.head_request || head.status == 304) {
    // The length that a GET would have had; a wrong one cannot be told from a right one here.
    if (head.fields.has(FieldId::ContentLength)) {
      out.append_field("content-length", head.content_length);
    }
    return;
  }
  switch (response.body) {
    case BodyKind::None:
      out.append("content-length: 0\r\n");
      return;
    case BodyKind::Length:
      out.append_field("content-length", response.content_length);
      return;
    case BodyKind::Chunked:
      if (response.client_minor >= 1) {
        out.append("transfer-encoding: chunked\r\n");
      }
      return;
    case BodyKind::UntilClose:
      return;
  }
}

void write_connection(const ForwardResponse& response, HeadBuffer& out) {
  if (response.upgrade) {
    write_upgrade(*response.head, out);
  } else if (!response.keep_alive || !ends_by_itself(response)) {
    out.append("connection: close\r\n");
  } else if (response.client_minor == 0) {
    out.append("connection: keep-alive\r\n");
  }
}

FieldSet dropped_fields(const ForwardResponse& response) {
  FieldSet dropped = kHopByHop;
  dropped.add(kOurs);
  if (!response.retry_marker.empty()) {
    dropped.add(FieldId::FusegateRetry);
  }
  if (response.body != BodyKind::Chunked || response.client_minor == 0) {
    dropped.add(FieldId::Trailer);
  }
  return dropped;
}

}  // namespace

void write_response(const ForwardResponse& response, HeadBuffer& out) {
  const ResponseHead& head = *response.head;
  write_status_line(head, out);
  copy_fields(head, dropped_fields(response), {}, out);
  if (response.add_date && !head.fields.has(FieldId::Date) && head.status >= 200) {
    out.append_field("date", response.date);
  }
  if (response.attempts > 1) {
    out.append_field("fusegate-attempts", response.attempts);
  }
  if (!response.retry_marker.empty()) {
    out.append_field("fusegate-retry", response.retry_marker);
  }
  write_framing(response, out);
  write_connection(response, out);
  out.append("\r\n");
}

void write_interim(const ResponseHead& head, HeadBuffer& out) {
  FieldSet dropped = kHopByHop;
  dropped.add(kOurs);
  dropped.add(FieldId::Trailer);
  write_status_line(head, out);
  copy_fields(head, dropped, {}, out);
  out.append("\r\n");
}

}  // namespace fusegate::http
