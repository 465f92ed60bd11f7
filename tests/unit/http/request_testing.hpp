#pragma once

#include "unit/http/http_testing.hpp"

#include <string>
#include <string_view>

namespace fusegate::http::testing {

/// A request head for `line`, with a Host and `fields`.
inline std::string request(std::string_view line, std::string_view fields = "") {
  return std::string(line) + "\r\nHost: t.example\r\n" + std::string(fields) + "\r\n";
}
inline std::string get(std::string_view fields) { return request("GET /a HTTP/1.1", fields); }
inline std::string post(std::string_view fields) { return request("POST /a HTTP/1.1", fields); }

inline void expect_refused(std::string_view text, std::string_view reason) {
  const std::string outcome = request_outcome({text});
  EXPECT_TRUE(outcome.starts_with(std::string(reason) + ": ")) << outcome << "\nfor: " << text;
  EXPECT_GT(outcome.size(), reason.size() + 2) << "no detail for: " << text;
  expect_same_when_split(text, [](const auto& pieces) { return request_outcome(pieces); });
}
inline void expect_bad(std::string_view text) { expect_refused(text, "bad_request"); }
inline void expect_unsupported(std::string_view text) { expect_refused(text, "unsupported"); }

/// Parses a head that must be good and lets `check` look at it while its bytes live.
template <class Check>
void expect_good(std::string_view text, Check check) {
  RequestParser parser;
  RequestHead head;
  ParseFailure failure;
  ASSERT_EQ(parser.parse(text, {}, head, failure), ParseStatus::Complete)
      << failure.detail << "\nfor: " << text;
  check(head);
  expect_same_when_split(text, [](const auto& pieces) { return request_outcome(pieces); });
}
inline void expect_good(std::string_view text) {
  expect_good(text, [](const RequestHead&) {});
}

}  // namespace fusegate::http::testing
