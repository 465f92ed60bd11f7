#include "http/field_parser.hpp"

#include "http/chars.hpp"

#include <cstring>

namespace fusegate::http {
namespace {

void count(FieldId id, FieldCounts& counts) {
  counts.host += id == FieldId::Host;
  counts.content_length += id == FieldId::ContentLength;
  counts.transfer_encoding += id == FieldId::TransferEncoding;
}

}  // namespace

FieldsResult parse_fields(std::string_view lines, std::size_t max_count, FieldList& out,
                          FieldCounts& counts, std::string_view& detail) {
  const char* at = lines.data();
  const char* const end = at + lines.size();
  while (at != end) {
    // Every line ends with CRLF and neither is a token character, so the loop stops inside the
    // line.
    const char* const name = at;
    while (is_token_char(*at)) {
      ++at;
    }
    if (*at != ':' || at == name) {
      detail = "a field line without a valid name and a colon right behind it";
      return FieldsResult::Bad;
    }
    const char* const colon = at;
    at = static_cast<const char*>(std::memchr(at, '\r', static_cast<std::size_t>(end - at)));
    if (out.size() >= max_count) {
      return FieldsResult::TooMany;
    }
    const auto view = [](const char* from, const char* to) {
      return std::string_view{from, static_cast<std::size_t>(to - from)};
    };
    count(out.push(view(name, colon), trim_blanks(view(colon + 1, at))), counts);
    at += 2;
  }
  return FieldsResult::Ok;
}

}  // namespace fusegate::http
