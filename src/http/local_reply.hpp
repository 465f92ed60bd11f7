#pragma once

#include <fusegate/base/vocabulary.hpp>

#include "http/head_buffer.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace fusegate::http {

/// A reply that the operator has written.
struct FixedReply {
  std::span<const std::pair<std::string, std::string>> headers;
  std::string_view body;
};

/// A reply that Fusegate makes itself: application/problem+json (RFC 9457).
struct LocalReply {
  RejectReason reason = RejectReason::None;
  unsigned status = 0;      ///< 0 = status_of(reason).
  std::string_view detail;  ///< Plain words; escaped here, invalid UTF-8 included.
  std::string_view route;
  std::string_view upstream;
  unsigned attempts = 0;
  bool head_request = false;  ///< The head announces the body's length, the body is not sent.
  bool keep_alive = false;
  int client_minor = 1;
  std::optional<std::chrono::seconds> retry_after;  ///< A 503 always has one: 1 unless said here.
  std::string_view retry_marker;                    ///< Value for fusegate-retry, or empty.
  bool overloaded = false;                          ///< x-envoy-overloaded: true
  std::string_view date;                            ///< IMF-fixdate.
  std::string_view request_id;
  const FixedReply* fixed = nullptr;  ///< Stands in for the problem document.
  std::string_view allow;             ///< Value for Allow, with status 405; or empty.
};

/// Appends head and body.
void write_local_reply(const LocalReply& reply, HeadBuffer& out);

/// The phrase of a status in the status line, "Status" when there is none.
std::string_view status_phrase(unsigned status);

}  // namespace fusegate::http
