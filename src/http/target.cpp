#include "http/target.hpp"

#include "http/chars.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace fusegate::http {
namespace {

bool valid_port(std::string_view digits) {
  std::uint32_t port = 0;
  for (const char c : digits) {
    port = port * 10 + static_cast<std::uint32_t>(c - '0');
    if (!is_digit(c) || port > 65535) {
      return false;
    }
  }
  return true;
}

bool valid_ipv6(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size()) {
    return false;
  }
  std::ranges::copy(text, copy.begin());
  in6_addr address;
  return inet_pton(AF_INET6, copy.data(), &address) == 1;
}

constexpr auto kNameChars = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view{"-._~!$&'()*+;="}) {
    table[static_cast<unsigned char>(c)] = true;
  }
  for (unsigned char c = 0; c < 128; ++c) {
    if (is_digit(static_cast<char>(c)) ||
        (lower(static_cast<char>(c)) >= 'a' && lower(static_cast<char>(c)) <= 'z')) {
      table[c] = true;
    }
  }
  return table;
}();

/// The length of the registered name at the start of `text`; npos = broken percent-encoding.
std::size_t name_length(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (kNameChars[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    if (text[at] != '%') {
      return at;
    }
    if (at + 2 >= text.size() || hex_value(text[at + 1]) < 0 || hex_value(text[at + 2]) < 0) {
      return std::string_view::npos;
    }
    at += 3;
  }
  return at;
}

enum Seen : std::uint8_t { kBad = 1, kQuestion = 2, kSemicolon = 4 };

constexpr auto kTargetChars = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(kBad);
  for (std::size_t c = 0x21; c < 0x7f; ++c) {
    table[c] = c == '#' ? kBad : c == '?' ? kQuestion : c == ';' ? kSemicolon : 0;
  }
  return table;
}();

/// Of which kinds the characters of a target are.
unsigned seen_in(std::string_view target) {
  unsigned seen = 0;
  for (const char c : target) {
    seen |= kTargetChars[static_cast<unsigned char>(c)];
  }
  return seen;
}

TargetResult bad(std::string_view why, std::string_view& detail) {
  detail = why;
  return TargetResult::Bad;
}

TargetResult read_absolute(RequestHead& out, std::string_view rest, std::string_view& detail) {
  const std::size_t length = std::min(rest.find_first_of("/?"), rest.size());
  out.authority = rest.substr(0, length);
  if (!valid_authority(out.authority)) {
    return bad("the host in the request target is not valid", detail);
  }
  out.absolute_form = true;
  const std::string_view path = rest.substr(length);
  if (path.starts_with('/')) {
    out.path_and_query = path;
    return TargetResult::Ok;
  }
  if (!path.empty()) {
    // "http://host?query": the origin form needs a slash that the buffer does not have.
    out.rewritten.assign(1, '/');
    out.rewritten.insert(out.rewritten.end(), path.begin(), path.end());
    out.path_and_query = {out.rewritten.data(), out.rewritten.size()};
    return TargetResult::Ok;
  }
  // RFC 9112 section 3.2.4: OPTIONS for a whole server arrives here as a target without a path.
  out.asterisk = out.method == "OPTIONS";
  out.path_and_query = out.asterisk ? "*" : "/";
  return TargetResult::Ok;
}

/// Is it a path, "*" or an http:// URL? Its characters are good.
TargetResult read_form(RequestHead& out, std::string_view& detail) {
  static constexpr std::string_view kScheme = "http://";
  if (out.method == "CONNECT") {
    return TargetResult::Connect;
  }
  if (out.target.starts_with('/')) {
    out.path_and_query = out.target;
    return TargetResult::Ok;
  }
  if (out.target == "*") {
    if (out.method != "OPTIONS") {
      return bad("the target * is for OPTIONS only", detail);
    }
    out.asterisk = true;
    out.path_and_query = out.target;
    return TargetResult::Ok;
  }
  if (iequals(out.target.substr(0, kScheme.size()), kScheme)) {
    return read_absolute(out, out.target.substr(kScheme.size()), detail);
  }
  return bad("the request target is neither a path nor an http:// URL", detail);
}

}  // namespace

bool valid_authority(std::string_view text) {
  std::size_t host = 0;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || !valid_ipv6(text.substr(1, close - 1))) {
      return false;
    }
    host = close + 1;
  } else {
    host = name_length(text);
    if (host == 0 || host == std::string_view::npos) {
      return false;
    }
  }
  if (host == text.size()) {
    return true;
  }
  return text[host] == ':' && valid_port(text.substr(host + 1));
}

TargetResult read_target(RequestHead& out, std::string_view& detail) {
  const unsigned seen = seen_in(out.target);
  if ((seen & kBad) != 0) {
    return bad("a character in the request target that must be percent-encoded", detail);
  }
  const TargetResult result = read_form(out, detail);
  out.path = out.path_and_query;
  if ((seen & kQuestion) != 0) {
    out.path = out.path.substr(0, out.path.find('?'));
  }
  out.has_semicolon = (seen & kSemicolon) != 0;
  return result;
}

}  // namespace fusegate::http
