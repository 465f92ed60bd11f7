#pragma once

#include "admin/message.hpp"

#include <optional>
#include <string_view>

namespace fusegate::admin {

/// Whether a Host value names this machine's loopback: "localhost", 127.0.0.0/8 or [::1], with or
/// without a port.
bool is_loopback_host(std::string_view host);

/// The refusal for a request that a web page could have caused somebody's browser to send: a name
/// that an attacker pointed at loopback (DNS rebinding) or a page of another site. Empty when the
/// request may pass. Over a unix socket, which no page can reach, any Host passes.
std::optional<Response> refuse_foreign(const Request& request);

}  // namespace fusegate::admin
