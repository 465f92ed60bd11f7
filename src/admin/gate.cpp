#include "admin/gate.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

namespace fusegate::admin {
namespace {

bool same_word(std::string_view left, std::string_view right) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(left, right, {}, lower, lower);
}

/// `host` without ":port", when what follows the colon is one; brackets stay.
std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || host.ends_with(']')) {
    return host;
  }
  const std::string_view port = host.substr(colon + 1);
  const bool digits = std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
  return digits ? host.substr(0, colon) : host;
}

}  // namespace

bool is_loopback_host(std::string_view host) {
  const std::string name(without_port(host));
  if (same_word(name, "localhost") || name == "[::1]") {
    return true;
  }
  in_addr address{};
  return ::inet_pton(AF_INET, name.c_str(), &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

std::optional<Response> refuse_foreign(const Request& request) {
  if (!request.over_unix && !is_loopback_host(request.host)) {
    return problem(403, "Forbidden",
                   "the admin listener answers only to Host localhost or a loopback address");
  }
  const std::string_view site = request.fetch_site;
  const bool foreign_site = !site.empty() && site != "same-origin" && site != "none";
  const std::size_t scheme = request.origin.find("://");
  const bool foreign_origin =
      !request.origin.empty() && (scheme == std::string_view::npos ||
                                  !same_word(request.origin.substr(scheme + 3), request.host));
  if (foreign_site || foreign_origin) {
    return problem(403, "Forbidden", "requests from pages of other sites are refused");
  }
  return std::nullopt;
}

}  // namespace fusegate::admin
