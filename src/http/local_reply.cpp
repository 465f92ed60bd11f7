#include "http/local_reply.hpp"

#include "http/json_text.hpp"

#include <algorithm>

namespace fusegate::http {
namespace {

void append_member(std::string_view name, std::string_view value, HeadBuffer& out) {
  out.append(",\"");
  out.append(name);
  out.append("\":");
  append_json_string(value, out);
}

void append_member(std::string_view name, std::uint64_t value, HeadBuffer& out) {
  out.append(",\"");
  out.append(name);
  out.append("\":");
  out.append_number(value);
}

void write_body(const LocalReply& reply, unsigned status, HeadBuffer& out) {
  if (reply.fixed != nullptr) {
    out.append(reply.fixed->body);
    return;
  }
  // RFC 9457 section 4.2.1: with about:blank the title is the phrase of the status.
  out.append("{\"type\":\"about:blank\"");
  append_member("title", status_phrase(status), out);
  append_member("status", status, out);
  append_member("detail", reply.detail, out);
  append_member("reason", word(reply.reason), out);
  append_member("route", reply.route, out);
  append_member("upstream", reply.upstream, out);
  append_member("attempts", reply.attempts, out);
  out.append("}\n");
}

void write_markers(const LocalReply& reply, unsigned status, HeadBuffer& out) {
  if (!word(reply.reason).empty()) {
    out.append_field("fusegate-reason", word(reply.reason));
  }
  if (reply.attempts > 1) {
    out.append_field("fusegate-attempts", reply.attempts);
  }
  if (!reply.retry_marker.empty()) {
    out.append_field("fusegate-retry", reply.retry_marker);
  }
  if (status == 503 || reply.retry_after) {
    const auto seconds = reply.retry_after.value_or(std::chrono::seconds{1}).count();
    out.append_field("retry-after", static_cast<std::uint64_t>(std::max<std::int64_t>(1, seconds)));
  }
  if (reply.overloaded) {
    out.append("x-envoy-overloaded: true\r\n");
  }
}

void write_content(const LocalReply& reply, unsigned status, std::size_t length, HeadBuffer& out) {
  if (reply.fixed == nullptr) {
    out.append("content-type: application/problem+json\r\n");
  } else {
    for (const auto& [name, value] : reply.fixed->headers) {
      out.append_field(name, value);
    }
  }
  if (status != 204 && status != 304) {  // RFC 9110 section 8.6
    out.append_field("content-length", length);
  }
}

void write_head(const LocalReply& reply, unsigned status, std::size_t length, HeadBuffer& out) {
  out.append("HTTP/1.1 ");
  out.append_number(status);
  out.append(' ');
  out.append(status_phrase(status));
  out.append("\r\n");
  if (!reply.date.empty()) {
    out.append_field("date", reply.date);
  }
  write_content(reply, status, length, out);
  write_markers(reply, status, out);
  if (!reply.request_id.empty()) {
    out.append_field("x-request-id", reply.request_id);
  }
  if (!reply.allow.empty()) {
    out.append_field("allow", reply.allow);
  }
  if (!reply.keep_alive) {
    out.append("connection: close\r\n");
  } else if (reply.client_minor == 0) {
    out.append("connection: keep-alive\r\n");
  }
  out.append("\r\n");
}

}  // namespace

void write_local_reply(const LocalReply& reply, HeadBuffer& out) {
  const unsigned status = reply.status != 0 ? reply.status : status_of(reply.reason);
  const std::size_t begin = out.size;
  // The head needs the length of the body, so the body is written first and then moved behind it.
  write_body(reply, status, out);
  const std::size_t length = out.size - begin;
  if (reply.head_request) {
    out.size = begin;
  }
  const std::size_t middle = out.size;
  write_head(reply, status, length, out);
  std::rotate(out.data + begin, out.data + middle, out.data + out.size);
}

std::string_view status_phrase(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

}  // namespace fusegate::http
