#include "http/chars.hpp"
#include "http/field_parser.hpp"
#include "http/framing.hpp"
#include "http/head_lines.hpp"
#include "http/head_parser.hpp"
#include "http/target.hpp"

#include <algorithm>

namespace fusegate::http {
namespace {

constexpr std::string_view kTooManyFields = "too many header fields";

bool refuse(ParseFailure& failure, RejectReason reason, std::string_view detail) {
  failure = {reason, detail};
  return false;
}

bool bad_request(ParseFailure& failure, std::string_view detail) {
  return refuse(failure, RejectReason::BadRequest, detail);
}

/// "METHOD SP target SP HTTP/1.x", nothing more and no other blanks.
bool read_request_line(std::string_view line, RequestHead& out, ParseFailure& failure) {
  static constexpr std::size_t kVersionSize = 9;  // Of " HTTP/1.x".
  std::size_t method = 0;
  while (method < line.size() && is_token_char(line[method])) {
    ++method;
  }
  if (method == 0 || method == line.size() || line[method] != ' ') {
    return bad_request(failure, "the request line does not begin with a method");
  }
  out.method = {line.data(), method};
  const std::string_view rest{line.data() + method + 1, line.size() - method - 1};
  if (rest.empty() || rest.front() == ' ') {
    return bad_request(failure, "the request line has no target, or more than one blank before it");
  }
  const std::size_t target = std::max(rest.size(), kVersionSize) - kVersionSize;
  const std::string_view version{rest.data() + target, rest.size() - target};
  if (target == 0 || !begins_with(version, " HTTP/1.") || !is_digit(version.back())) {
    return bad_request(failure, "the request line does not end with HTTP/1.1 or HTTP/1.0");
  }
  out.target = {rest.data(), target};
  out.minor = version.back() == '0' ? 0 : 1;
  out.is_head = out.method == "HEAD";
  return true;
}

bool read_host(const FieldCounts& counts, RequestHead& out, ParseFailure& failure) {
  if (counts.host > 1) {
    return bad_request(failure, "several Host fields");
  }
  if (counts.host == 0) {
    return out.minor == 0 || bad_request(failure, "no Host field");
  }
  const std::string_view host = out.fields.find(FieldId::Host)->value;
  if (!valid_authority(host)) {
    return bad_request(failure, "the Host field is not a host with an optional port");
  }
  if (!out.absolute_form) {
    out.authority = host;
  }
  return true;
}

void read_max_forwards(RequestHead& out) {
  const Field* field = out.fields.find(FieldId::MaxForwards);
  if (field == nullptr || (out.method != "OPTIONS" && out.method != "TRACE") ||
      field->value.empty() || field->value.size() > 9) {
    return;
  }
  std::uint64_t value = 0;
  for (const char c : field->value) {
    if (!is_digit(c)) {
      return;
    }
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  out.max_forwards = value;
}

bool read_framing_fields(const FieldCounts& counts, RequestHead& out, ParseFailure& failure) {
  std::string_view detail;
  switch (read_framing(counts, out, detail)) {
    case FramingResult::Ok:
      break;
    case FramingResult::Bad:
      return bad_request(failure, detail);
    case FramingResult::UnknownCoding:
      return refuse(failure, RejectReason::Unsupported, detail);
  }
  if (!read_connection(out, detail)) {
    return bad_request(failure, detail);
  }
  const Field* expect = out.fields.find(FieldId::Expect);
  out.expect_continue = expect != nullptr && out.minor >= 1 && out.body != BodyKind::None &&
                        iequals(expect->value, "100-continue");
  return true;
}

bool read_target_form(RequestHead& out, ParseFailure& failure) {
  std::string_view detail;
  switch (read_target(out, detail)) {
    case TargetResult::Ok:
      return true;
    case TargetResult::Bad:
      return bad_request(failure, detail);
    case TargetResult::Connect:
      return refuse(failure, RejectReason::Unsupported, "CONNECT is not supported");
  }
  return false;
}

/// Reads the field lines at `at` and leaves it at the empty line behind them.
bool read_fields(const char*& at, const char* end, std::size_t max_count, RequestHead& out,
                 ParseFailure& failure) {
  FieldCounts counts;
  switch (parse_fields(at, end, max_count, out.fields, counts)) {
    case FieldsResult::Ok:
      break;
    case FieldsResult::Cut:
      return false;
    case FieldsResult::Bad:
      return bad_request(failure, kBadFieldLine);
    case FieldsResult::TooMany:
      return refuse(failure, RejectReason::HeadTooLarge, kTooManyFields);
  }
  if (!read_host(counts, out, failure) || !read_framing_fields(counts, out, failure)) {
    return false;
  }
  read_max_forwards(out);
  return true;
}

/// What does not fit? RFC 9112 section 3: 501 for a method, 414 for a target.
void refuse_long(std::string_view begin, bool has_request_line, ParseFailure& failure) {
  if (has_request_line) {
    refuse(failure, RejectReason::HeadTooLarge, "the request head is too long");
  } else if (begin.find(' ') == std::string_view::npos) {
    refuse(failure, RejectReason::Unsupported, "the method is too long");
  } else {
    refuse(failure, RejectReason::HeadTooLarge, "the request target is too long");
    failure.status = 414;
  }
}

void clear(RequestHead& out) {
  out.fields.clear();
  out.path_and_query = out.path = out.authority = {};
  out.expect_continue = out.absolute_form = out.asterisk = out.has_semicolon = false;
  out.max_forwards.reset();
  out.rewritten.clear();
}

/// Reads the head with which `bytes` begin. False = it is refused, or it is not all there.
bool read_head(std::string_view bytes, std::size_t max_count, RequestHead& out,
               ParseFailure& failure) {
  clear(out);
  const HeadLines lines{bytes};
  if (!lines.found() || !read_request_line(lines.start_line(), out, failure) ||
      !read_target_form(out, failure)) {
    return false;
  }
  const char* at = lines.fields();
  if (!read_fields(at, lines.end(), max_count, out, failure)) {
    return false;
  }
  lines.keep(at, out);
  return true;
}

}  // namespace

ParseStatus RequestParser::parse(std::string_view buffer, const HeadLimits& limits,
                                 RequestHead& out, ParseFailure& failure) {
  // The usual head is all there and good: one pass reads it. The scanner is for heads that arrive
  // in pieces, and what it says of a bad one does not depend on how the bytes were cut.
  if (scanner_.is_new() && read_head(buffer.substr(0, limits.bytes), limits.count, out, failure)) {
    return ParseStatus::Complete;
  }
  switch (scanner_.scan(buffer, limits.bytes, limits.count)) {
    case HeadScanner::Result::More:
      return ParseStatus::NeedMore;
    case HeadScanner::Result::TooLarge:
      refuse_long(buffer.substr(0, limits.bytes), scanner_.start_line_end() != 0, failure);
      return ParseStatus::Failed;
    case HeadScanner::Result::TooMany:
      refuse(failure, RejectReason::HeadTooLarge, kTooManyFields);
      return ParseStatus::Failed;
    case HeadScanner::Result::Bad:
      bad_request(failure, scanner_.detail());
      return ParseStatus::Failed;
    case HeadScanner::Result::End:
      break;
  }
  const std::string_view head = buffer.substr(0, scanner_.end()).substr(scanner_.begin());
  if (!read_head(head, limits.count, out, failure)) {
    return ParseStatus::Failed;
  }
  out.size = scanner_.end();
  return ParseStatus::Complete;
}

}  // namespace fusegate::http
