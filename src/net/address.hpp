#pragma once

#include <fusegate/config/config.hpp>

#include <sys/socket.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace fusegate::net {

/// A socket address of any family.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  int family() const { return storage.ss_family; }
  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* data() { return reinterpret_cast<sockaddr*>(&storage); }
};

/// From "1.2.3.4:80", "[::1]:80" or "unix:/path". Names are not resolved. The error says what is
/// wrong with `text`.
std::expected<SocketAddress, std::string> parse_address(std::string_view text);

/// The same text form again; "unix:" alone for an unnamed peer.
std::string format_address(const SocketAddress& address);

/// The address without its port, for `x-forwarded-for`; empty for unix sockets.
std::string format_host(const SocketAddress& address);

/// Is the peer inside one of the trusted networks? A unix peer is, unless nobody is trusted.
bool is_trusted(const SocketAddress& peer, const std::vector<config::Network>& networks);

}  // namespace fusegate::net
