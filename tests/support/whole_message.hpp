#pragma once

#include "http/chunked.hpp"
#include "http/head_parser.hpp"
#include "http/head_writer.hpp"
#include "support/beast_head.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

/// A whole message as our codec reads it: its head, where its body ends, and what that body is.
namespace fusegate::test {

struct WholeMessage {
  bool accepted = false;  ///< The head is well-formed, and nothing behind it is broken.
  bool complete = false;  ///< The body has its end.
  std::string method;     ///< Of requests.
  std::string target;     ///< Of requests, as it came.
  unsigned status = 0;    ///< Of responses.
  int minor = 1;          ///< As it came.
  Pairs fields;
  http::BodyKind kind{};
  std::string body;
  std::size_t consumed = 0;
  bool upgrade = false;
  /// Beast and llhttp read trailers that speak of framing as if they stood in the head, which RFC
  /// 9110 section 6.5.1 forbids; we drop them.
  bool frames_in_trailers = false;
  std::string forwarded;  ///< Requests only: the head as it goes on.
};

inline bool speaks_of_framing(std::string_view body) {
  std::string lower{body};
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::ranges::any_of(
      std::array{"\ntransfer-encoding:", "\ncontent-length:", "\nconnection:", "\nupgrade:",
                 "\nproxy-connection:"},
      [&](const char* name) { return lower.find(name) != std::string::npos; });
}

/// Reads the body of a message behind its head.
inline void read_body(std::string_view rest, const http::Head& head, WholeMessage& whole) {
  whole.kind = head.body;
  switch (head.body) {
    case http::BodyKind::None:
      whole.complete = true;
      return;
    case http::BodyKind::UntilClose:
      whole.body = rest;
      break;
    case http::BodyKind::Length:
      whole.body = rest.substr(0, std::min<std::uint64_t>(rest.size(), head.content_length));
      whole.complete = whole.body.size() == head.content_length;
      break;
    case http::BodyKind::Chunked: {
      whole.frames_in_trailers = speaks_of_framing(rest);
      http::ChunkDecoder decoder;
      while (!rest.empty() && whole.accepted && !whole.complete) {
        const auto step = decoder.next(rest);
        whole.body += step.data;
        whole.complete = step.done;
        whole.accepted = !step.failed;
        whole.consumed += step.consumed;
        rest.remove_prefix(step.consumed);
      }
      return;
    }
  }
  whole.consumed += whole.body.size();
}

inline int minor_as_it_came(std::string_view raw) {
  const std::size_t at = raw.find("HTTP/1.");
  return at == std::string_view::npos ? -1 : raw[at + 7] - '0';
}

inline WholeMessage read_request(std::string_view text, const http::HeadLimits& limits = {}) {
  http::RequestParser parser;
  http::RequestHead head;
  http::ParseFailure failure;
  WholeMessage whole;
  whole.accepted = parser.parse(text, limits, head, failure) == http::ParseStatus::Complete;
  if (!whole.accepted) {
    return whole;
  }
  whole.method = head.method;
  whole.target = head.target;
  const std::string_view line = head.raw.substr(0, head.raw.find("\r\n", 2));
  whole.minor = minor_as_it_came(line.substr(line.rfind(' ')));
  whole.fields = pairs_of(head.fields);
  whole.upgrade = head.upgrade;
  whole.consumed = head.size;
  http::ForwardRequest forward;
  forward.head = &head;
  forward.target = head.path_and_query;
  // An old client may name no host; the upstream is told its own.
  forward.host = head.authority.empty() ? std::string_view{"upstream"} : head.authority;
  forward.request_id = "id";
  forward.remaining = std::chrono::milliseconds{1000};
  forward.body = head.body;
  forward.content_length = head.content_length;
  forward.upgrade = head.upgrade;
  std::string memory(text.size() + 4096, '\0');
  http::HeadBuffer out{memory.data(), memory.size()};
  http::write_request(forward, out);
  whole.forwarded = out.view();
  read_body(text.substr(head.size), head, whole);
  return whole;
}

inline WholeMessage read_response(std::string_view text) {
  http::ResponseParser parser;
  http::ResponseHead head;
  http::ParseFailure failure;
  WholeMessage whole;
  whole.accepted = parser.parse(text, {}, "GET", head, failure) == http::ParseStatus::Complete;
  if (!whole.accepted) {
    return whole;
  }
  whole.status = head.status;
  whole.minor = minor_as_it_came(head.raw);
  whole.fields = pairs_of(head.fields);
  whole.upgrade = head.upgrade;
  whole.consumed = head.size;
  read_body(text.substr(head.size), head, whole);
  return whole;
}

}  // namespace fusegate::test
