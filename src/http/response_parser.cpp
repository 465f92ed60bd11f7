#include "http/chars.hpp"
#include "http/field_parser.hpp"
#include "http/framing.hpp"
#include "http/head_lines.hpp"
#include "http/head_parser.hpp"

namespace fusegate::http {
namespace {

constexpr std::string_view kTooManyResponseFields = "too many header fields in the response";

bool bad_response(ParseFailure& failure, std::string_view detail) {
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
  static constexpr std::size_t kStatus = 9;  // Behind "HTTP/1.x ".
  if (line.size() < kStatus + 3 || !begins_with(line, "HTTP/1.") || !is_digit(line[7]) ||
      line[8] != ' ') {
    return bad_response(failure,
                        "the status line does not begin with HTTP/1.1 or HTTP/1.0 and a status");
  }
  const std::string_view digits{line.data() + kStatus, 3};
  for (const char c : digits) {
    if (!is_digit(c)) {
      return bad_response(failure, "the status is not three digits");
    }
  }
  const std::string_view rest{line.data() + kStatus + 3, line.size() - kStatus - 3};
  if (!rest.empty() && rest.front() != ' ') {
    return bad_response(failure, "the status is not three digits");
  }
  out.minor = line[7] == '0' ? 0 : 1;
  out.status =
      static_cast<unsigned>((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'));
  out.reason = rest.empty() ? rest : std::string_view{rest.data() + 1, rest.size() - 1};
  return (out.status >= 100 && out.status <= 599) ||
         bad_response(failure, "the status is not between 100 and 599");
}

/// Reads the field lines at `at` and leaves it at the empty line behind them.
bool read_fields(const char*& at, const char* end, std::size_t max_count, ResponseHead& out,
                 ParseFailure& failure) {
  FieldCounts counts;
  switch (parse_fields(at, end, max_count, out.fields, counts)) {
    case FieldsResult::Ok:
      break;
    case FieldsResult::Cut:
      return false;
    case FieldsResult::Bad:
      return bad_response(failure, kBadFieldLine);
    case FieldsResult::TooMany:
      return too_large(failure, kTooManyResponseFields);
  }
  std::string_view detail;
  if (read_framing(counts, out, detail) != FramingResult::Ok) {
    return bad_response(failure, detail);
  }
  return read_connection(out, detail) || bad_response(failure, detail);
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

/// Reads the head with which `bytes` begin. False = it is refused, or it is not all there.
bool read_head(std::string_view bytes, std::size_t max_count, std::string_view request_method,
               ResponseHead& out, ParseFailure& failure) {
  out.fields.clear();
  const HeadLines lines{bytes};
  if (!lines.found() || !read_status_line(lines.start_line(), out, failure)) {
    return false;
  }
  const char* at = lines.fields();
  if (!read_fields(at, lines.end(), max_count, out, failure)) {
    return false;
  }
  lines.keep(at, out);
  judge_body(request_method, out);
  return true;
}

}  // namespace

ParseStatus ResponseParser::parse(std::string_view buffer, const HeadLimits& limits,
                                  std::string_view request_method, ResponseHead& out,
                                  ParseFailure& failure) {
  // As for requests: one pass when all is there and good.
  if (scanner_.is_new() &&
      read_head(buffer.substr(0, limits.bytes), limits.count, request_method, out, failure)) {
    return ParseStatus::Complete;
  }
  switch (scanner_.scan(buffer, limits.bytes, limits.count)) {
    case HeadScanner::Result::More:
      return ParseStatus::NeedMore;
    case HeadScanner::Result::TooLarge:
      too_large(failure, "the response head is too long");
      return ParseStatus::Failed;
    case HeadScanner::Result::TooMany:
      too_large(failure, kTooManyResponseFields);
      return ParseStatus::Failed;
    case HeadScanner::Result::Bad:
      bad_response(failure, scanner_.detail());
      return ParseStatus::Failed;
    case HeadScanner::Result::End:
      break;
  }
  const std::string_view head = buffer.substr(0, scanner_.end());
  return read_head(head, limits.count, request_method, out, failure) ? ParseStatus::Complete
                                                                     : ParseStatus::Failed;
}

}  // namespace fusegate::http
