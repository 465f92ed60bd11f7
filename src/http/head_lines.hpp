#pragma once

#include "http/head.hpp"
#include "http/scan.hpp"

#include <string_view>

namespace fusegate::http {

/// The start line of a head and where its field lines begin.
class HeadLines {
 public:
  explicit HeadLines(std::string_view bytes)
      : begin_(bytes.data()),
        end_(begin_ + bytes.size()),
        line_end_(find_line_end(begin_, begin_, end_)) {}

  /// False: no whole line is there, it is empty, or a control character is in it.
  bool found() const { return line_end_ != nullptr && line_end_ != begin_; }
  std::string_view start_line() const { return view(begin_, line_end_); }
  const char* fields() const { return line_end_ + 2; }
  const char* end() const { return end_; }

  /// Notes the views of a head whose empty line is at `empty_line`.
  void keep(const char* empty_line, Head& out) const {
    out.raw = view(begin_, empty_line + 2);
    out.field_lines = view(fields(), empty_line);
    out.size = out.raw.size();
  }

 private:
  static std::string_view view(const char* from, const char* to) {
    return {from, static_cast<std::size_t>(to - from)};
  }

  const char* begin_;
  const char* end_;
  const char* line_end_;
};

}  // namespace fusegate::http
