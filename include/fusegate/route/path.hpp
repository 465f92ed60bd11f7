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
/// `path` is the target without its query ("*" stays "*"). Returns a view of `path` itself when
/// nothing had to change (the usual case, no copy), else a view of `scratch`. Other characters that
/// came percent-encoded stay so, with upper-case digits. Path parameters (";v=1") stay
/// with their segment; see without_parameters().
///
/// Refused, because servers disagree on what they mean and a rule could be got around: a bad
/// percent sequence, an encoded slash ("/a%2fb" is one segment to some and two to others), an
/// encoded or raw backslash, NUL or another control character, a dot segment with a parameter
/// ("/..;/", which servlet containers resolve and others do not), a path that climbs above the
/// root, and one that does not begin with a slash.
std::expected<std::string_view, PathError> canonical_path(std::string_view path,
                                                          std::string& scratch);

/// A canonical path without the parameters of its segments (RFC 3986 section 3.3): "/a;v=1/b;w" is
/// "/a/b". Servlet containers route by this, other servers by the whole path, so a rule is asked
/// with both. A view of `path` itself when it has none, else of `scratch`.
std::string_view without_parameters(std::string_view path, std::string& scratch);

/// `target` (path and query as they came) without the segments of `prefix`; for
/// `rewrite.strip_prefix`. The query stays, and the result begins with "/".
///
/// The rest is kept as the client spelt it. Where the prefix is hidden behind percent-encodings,
/// dot segments or repeated slashes, parameters, or the rest would mean something else after the
/// cut, the rest of the canonical path is sent instead. A target that does not lie under `prefix`,
/// or has no canonical path, comes back unchanged.
std::string strip_prefix(std::string_view target, std::string_view prefix);

}  // namespace fusegate::route
