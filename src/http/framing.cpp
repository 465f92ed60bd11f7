#include "http/framing.hpp"

#include "http/chars.hpp"
#include "http/field_set.hpp"

#include <limits>
#include <optional>

namespace fusegate::http {
namespace {

std::optional<std::uint64_t> parse_length(std::string_view text) {
  static constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (text.empty() || text.size() > 19) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) {
      return std::nullopt;
    }
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value <= kMax ? std::optional{value} : std::nullopt;
}

FramingResult bad_framing(std::string_view why, std::string_view& detail) {
  detail = why;
  return FramingResult::Bad;
}

FramingResult read_coding(Head& out, std::string_view& detail) {
  if (out.minor == 0) {
    return bad_framing("Transfer-Encoding in an HTTP/1.0 message", detail);
  }
  const std::string_view value = out.fields.find(FieldId::TransferEncoding)->value;
  if (!iequals(value, "chunked")) {
    // RFC 9112 section 6.3: without chunked at the end nobody knows where the body ends.
    const std::size_t comma = value.rfind(',');
    const std::string_view last = trim_blanks(value.substr(comma == value.npos ? 0 : comma + 1));
    if (!iequals(last, "chunked")) {
      return bad_framing("a Transfer-Encoding that does not end in chunked", detail);
    }
    detail = "a Transfer-Encoding other than chunked";
    return FramingResult::UnknownCoding;
  }
  out.body = BodyKind::Chunked;
  return FramingResult::Ok;
}

/// True for options that name no field which would be forwarded otherwise.
bool is_own_option(std::string_view option) {
  return kHopByHop.has(field_id(option)) || field_id(option) == FieldId::Host;
}

/// Is there a protocol in the Upgrade fields of `head` for which `judge` is true?
template <class Judge>
bool any_protocol(const Head& head, Judge judge) {
  for (const Field& field : head.fields) {
    std::string_view list = field.id == FieldId::Upgrade ? field.value : std::string_view{};
    for (std::string_view name = next_element(list); !name.empty(); name = next_element(list)) {
      if (judge(name)) {
        return true;
      }
    }
  }
  return false;
}

bool offers(const Head& head, std::string_view protocol) {
  return any_protocol(head, [protocol](std::string_view name) { return iequals(name, protocol); });
}

struct Options {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  bool nominates = false;
  unsigned count = 0;
  std::string_view problem;
};

void read_options(std::string_view list, Options& options) {
  for (std::string_view option = next_element(list); !option.empty(); option = next_element(list)) {
    if (iequals(option, "keep-alive")) {
      options.keep_alive = true;
    } else if (iequals(option, "close")) {
      options.close = true;
    } else if (iequals(option, "upgrade")) {
      options.upgrade = true;
    } else if (!is_token(option)) {
      options.problem = "Connection is not a list of tokens";
    } else {
      options.nominates = options.nominates || !is_own_option(option);
    }
    if (++options.count > kMaxConnectionOptions) {
      options.problem = "more than 32 options in Connection";
      return;
    }
  }
}

}  // namespace

FramingResult read_framing(const FieldCounts& counts, Head& out, std::string_view& detail) {
  out.body = BodyKind::None;
  out.content_length = 0;
  if (counts.content_length == 0 && counts.transfer_encoding == 0) {
    return FramingResult::Ok;
  }
  if (counts.content_length > 0 && counts.transfer_encoding > 0) {
    return bad_framing("both Content-Length and Transfer-Encoding", detail);
  }
  if (counts.transfer_encoding > 1) {
    return bad_framing("several Transfer-Encoding fields", detail);
  }
  if (counts.content_length > 1) {
    return bad_framing("several Content-Length fields", detail);
  }
  if (counts.transfer_encoding == 1) {
    return read_coding(out, detail);
  }
  const auto length = parse_length(out.fields.find(FieldId::ContentLength)->value);
  if (!length) {
    return bad_framing("Content-Length is not one number below 2^63", detail);
  }
  out.content_length = *length;
  out.body = *length == 0 ? BodyKind::None : BodyKind::Length;
  return FramingResult::Ok;
}

bool read_connection(Head& out, std::string_view& detail) {
  out.keep_alive = out.minor >= 1;
  out.upgrade = out.nominates = false;
  const Field* first = out.fields.find(FieldId::Connection);
  if (first == nullptr) {
    return true;
  }
  Options options;
  for (const Field* field = first; field != out.fields.end(); ++field) {
    if (field->id == FieldId::Connection) {
      read_options(field->value, options);
    }
  }
  out.nominates = options.nominates;
  out.keep_alive = !options.close && (out.minor >= 1 || options.keep_alive);
  out.upgrade =
      options.upgrade && out.minor >= 1 && out.fields.has(FieldId::Upgrade) && !offers(out, "h2c");
  detail = options.problem;
  return options.problem.empty();
}

bool takes_up_offer(const Head& offer, const Head& answer) {
  const auto any = [](std::string_view) { return true; };
  return answer.upgrade && any_protocol(answer, any) &&
         !any_protocol(answer, [&](std::string_view name) { return !offers(offer, name); });
}

bool is_nominated(const Head& head, const Field& field) {
  for (const Field& connection : head.fields) {
    if (connection.id != FieldId::Connection) {
      continue;
    }
    std::string_view list = connection.value;
    for (std::string_view option = next_element(list); !option.empty();
         option = next_element(list)) {
      if (iequals(option, field.name)) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace fusegate::http
