#pragma once

#include "http/head_parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace fusegate::http::testing {

/// What a parser said about some bytes, as text, so that two outcomes can be compared whole.
inline std::string describe_fields(const Head& head) {
  std::string text =
      " minor=" + std::to_string(head.minor) +
      " body=" + std::to_string(static_cast<int>(head.body)) +
      " length=" + std::to_string(head.content_length) +
      " keep=" + std::to_string(head.keep_alive) + " upgrade=" + std::to_string(head.upgrade) +
      " nominates=" + std::to_string(head.nominates) + " size=" + std::to_string(head.size);
  for (const Field& field : head.fields) {
    text += " [" + std::string(field.name) + "|" + std::string(field.value) + "]";
  }
  return text;
}

inline std::string describe(const RequestHead& head) {
  return "request " + std::string(head.method) + " " + std::string(head.target) + " " +
         std::string(head.path_and_query) + " " + std::string(head.authority) +
         " expect=" + std::to_string(head.expect_continue) +
         " absolute=" + std::to_string(head.absolute_form) +
         " asterisk=" + std::to_string(head.asterisk) + describe_fields(head);
}

inline std::string describe(const ResponseHead& head) {
  return "response " + std::to_string(head.status) + " " + std::string(head.reason) +
         describe_fields(head);
}

/// Parses `text` as it arrives in `pieces`; each call sees a buffer at a new address.
template <class Parse>
std::string outcome_of(const std::vector<std::string_view>& pieces, Parse parse) {
  std::string arrived;
  ParseFailure failure;
  for (const std::string_view piece : pieces) {
    arrived.append(piece);
    const std::string moved = arrived;
    std::string described;
    switch (parse(moved, failure, described)) {
      case ParseStatus::Complete:
        return described;
      case ParseStatus::Failed:
        return std::string(word(failure.reason)) + ": " + std::string(failure.detail);
      case ParseStatus::NeedMore:
        break;
    }
  }
  return "more";
}

inline std::string request_outcome(const std::vector<std::string_view>& pieces,
                                   const HeadLimits& limits = {}) {
  RequestParser parser;
  return outcome_of(pieces, [&](std::string_view buffer, ParseFailure& failure, std::string& text) {
    RequestHead head;
    const ParseStatus status = parser.parse(buffer, limits, head, failure);
    text = describe(head);
    return status;
  });
}

inline std::string response_outcome(const std::vector<std::string_view>& pieces,
                                    std::string_view method = "GET",
                                    const HeadLimits& limits = {}) {
  ResponseParser parser;
  return outcome_of(pieces, [&](std::string_view buffer, ParseFailure& failure, std::string& text) {
    ResponseHead head;
    const ParseStatus status = parser.parse(buffer, limits, method, head, failure);
    text = describe(head);
    return status;
  });
}

inline std::vector<std::string_view> bytes_of(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < text.size(); ++i) {
    pieces.push_back(text.substr(i, 1));
  }
  return pieces;
}

/// Cuts `text` at every position, and into single bytes, and expects the outcome of the whole.
template <class Outcome>
void expect_same_when_split(std::string_view text, Outcome outcome) {
  const std::string whole = outcome(std::vector<std::string_view>{text});
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    const std::vector<std::string_view> pieces{text.substr(0, cut), text.substr(cut)};
    EXPECT_EQ(outcome(pieces), whole) << "cut at " << cut << " of: " << text;
  }
  EXPECT_EQ(outcome(bytes_of(text)), whole) << "byte by byte: " << text;
}

}  // namespace fusegate::http::testing
