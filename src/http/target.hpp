#pragma once

#include "http/head.hpp"

#include <cstdint>
#include <string_view>

namespace fusegate::http {

/// Is `text` a valid `host [":" port]` (RFC 9110 section 7.2)? Names, IPv4 and bracketed IPv6
/// addresses; no userinfo, no empty host, port 0 to 65535 or empty. A comma is refused although the
/// grammar lets it pass: it is what is left of two joined Host fields.
bool valid_authority(std::string_view text);

enum class TargetResult : std::uint8_t { Ok, Bad, Connect };

/// Judges `out.target` by the form its method may have (RFC 9112 section 3.2) and sets
/// `path_and_query`, `path`, `has_semicolon`, `absolute_form`, `asterisk` and, for the absolute
/// form, `authority`. After Bad, `detail` names the rule. Connect = CONNECT, which is not served.
TargetResult read_target(RequestHead& out, std::string_view& detail);

}  // namespace fusegate::http
