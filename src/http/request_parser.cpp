#include "http/chars.hpp"
#include "http/field_parser.hpp"
#include "http/framing.hpp"
#include "http/head_parser.hpp"
#include "http/target.hpp"

namespace fusegate::http {
namespace {

bool refuse(ParseFailure& failure, RejectReason reason, std::string_view detail) {
  failure = {reason, detail};
  return false;
}

bool bad(ParseFailure& failure, std::string_view detail) {
  return refuse(failure, RejectReason::BadRequest, detail);
}

/// "METHOD SP target SP HTTP/1.x", nothing more and no other blanks.
bool read_request_line(std::string_view line, RequestHead& out, ParseFailure& failure) {
  static constexpr std::string_view kVersion = " HTTP/1.";
  const std::size_t method = line.find(' ');
  out.method = line.substr(0, method);
  if (method == std::string_view::npos || !is_token(out.method)) {
    return bad(failure, "the request line does not begin with a method");
  }
  line.remove_prefix(method + 1);
  const std::size_t target = line.find(' ');
  const std::string_view version =
      target == std::string_view::npos ? std::string_view{} : line.substr(target);
  out.target = line.substr(0, target);
  if (out.target.empty()) {
    return bad(failure, "the request line has no target, or more than one blank before it");
  }
  if (version.size() != kVersion.size() + 1 || !version.starts_with(kVersion) ||
      !is_digit(version.back())) {
    return bad(failure, "the request line does not end with HTTP/1.1 or HTTP/1.0");
  }
  out.minor = version.back() == '0' ? 0 : 1;
  out.is_head = out.method == "HEAD";
  return true;
}

bool read_host(const FieldCounts& counts, RequestHead& out, ParseFailure& failure) {
  if (counts.host > 1) {
    return bad(failure, "several Host fields");
  }
  if (counts.host == 0) {
    return out.minor == 0 || bad(failure, "no Host field");
  }
  const std::string_view host = out.fields.find(FieldId::Host)->value;
  if (!valid_authority(host)) {
    return bad(failure, "the Host field is not a host with an optional port");
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
      return bad(failure, detail);
    case FramingResult::UnknownCoding:
      return refuse(failure, RejectReason::Unsupported, detail);
  }
  if (!read_connection(out, detail)) {
    return bad(failure, detail);
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
      return bad(failure, detail);
    case TargetResult::Connect:
      return refuse(failure, RejectReason::Unsupported, "CONNECT is not supported");
  }
  return false;
}

bool read_fields(std::size_t max_count, RequestHead& out, ParseFailure& failure) {
  FieldCounts counts;
  std::string_view detail;
  switch (parse_fields(out.field_lines, max_count, out.fields, counts, detail)) {
    case FieldsResult::Ok:
      break;
    case FieldsResult::Bad:
      return bad(failure, detail);
    case FieldsResult::TooMany:
      return refuse(failure, RejectReason::HeadTooLarge, "too many header fields");
  }
  if (!read_host(counts, out, failure) || !read_framing_fields(counts, out, failure)) {
    return false;
  }
  read_max_forwards(out);
  return true;
}

void clear(RequestHead& out) {
  out.fields.clear();
  out.path_and_query = out.authority = {};
  out.expect_continue = out.absolute_form = out.asterisk = false;
  out.max_forwards.reset();
  out.rewritten.clear();
}

}  // namespace

ParseStatus RequestParser::parse(std::string_view buffer, const HeadLimits& limits,
                                 RequestHead& out, ParseFailure& failure) {
  switch (scanner_.scan(buffer, limits.bytes)) {
    case HeadScanner::Result::More:
      return ParseStatus::NeedMore;
    case HeadScanner::Result::TooLarge:
      refuse(failure, RejectReason::HeadTooLarge, "the request head is too long");
      return ParseStatus::Failed;
    case HeadScanner::Result::Bad:
      bad(failure, scanner_.detail());
      return ParseStatus::Failed;
    case HeadScanner::Result::End:
      break;
  }
  clear(out);
  out.size = scanner_.end();
  out.raw = buffer.substr(scanner_.begin(), scanner_.end() - scanner_.begin());
  const std::size_t line_end = scanner_.start_line_end() - scanner_.begin();
  out.field_lines = out.raw.substr(line_end + 2, out.raw.size() - line_end - 4);
  const bool ok = read_request_line(out.raw.substr(0, line_end), out, failure) &&
                  read_target_form(out, failure) && read_fields(limits.count, out, failure);
  return ok ? ParseStatus::Complete : ParseStatus::Failed;
}

}  // namespace fusegate::http
