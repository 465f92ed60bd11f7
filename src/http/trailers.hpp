#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fusegate::http {

/// True when a trailer of this name may be forwarded: not framing, routing, authentication, content
/// description or connection control (RFC 9110 section 6.5.1), and none of Fusegate's own names.
bool may_be_trailer(std::string_view name);

/// Collects the trailer section of a chunked body. Allocates only when there is a trailer line.
class Trailers {
 public:
  static constexpr std::size_t kMaxBytes = 8 * 1024;  ///< Of the section, dropped lines included.
  static constexpr std::size_t kMaxCount = 64;

  enum class Result { More, End, Failed };

  /// Reads from `input` at `at`, which it moves on, until the empty line.
  Result take(std::string_view input, std::size_t& at);

  /// "Name: value\r\n" for each line that may be forwarded.
  std::string_view lines() const { return kept_; }
  std::string_view detail() const { return detail_; }

 private:
  bool add_line();
  Result fail(std::string_view detail);

  std::string line_;  ///< The line so far, its CR included.
  std::string kept_;
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
  std::string_view detail_;
};

}  // namespace fusegate::http
