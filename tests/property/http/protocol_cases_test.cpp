#include "support/protocol_cases.hpp"

#include "http/chunked.hpp"
#include "http/head_parser.hpp"
#include "unit/http/http_testing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

/// The cases of the protocol on the codec alone, cut at every byte: what is made of a message may
/// not depend on how it arrives.
namespace fusegate::http {
namespace {

using test::ProtocolCase;

constexpr HeadLimits kLimits{.bytes = 16 * 1024, .count = 100};
constexpr std::size_t kMost = 64 * 1024;  ///< Of a text; what follows is more of the same.

/// Reads messages one after the other and writes down what it makes of them.
class Codec {
 public:
  /// `method` empty = requests, else the responses to a request of that method.
  explicit Codec(std::string_view method) : method_(method) {}

  void feed(std::string_view piece) {
    if (failed_) {
      return;
    }
    buffer_.append(piece);
    while (step()) {
    }
  }

  std::string said() const {
    const std::string left = std::to_string(buffer_.size()) + " bytes left";
    return said_ + (failed_    ? ""
                    : in_body_ ? "\nin a body, " + left
                               : "\nbetween messages, " + left);
  }
  bool failed() const { return failed_; }
  unsigned messages() const { return messages_; }

 private:
  /// False = more bytes are needed.
  bool step() { return in_body_ ? body() : head(); }

  bool head() {
    // The bytes lie elsewhere at each call, as they do when a buffer grows.
    const std::string moved = buffer_;
    ParseFailure failure;
    const Head& parsed = method_.empty() ? static_cast<const Head&>(request_) : response_;
    const ParseStatus status =
        method_.empty() ? request_parser_.parse(moved, kLimits, request_, failure)
                        : response_parser_.parse(moved, kLimits, method_, response_, failure);
    if (status == ParseStatus::NeedMore) {
      return false;
    }
    if (status == ParseStatus::Failed) {
      return fail(failure.detail);
    }
    said_ += "\n" + (method_.empty() ? testing::describe(request_) : testing::describe(response_));
    begin_body(parsed);
    return !buffer_.empty() || !in_body_;
  }

  void begin_body(const Head& head) {
    buffer_.erase(0, head.size);
    request_parser_.reset();
    response_parser_.reset();
    kind_ = head.body;
    left_ = head.content_length;
    chunks_.reset();
    said_ += "\n{";
    body_begin_ = said_.size();
    in_body_ = true;
    if (kind_ == BodyKind::None) {
      end_body();
    }
  }

  bool body() {
    if (buffer_.empty()) {
      return false;
    }
    std::size_t used = buffer_.size();
    if (kind_ == BodyKind::Chunked) {
      const auto step = chunks_.next(buffer_);
      used = step.consumed;
      said_ += step.data;
      if (step.failed) {
        return fail(chunks_.detail());
      }
      in_body_ = !step.done;
    } else {
      used = kind_ == BodyKind::Length ? std::min<std::size_t>(used, left_) : used;
      said_ += buffer_.substr(0, used);
      left_ -= std::min<std::uint64_t>(left_, used);
      in_body_ = kind_ == BodyKind::UntilClose || left_ > 0;
    }
    buffer_.erase(0, used);
    if (!in_body_) {
      end_body();
    }
    return used > 0;
  }

  void end_body() {
    in_body_ = false;
    ++messages_;
    said_ += "}" + std::string(kind_ == BodyKind::Chunked ? chunks_.trailers() : "");
  }

  bool fail(std::string_view detail) {
    if (in_body_) {
      said_.resize(body_begin_);  // How much of a broken body was given out depends on the cut.
    }
    said_ += "\nfailed: " + std::string(detail);
    buffer_.clear();
    failed_ = true;
    return false;
  }

  std::string_view method_;
  std::string buffer_;
  std::string said_;
  RequestParser request_parser_;
  ResponseParser response_parser_;
  RequestHead request_;
  ResponseHead response_;
  ChunkDecoder chunks_;
  BodyKind kind_ = BodyKind::None;
  std::uint64_t left_ = 0;
  std::size_t body_begin_ = 0;
  unsigned messages_ = 0;
  bool in_body_ = false;
  bool failed_ = false;
};

Codec read(std::string_view method, const std::vector<std::string_view>& pieces) {
  Codec codec{method};
  for (const std::string_view piece : pieces) {
    codec.feed(piece);
  }
  return codec;
}

/// Every cut of a text, or forty of a long one, and single bytes.
void expect_same_however_cut(std::string_view method, std::string_view text,
                             const std::string& name) {
  const std::string whole = read(method, {text}).said();
  constexpr std::size_t kLong = 512;
  const std::size_t step = text.size() < kLong ? 1 : text.size() / 40;
  for (std::size_t cut = 1; cut < text.size(); cut += step) {
    const auto halves = read(method, {text.substr(0, cut), text.substr(cut)});
    ASSERT_EQ(halves.said(), whole) << name << ", cut at " << cut;
  }
  if (text.size() > kLong) {
    return;
  }
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bytes.push_back(text.substr(i, 1));
  }
  EXPECT_EQ(read(method, bytes).said(), whole) << name << ", byte by byte";
}

std::string_view method_of(const ProtocolCase& one) {
  const std::string_view request = one.request;
  return request.empty() ? "GET" : request.substr(0, request.find(' '));
}

TEST(ProtocolCases, RequestsMeanTheSameHoweverTheyAreCut) {
  const auto cases = test::protocol_cases("requests");
  ASSERT_GT(cases.size(), 500U);
  for (const ProtocolCase& one : cases) {
    expect_same_however_cut("", std::string_view{one.request}.substr(0, kMost), one.name);
  }
}

TEST(ProtocolCases, ResponsesMeanTheSameHoweverTheyAreCut) {
  const auto cases = test::protocol_cases("responses");
  ASSERT_GT(cases.size(), 200U);
  for (const ProtocolCase& one : cases) {
    expect_same_however_cut(method_of(one), std::string_view{one.response}.substr(0, kMost),
                            one.name);
  }
}

TEST(ProtocolCases, WhatPassesIsSoundAndWhatBreaksIsNot) {
  for (const ProtocolCase& one : test::protocol_cases("requests")) {
    const Codec codec = read("", {one.request});
    if (one.outcome == "pass") {
      EXPECT_GE(codec.messages(), one.number) << one.name << codec.said();
    } else if (one.outcome == "break") {
      EXPECT_TRUE(codec.failed()) << one.name << codec.said();
    } else if (one.outcome == "drop") {
      EXPECT_EQ(codec.messages(), 0U) << one.name << codec.said();
    }
  }
}

}  // namespace
}  // namespace fusegate::http
