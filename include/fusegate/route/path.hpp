#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace fusegate::route {

/// Why a path cannot be matched safely. The text is for people.
struct PathError {
  std::string_view detail;
};

/// The path that rules are matched against: percent-encoded unreserved characters decoded
/// (RFC 3986 section 6.2.2), dot segments resolved (section 5.2.4), repeated slashes kept as one
/// for matching, so that no spelling of a path gets around a rule. The upstream still gets the path
/// as it came.
///
/// `path` is the target without its query. Returns a view of `path` itself when nothing had to
/// change (the usual case, no copy), else a view of `scratch`. Refused: a bad percent sequence, an
/// encoded slash, backslash, NUL or control character, a raw backslash, and a path that climbs
/// above the root.
std::expected<std::string_view, PathError> canonical_path(std::string_view path,
                                                          std::string& scratch);

/// `target` (path and query as they came) without the first `prefix_segments` segments of its
/// canonical path; for `rewrite.strip_prefix`. The result starts with "/".
std::string strip_prefix(std::string_view target, std::string_view prefix);

}  // namespace fusegate::route
