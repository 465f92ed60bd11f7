#pragma once

#include "http/head.hpp"
#include "http/head_buffer.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

/// Heads as Fusegate sends them on. Framing, hop-by-hop and routing fields are always written anew;
/// all other lines are copied as they came, in their order, in runs as long as possible.
namespace fusegate::http {

struct ForwardRequest {
  const RequestHead* head = nullptr;
  std::string_view target;  ///< What to send.
  std::string_view host;    ///< What to send as Host.
  std::string_view
      client_ip;         ///< Appended to x-forwarded-for; empty = nothing known (unix socket).
  bool trusted = false;  ///< The client's x-forwarded-*, x-envoy-* and fusegate-* are believed.
  std::string_view scheme = "http";
  std::string_view request_id;
  unsigned attempt = 1;                   ///< From 1.
  std::string_view attempt_reason;        ///< word(FailureClass), from attempt 2 on.
  std::chrono::milliseconds remaining{};  ///< Of this attempt; written as at least 1.
  BodyKind body = BodyKind::None;         ///< None, Length or Chunked.
  std::uint64_t content_length = 0;
  bool upgrade = false;
  bool faults = false;  ///< Wishes for test faults were meant for us and go no further.
};

/// Appends a whole request head, always HTTP/1.1. `out.overflow` tells whether it fitted.
void write_request(const ForwardRequest& request, HeadBuffer& out);

struct ForwardResponse {
  const ResponseHead* head = nullptr;
  BodyKind body = BodyKind::None;  ///< As sent to the client: outgoing_body().
  std::uint64_t content_length = 0;
  bool head_request = false;
  int client_minor = 1;
  bool keep_alive = true;  ///< Ignored where the body ends with the connection.
  unsigned attempts = 1;
  bool add_date = false;          ///< Write `date` when the upstream sent none.
  std::string_view date;          ///< IMF-fixdate.
  std::string_view retry_marker;  ///< Value for fusegate-retry, replacing the upstream's; or empty.
  bool upgrade = false;           ///< A 101 that answers the client's offer.
};

/// Appends a whole response head, always HTTP/1.1.
void write_response(const ForwardResponse& response, HeadBuffer& out);

/// Appends an interim response (1xx but not 101). Not for HTTP/1.0 clients.
void write_interim(const ResponseHead& head, HeadBuffer& out);

}  // namespace fusegate::http
