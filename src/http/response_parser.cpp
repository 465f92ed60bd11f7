#include "http/chars.hpp"
#include "http/field_parser.hpp"
#include "http/framing.hpp"
#include "http/head_parser.hpp"

namespace fusegate::http {
namespace {

bool bad(ParseFailure& failure, std::string_view detail) {
  failure = {RejectReason::BadResponse, detail};
  return false;
}

bool too_large(ParseFailure& failure, std::string_view detail) {
  failure = {RejectReason::ResponseHeadTooLarge, detail};
  return false;
}

/// "HTTP/1.x SP 3DIGIT [SP reason]". The blank before an empty reason may be missing, as some
/// servers leave it out and nothing can be confused by it.
bool read_status_line(std::string_view line, ResponseHead& out, ParseFailure& failure) {
  static constexpr std::string_view kVersion = "HTTP/1.";
  static constexpr std::size_t kStatus = 9;  // Behind "HTTP/1.x ".
  if (line.size() < kStatus + 3 || !line.starts_with(kVersion) || !is_digit(line[7]) ||
      line[8] != ' ') {
    return bad(failure, "the status line does not begin with HTTP/1.1 or HTTP/1.0 and a status");
  }
  const std::string_view digits = line.substr(kStatus, 3);
  for (const char c : digits) {
    if (!is_digit(c)) {
      return bad(failure, "the status is not three digits");
    }
  }
  const std::string_view rest = line.substr(kStatus + 3);
  if (!rest.empty() && rest.front() != ' ') {
    return bad(failure, "the status is not three digits");
  }
  out.minor = line[7] == '0' ? 0 : 1;
  out.status =
      static_cast<unsigned>((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'));
  out.reason = rest.empty() ? rest : rest.substr(1);
  return (out.status >= 100 && out.status <= 599) ||
         bad(failure, "the status is not between 100 and 599");
}

bool read_fields(std::size_t max_count, ResponseHead& out, ParseFailure& failure) {
  FieldCounts counts;
  std::string_view detail;
  switch (parse_fields(out.field_lines, max_count, out.fields, counts, detail)) {
    case FieldsResult::Ok:
      break;
    case FieldsResult::Bad:
      return bad(failure, detail);
    case FieldsResult::TooMany:
      return too_large(failure, "too many header fields in the response");
  }
  if (read_framing(counts, out, detail) != FramingResult::Ok) {
    return bad(failure, detail);
  }
  return read_connection(out, detail) || bad(failure, detail);
}

/// RFC 9112 section 6.3: rules 1, 4 to 6 and 8.
void judge_body(std::string_view request_method, ResponseHead& out) {
  const bool bodiless =
      request_method == "HEAD" || out.status < 200 || out.status == 204 || out.status == 304;
  if (bodiless) {
    out.body = BodyKind::None;
    return;
  }
  if (out.body == BodyKind::None && !out.fields.has(FieldId::ContentLength)) {
    out.body = BodyKind::UntilClose;
    out.keep_alive = false;
  }
}

}  // namespace

ParseStatus ResponseParser::parse(std::string_view buffer, const HeadLimits& limits,
                                  std::string_view request_method, ResponseHead& out,
                                  ParseFailure& failure) {
  switch (scanner_.scan(buffer, limits.bytes)) {
    case HeadScanner::Result::More:
      return ParseStatus::NeedMore;
    case HeadScanner::Result::TooLarge:
      too_large(failure, "the response head is too long");
      return ParseStatus::Failed;
    case HeadScanner::Result::Bad:
      bad(failure, scanner_.detail());
      return ParseStatus::Failed;
    case HeadScanner::Result::End:
      break;
  }
  out.fields.clear();
  out.size = scanner_.end();
  out.raw = buffer.substr(0, out.size);
  const std::size_t line_end = scanner_.start_line_end();
  out.field_lines = out.raw.substr(line_end + 2, out.raw.size() - line_end - 4);
  if (!read_status_line(out.raw.substr(0, line_end), out, failure) ||
      !read_fields(limits.count, out, failure)) {
    return ParseStatus::Failed;
  }
  judge_body(request_method, out);
  return ParseStatus::Complete;
}

}  // namespace fusegate::http
