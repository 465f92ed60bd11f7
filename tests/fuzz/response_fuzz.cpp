// Bytes as a response head: how they are cut must not change the outcome, and what is accepted must
// be the same to Beast's strict parser.
#include "http/head_parser.hpp"
#include "support/beast_head.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace fusegate;

struct Outcome {
  http::ParseStatus status = http::ParseStatus::NeedMore;
  RejectReason reason = RejectReason::None;
  std::string raw;
  test::Pairs fields;
  http::BodyKind body{};
  std::uint64_t length = 0;
  bool keep_alive = false;
  bool operator==(const Outcome&) const = default;
};

/// `step` bytes more at a time.
Outcome parse(std::string_view text, std::size_t step) {
  http::ResponseParser parser;
  http::ResponseHead head;
  http::ParseFailure failure;
  Outcome outcome;
  for (std::size_t size = 0; size < text.size() && outcome.status == http::ParseStatus::NeedMore;) {
    size = std::min(text.size(), size + step);
    // Other storage each time, of the exact size, so that the sanitizer sees a read behind it.
    const std::string bytes{text.substr(0, size)};
    outcome.status = parser.parse(bytes, {}, "GET", head, failure);
    if (outcome.status == http::ParseStatus::Failed) {
      outcome.reason = failure.reason;
    } else if (outcome.status == http::ParseStatus::Complete) {
      outcome.raw = head.raw;
      outcome.fields = test::pairs_of(head.fields);
      outcome.body = head.body;
      outcome.length = head.content_length;
      outcome.keep_alive = head.keep_alive;
    }
  }
  return outcome;
}

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 4096) {
    return 0;
  }
  const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  const Outcome whole = parse(text, text.size());
  require(whole == parse(text, 1));
  require(whole == parse(text, 1 + data[0] % text.size()));
  if (whole.status == http::ParseStatus::Complete) {
    const test::BeastHead<false> beast(whole.raw);
    // "HTTP/1.1 200" without a blank behind it, and HTTP/1.2, are let pass by ours alone.
    const bool known = whole.raw[12] == ' ' && (whole.raw[7] == '0' || whole.raw[7] == '1');
    require(!known || (beast.complete() && beast.fields() == whole.fields));
  }
  return 0;
}
