#include <fusegate/route/path.hpp>

#include "route/prefix.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace fusegate::route {
namespace {

constexpr std::string_view kClimbs = "the path climbs above the root";
constexpr std::string_view kDotParameter = "the path contains a dot segment with a parameter (..;)";

std::optional<unsigned> hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return static_cast<unsigned>(c - '0');
  }
  const char lower = static_cast<char>(c | 0x20);
  if (lower >= 'a' && lower <= 'f') {
    return static_cast<unsigned>(lower - 'a') + 10;
  }
  return std::nullopt;
}

/// RFC 3986 section 2.3.
bool is_unreserved(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

constexpr bool is_control(unsigned char c) { return c < 0x20 || c == 0x7f; }

/// Characters that are canonical wherever they stand, but for the dot behind a slash.
constexpr auto kOrdinary = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < table.size(); ++c) {
    table[c] = !is_control(static_cast<unsigned char>(c)) && c != '%' && c != '\\' && c != '/';
  }
  return table;
}();

/// True when the path is canonical as it stands. Refuses nothing: what it does not know is left to
/// the long way.
bool is_plain(std::string_view path) {
  if (path.empty() || path.front() != '/') {
    return false;
  }
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (kOrdinary[static_cast<unsigned char>(path[i])]) {
      continue;
    }
    // A segment that begins with a dot may be a dot segment; names like ".well-known" are rare
    // enough to take the long way.
    const char next = i + 1 < path.size() ? path[i + 1] : '\0';
    if (path[i] != '/' || next == '/' || next == '.') {
      return false;
    }
  }
  return true;
}

/// One character of a path: decoded when it is unreserved, else as it must stand.
struct Unit {
  char text[3];
  std::uint8_t length;
  std::uint8_t consumed;
  std::string_view error;
};

Unit unit_error(std::string_view detail) {
  return {.text = {}, .length = 0, .consumed = 0, .error = detail};
}

Unit encoded_unit(std::string_view rest) {
  const auto high = rest.size() >= 3 ? hex_value(rest[1]) : std::nullopt;
  const auto low = rest.size() >= 3 ? hex_value(rest[2]) : std::nullopt;
  if (!high || !low) {
    return unit_error("a '%' in the path is not followed by two hexadecimal digits");
  }
  const auto byte = static_cast<unsigned char>(*high * 16 + *low);
  if (byte == '/') {
    return unit_error("the path contains an encoded slash (%2F)");
  }
  if (byte == '\\') {
    return unit_error("the path contains an encoded backslash (%5C)");
  }
  if (is_control(byte)) {
    return unit_error("the path contains an encoded control character");
  }
  if (is_unreserved(byte)) {
    return {.text = {static_cast<char>(byte)}, .length = 1, .consumed = 3, .error = {}};
  }
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  return {.text = {'%', kDigits[*high], kDigits[*low]}, .length = 3, .consumed = 3, .error = {}};
}

Unit next_unit(std::string_view rest) {
  const char c = rest.front();
  if (c == '%') {
    return encoded_unit(rest);
  }
  if (c == '\\') {
    return unit_error("the path contains a backslash");
  }
  if (is_control(static_cast<unsigned char>(c))) {
    return unit_error("the path contains a control character");
  }
  return {.text = {c}, .length = 1, .consumed = 1, .error = {}};
}

/// Ends the segment that `out` has after its last slash. `last` = nothing follows it. Returns what
/// is wrong with it; empty = nothing.
std::string_view close_segment(std::string& out, bool last) {
  const std::size_t slash = out.rfind('/');
  const std::string_view segment = std::string_view{out}.substr(slash + 1);
  if (segment == ".") {
    out.resize(slash + 1);
    return {};
  }
  if (segment == "..") {
    if (slash == 0) {
      return kClimbs;
    }
    // "/a/.." is "/a/" without its last segment: the dots stood for a directory.
    out.resize(out.rfind('/', slash - 1) + 1);
    return {};
  }
  if (segment.starts_with(".;") || segment.starts_with("..;")) {
    return kDotParameter;
  }
  if (!last && !segment.empty()) {
    out.push_back('/');
  }
  return {};
}

/// A segment, its slash before it, without its parameters.
std::string_view bare(std::string_view segment) { return segment.substr(0, segment.find(';')); }

/// Where the rest of the canonical `path` begins behind the segments of `prefix`, whatever
/// parameters they have; npos = it does not lie there.
std::size_t end_of_prefix(std::string_view path, std::string_view prefix) {
  std::size_t at = 0;
  while (!prefix.empty()) {
    if (at >= path.size()) {
      return std::string_view::npos;
    }
    const std::size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view name = bare(path.substr(at, end - at));
    at = end;
    if (name.size() == 1) {
      continue;  // Parameters alone.
    }
    const std::string_view wanted = prefix.substr(0, prefix.find('/', 1));
    if (name != wanted) {
      return std::string_view::npos;
    }
    prefix.remove_prefix(wanted.size());
  }
  return at;
}

}  // namespace

std::expected<std::string_view, PathError> canonical_path(std::string_view path,
                                                          std::string& scratch) {
  if (is_plain(path)) {
    return path;
  }
  if (path == "*") {
    return path;  // OPTIONS *
  }
  if (path.empty() || path.front() != '/') {
    return std::unexpected(PathError{"the path does not begin with a slash"});
  }
  scratch.clear();
  scratch.reserve(path.size() + 1);
  scratch.push_back('/');
  for (std::size_t at = 1; at < path.size();) {
    if (path[at] == '/') {
      if (const auto error = close_segment(scratch, false); !error.empty()) {
        return std::unexpected(PathError{error});
      }
      ++at;
      continue;
    }
    const Unit unit = next_unit(path.substr(at));
    if (!unit.error.empty()) {
      return std::unexpected(PathError{unit.error});
    }
    scratch.append(unit.text, unit.length);
    at += unit.consumed;
  }
  if (const auto error = close_segment(scratch, true); !error.empty()) {
    return std::unexpected(PathError{error});
  }
  return std::string_view{scratch};
}

std::string_view without_parameters(std::string_view path, std::string& scratch) {
  if (path.find(';') == std::string_view::npos) {
    return path;
  }
  scratch.clear();
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view name = bare(path.substr(at, end - at));
    if (name.size() > 1 || end == path.size()) {
      scratch.append(name);
    }
    at = end;
  }
  return scratch;
}

std::string strip_prefix(std::string_view target, std::string_view prefix) {
  const std::size_t question = target.find('?');
  const std::string_view path = target.substr(0, question);
  const std::string_view query =
      question == std::string_view::npos ? std::string_view{} : target.substr(question);
  prefix = without_slash(prefix);
  std::string scratch;
  const auto canonical = canonical_path(path, scratch);
  const bool plain = canonical && lies_under(*canonical, prefix);
  const std::size_t cut = plain       ? prefix.size()
                          : canonical ? end_of_prefix(*canonical, prefix)
                                      : std::string_view::npos;
  if (cut == std::string_view::npos) {
    return std::string{target};
  }
  // As the client spelt it, where its spelling shows the prefix and nothing in the rest could climb
  // back over the cut; else the canonical rest.
  const std::string_view rest = path.substr(std::min(prefix.size(), path.size()));
  std::string rest_scratch;
  const auto rest_canonical = canonical_path(rest, rest_scratch);
  const std::string_view canonical_rest = canonical->substr(cut);
  const bool literal = lies_under(path, prefix) && !rest.starts_with("//") && rest_canonical &&
                       *rest_canonical == canonical_rest;
  const std::string_view kept = literal ? rest : canonical_rest;
  std::string result;
  result.reserve(kept.size() + query.size() + 1);
  if (!kept.starts_with('/')) {
    result.push_back('/');
  }
  result.append(kept).append(query);
  return result;
}

}  // namespace fusegate::route
