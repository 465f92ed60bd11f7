#pragma once

#include <fusegate/base/vocabulary.hpp>

#include "http/head.hpp"
#include "http/head_scanner.hpp"

#include <cstddef>
#include <string_view>

/// Strict parsers of HTTP/1 heads (RFC 9112). What two implementations could read differently is
/// refused, never repaired.
namespace fusegate::http {

/// A head may have `bytes` bytes, line ends included, and `count` fields (at most 65,534).
struct HeadLimits {
  std::size_t bytes = 64 * 1024;
  std::size_t count = 128;
};

enum class ParseStatus : std::uint8_t { Complete, NeedMore, Failed };

struct ParseFailure {
  RejectReason reason = RejectReason::None;
  std::string_view detail;  ///< Plain words; static storage.
  unsigned status = 0;      ///< 0 = status_of(reason).
};

/// Finds and judges one request head at a time.
class RequestParser {
 public:
  /// `buffer` holds all bytes since the end of the last message; it may lie elsewhere at each call
  /// but must begin with the same bytes. The search goes on where it stopped, so a head that
  /// arrives in pieces costs O(its size). One empty line before the head is skipped and counted in
  /// `out.size`. `out` is valid only after `Complete`; `failure` only after `Failed`, with
  /// BadRequest, HeadTooLarge (431, or 414 for a target) or Unsupported. How the bytes are cut
  /// never changes the outcome.
  ParseStatus parse(std::string_view buffer, const HeadLimits& limits, RequestHead& out,
                    ParseFailure& failure);
  /// Forgets the message: the next call begins a new one.
  void reset() { scanner_.reset(); }

 private:
  HeadScanner scanner_{true};
};

/// The same for responses; failures are BadResponse or ResponseHeadTooLarge.
class ResponseParser {
 public:
  /// `request_method` decides whether there is a body (HEAD). Interim responses (100 to 199) come
  /// out as heads of their own: reset() and go on behind `out.size`.
  ParseStatus parse(std::string_view buffer, const HeadLimits& limits,
                    std::string_view request_method, ResponseHead& out, ParseFailure& failure);
  void reset() { scanner_.reset(); }

 private:
  HeadScanner scanner_{false};
};

}  // namespace fusegate::http
