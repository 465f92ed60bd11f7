#pragma once

#include "http/head_parser.hpp"
#include "support/beast_head.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

/// What the fuzzers of both kinds of head share.
namespace fusegate::test {

inline void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

struct Outcome {
  http::ParseStatus status = http::ParseStatus::NeedMore;
  RejectReason reason = RejectReason::None;
  std::string raw;
  Pairs fields;
  http::BodyKind body{};
  std::uint64_t length = 0;
  bool keep_alive = false;
  bool operator==(const Outcome&) const = default;
};

/// What `call(bytes, head, failure)`, a parser's, makes of `text`, `step` bytes more at a time.
template <class Head, class Call>
Outcome parse_in_steps(std::string_view text, std::size_t step, Call call) {
  Head head;
  http::ParseFailure failure;
  Outcome outcome;
  for (std::size_t size = 0; size < text.size() && outcome.status == http::ParseStatus::NeedMore;) {
    size = std::min(text.size(), size + step);
    // Other storage each time, of the exact size, so that the sanitizer sees a read behind it.
    const std::string bytes{text.substr(0, size)};
    outcome.status = call(bytes, head, failure);
    if (outcome.status == http::ParseStatus::Failed) {
      outcome.reason = failure.reason;
    } else if (outcome.status == http::ParseStatus::Complete) {
      outcome.raw = head.raw;
      outcome.fields = pairs_of(head.fields);
      outcome.body = head.body;
      outcome.length = head.content_length;
      outcome.keep_alive = head.keep_alive;
    }
  }
  return outcome;
}

/// The outcome of the bytes behind the first, which says where they are cut.
template <class Parse>
Outcome same_however_cut(const std::uint8_t* data, std::size_t size, Parse parse) {
  if (size < 2 || size > 4096) {
    return {};
  }
  const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  const Outcome whole = parse(text, text.size());
  require(whole == parse(text, 1));
  require(whole == parse(text, 1 + data[0] % text.size()));
  return whole;
}

}  // namespace fusegate::test
