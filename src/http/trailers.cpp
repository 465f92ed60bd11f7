#include "http/trailers.hpp"

#include "http/chars.hpp"
#include "http/head.hpp"

#include <algorithm>
#include <array>

namespace fusegate::http {
namespace {

/// Names without an id of their own that must not come as trailers.
constexpr std::array<std::string_view, 21> kForbidden{"age",
                                                      "cache-control",
                                                      "content-disposition",
                                                      "content-encoding",
                                                      "content-language",
                                                      "content-location",
                                                      "content-range",
                                                      "content-type",
                                                      "expires",
                                                      "forwarded",
                                                      "if-match",
                                                      "if-none-match",
                                                      "if-range",
                                                      "location",
                                                      "pragma",
                                                      "range",
                                                      "set-cookie",
                                                      "strict-transport-security",
                                                      "vary",
                                                      "warning",
                                                      "www-authenticate"};

}  // namespace

bool may_be_trailer(std::string_view name) {
  // Every name that Fusegate acts on decides about something that is over when trailers come.
  return field_id(name) == FieldId::Other &&
         std::ranges::none_of(kForbidden, [name](std::string_view f) { return iequals(f, name); });
}

Trailers::Result Trailers::fail(std::string_view detail) {
  detail_ = detail;
  return Result::Failed;
}

Trailers::Result Trailers::take(std::string_view input, std::size_t& at) {
  while (at < input.size()) {
    const std::string_view rest = input.substr(at);
    const std::size_t feed = rest.find('\n');
    const std::string_view piece =
        rest.substr(0, feed == std::string_view::npos ? rest.size() : feed + 1);
    bytes_ += piece.size();
    if (bytes_ > kMaxBytes) {
      return fail("more than 8 KiB of trailers");
    }
    line_.append(piece);
    at += piece.size();
    if (feed == std::string_view::npos) {
      return Result::More;
    }
    if (!line_.ends_with("\r\n")) {
      return fail("a trailer line ends with LF instead of CRLF");
    }
    if (line_.size() == 2) {
      return Result::End;
    }
    if (!add_line()) {
      return Result::Failed;
    }
    line_.clear();
  }
  return Result::More;
}

bool Trailers::add_line() {
  const std::string_view line{line_.data(), line_.size() - 2};
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == std::string_view::npos || !is_token(name)) {
    fail("a trailer line without a valid name and a colon right behind it");
    return false;
  }
  const std::string_view value = trim_blanks(line.substr(colon + 1));
  if (std::ranges::any_of(value, is_control)) {
    fail("a control character in a trailer");
    return false;
  }
  if (++count_ > kMaxCount) {
    fail("more than 64 trailers");
    return false;
  }
  if (may_be_trailer(name)) {
    kept_.append(name).append(": ").append(value).append("\r\n");
  }
  return true;
}

}  // namespace fusegate::http
