#include "http/field_parser.hpp"

#include "http/chars.hpp"
#include "http/field_id.hpp"
#include "http/scan.hpp"

namespace fusegate::http {
namespace {

void count(FieldId id, FieldCounts& counts) {
  counts.host += id == FieldId::Host;
  counts.content_length += id == FieldId::ContentLength;
  counts.transfer_encoding += id == FieldId::TransferEncoding;
}

std::string_view view(const char* from, const char* to) {
  return {from, static_cast<std::size_t>(to - from)};
}

/// Without the blanks around it. Behind find_line_end() there is no other character up to ' '.
std::string_view trim_value(const char* from, const char* to) {
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  if (to - from >= 2 && *from == ' ' && !is_blank(from[1]) && !is_blank(to[-1])) {
    return view(from + 1, to);  // As nearly all are written.
  }
  while (from != to && is_blank(*from)) {
    ++from;
  }
  while (from != to && is_blank(to[-1])) {
    --to;
  }
  return view(from, to);
}

const char* skip_token(const char* at, const char* end) {
  while (at != end && is_token_char(*at)) {
    ++at;
  }
  return at;
}

/// What ends the fields: an empty line, or something that is no field line.
FieldsResult judge_end(const char* name, const char* stop, const char* end) {
  if (stop == end) {
    return FieldsResult::Cut;
  }
  const bool empty_line = stop == name && end - stop >= 2 && stop[0] == '\r' && stop[1] == '\n';
  return empty_line ? FieldsResult::Ok : FieldsResult::Bad;
}

}  // namespace

FieldsResult parse_fields(const char*& at, const char* end, std::size_t max_count, FieldList& out,
                          FieldCounts& counts) {
  const char* const begin = at;
  std::size_t left = max_count;
  for (const char* name = at;; --left) {
    const char* colon = skip_usual(name, end);
    const bool usual = colon != end && *colon == ':';
    if (!usual) {
      colon = skip_token(colon, end);
      if (colon == end || *colon != ':') {
        at = name;
        return judge_end(name, colon, end);
      }
    }
    if (colon == name) {
      return FieldsResult::Bad;
    }
    const char* const line_end = find_line_end(begin, colon, end);
    if (line_end == nullptr) {
      return FieldsResult::Cut;
    }
    if (left == 0) {
      return FieldsResult::TooMany;
    }
    const std::string_view text = view(name, colon);
    const FieldId id = usual ? usual_field_id(text) : field_id(text);
    out.push({text, trim_value(colon + 1, line_end), id});
    if (id != FieldId::Other) {
      count(id, counts);
    }
    name = line_end + 2;
  }
}

}  // namespace fusegate::http
