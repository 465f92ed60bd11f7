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

enum class FieldsResult : std::uint8_t { Ok, Bad, TooMany };

/// Cuts `lines`, each "name:value" CRLF, into `out`; at most `max_count`. After Bad, `detail` names
/// the rule. The lines must have passed the HeadScanner: it has proven that they have no control
/// characters, that every CR is part of a CRLF and that none is folded, so names are what is left
/// to judge.
///
/// Beast's basic_parser in this place costs 6,400 instructions more for the two heads of a small
/// exchange, beside a scan that is needed anyway; tests/property/http holds this code against it.
FieldsResult parse_fields(std::string_view lines, std::size_t max_count, FieldList& out,
                          FieldCounts& counts, std::string_view& detail);

}  // namespace fusegate::http
