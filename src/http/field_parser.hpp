#pragma once

#include "http/head.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fusegate::http {

/// How often the fields occurred that decide about framing and routing.
struct FieldCounts {
  std::uint32_t host = 0;
  std::uint32_t content_length = 0;
  std::uint32_t transfer_encoding = 0;
};

/// What Bad means, in plain words.
inline constexpr std::string_view kBadFieldLine =
    "a field line without a valid name and a colon right behind it";

/// Cut: the empty line behind the fields is not there, or a line contains what no line may; the
/// HeadScanner knows which of the two.
enum class FieldsResult : std::uint8_t { Ok, Cut, Bad, TooMany };

/// Cuts the field lines at `at` into `out`, at most `max_count`, and leaves `at` at the CR of the
/// empty line behind them. Bad = a line without a valid name and a colon right behind it. One pass:
/// what is Ok has no control characters, no bare CR or LF and no folded line.
///
/// Beast's basic_parser in this place costs 6,400 instructions more for the two heads of a small
/// exchange, beside a scan that is needed anyway; tests/property/http holds this code against it.
FieldsResult parse_fields(const char*& at, const char* end, std::size_t max_count, FieldList& out,
                          FieldCounts& counts);

}  // namespace fusegate::http
