#pragma once

#include "http/head_buffer.hpp"

#include <string_view>

namespace fusegate::http {

/// Appends `text` as a JSON string with its quotes. Controls are escaped; each byte that is not
/// part of valid UTF-8 becomes U+FFFD, so the document stays valid whatever a client put into a
/// name.
void append_json_string(std::string_view text, HeadBuffer& out);

}  // namespace fusegate::http
