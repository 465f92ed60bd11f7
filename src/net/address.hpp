#pragma once

#include <fusegate/config/config.hpp>

#include <sys/socket.h>

#include <array>
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

/// The same text form again; "unix:" alone for an unnamed peer. Version 4 mapped into version 6 is
/// shown as version 4.
std::string format_address(const SocketAddress& address);

/// The text of a peer, in place because every connection has one: nothing is allocated.
class AddressText {
 public:
  explicit AddressText(const SocketAddress& address);

  /// As format_address() has it; of a unix socket the first 56 bytes.
  std::string_view all() const { return {text_.data(), size_}; }
  /// The address without its port, for `x-forwarded-for`; empty for unix sockets.
  std::string_view host() const { return {text_.data() + host_at_, host_size_}; }

 private:
  void write_ip(const SocketAddress& address);

  std::array<char, 56> text_{};  ///< "[", an address of version 6 (45), "]:", a port (5).
  std::uint8_t size_ = 0;
  std::uint8_t host_at_ = 0;
  std::uint8_t host_size_ = 0;
};

/// Is the peer inside one of the trusted networks? A unix peer is, unless nobody is trusted.
bool is_trusted(const SocketAddress& peer, const std::vector<config::Network>& networks);

}  // namespace fusegate::net
