#include "net/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>

namespace fusegate::net {
namespace {

std::expected<SocketAddress, std::string> parse_unix(std::string_view path) {
  SocketAddress address;
  auto& unix_address = reinterpret_cast<sockaddr_un&>(address.storage);
  if (path.empty() || path.size() >= sizeof unix_address.sun_path) {
    return std::unexpected("a unix socket path has 1 to 107 bytes");
  }
  unix_address.sun_family = AF_UNIX;
  std::memcpy(unix_address.sun_path, path.data(), path.size());
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

bool in_network(std::span<const std::uint8_t> address, const config::Network& network) {
  const unsigned whole = network.prefix / 8;
  if (std::memcmp(address.data(), network.bytes, whole) != 0) {
    return false;
  }
  const unsigned rest = network.prefix % 8;
  if (rest == 0) {
    return true;
  }
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return (address[whole] & mask) == (network.bytes[whole] & mask);
}

std::string unix_text(const SocketAddress& address) {
  const auto& unix_address = reinterpret_cast<const sockaddr_un&>(address.storage);
  const bool named = address.length > offsetof(sockaddr_un, sun_path);
  return named ? "unix:" + std::string{unix_address.sun_path} : "unix:";
}

/// Returns where it ends. inet_ntop() would print it by sprintf(), at fifteen times the
/// instructions.
char* put_v4(char* at, const std::uint8_t* bytes) {
  for (int i = 0; i < 4; ++i) {
    if (i > 0) {
      *at++ = '.';
    }
    at = std::to_chars(at, at + 3, unsigned{bytes[i]}).ptr;
  }
  return at;
}

}  // namespace

std::expected<SocketAddress, std::string> parse_address(std::string_view text) {
  if (text.starts_with("unix:")) {
    return parse_unix(text.substr(5));
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return std::unexpected("expected host:port, [v6]:port or unix:/path");
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto parsed = std::from_chars(port_text.begin(), port_text.end(), port);
  if (parsed.ec != std::errc{} || parsed.ptr != port_text.end()) {
    return std::unexpected("the port is a number from 0 to 65535");
  }
  SocketAddress address;
  if (host.starts_with('[') && host.ends_with(']')) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
    const std::string inner{host.substr(1, host.size() - 2)};
    if (inet_pton(AF_INET6, inner.c_str(), &v6.sin6_addr) != 1) {
      return std::unexpected("not an IPv6 address: " + inner);
    }
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    address.length = sizeof v6;
    return address;
  }
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  const std::string name = host == "localhost" ? "127.0.0.1" : std::string{host};
  if (inet_pton(AF_INET, name.c_str(), &v4.sin_addr) != 1) {
    return std::unexpected("not an IPv4 address: " + name);
  }
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  address.length = sizeof v4;
  return address;
}

std::string format_address(const SocketAddress& address) {
  return address.family() == AF_UNIX ? unix_text(address) : std::string{AddressText{address}.all()};
}

AddressText::AddressText(const SocketAddress& address) {
  if (address.family() != AF_UNIX) {
    write_ip(address);
    return;
  }
  const std::string text = unix_text(address);
  size_ = static_cast<std::uint8_t>(std::min(text.size(), text_.size()));
  std::memcpy(text_.data(), text.data(), size_);
}

void AddressText::write_ip(const SocketAddress& address) {
  const bool v4 = address.family() == AF_INET;
  const auto& v4_address = reinterpret_cast<const sockaddr_in&>(address.storage);
  const auto& v6_address = reinterpret_cast<const sockaddr_in6&>(address.storage);
  const bool mapped = !v4 && IN6_IS_ADDR_V4MAPPED(&v6_address.sin6_addr) != 0;
  char* at = text_.data();
  if (v4 || mapped) {
    at = put_v4(at, v4 ? reinterpret_cast<const std::uint8_t*>(&v4_address.sin_addr)
                       : &v6_address.sin6_addr.s6_addr[12]);
    host_size_ = static_cast<std::uint8_t>(at - text_.data());
  } else {
    *at++ = '[';
    host_at_ = 1;
    inet_ntop(AF_INET6, &v6_address.sin6_addr, at, INET6_ADDRSTRLEN);
    host_size_ = static_cast<std::uint8_t>(std::strlen(at));
    at += host_size_;
    *at++ = ']';
  }
  *at++ = ':';
  const std::uint16_t port = ntohs(v4 ? v4_address.sin_port : v6_address.sin6_port);
  at = std::to_chars(at, text_.data() + text_.size(), port).ptr;
  size_ = static_cast<std::uint8_t>(at - text_.data());
}

bool is_trusted(const SocketAddress& peer, const std::vector<config::Network>& networks) {
  if (peer.family() == AF_UNIX) {
    return !networks.empty();
  }
  std::span<const std::uint8_t> bytes;
  if (peer.family() == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(peer.storage);
    bytes = {reinterpret_cast<const std::uint8_t*>(&v4.sin_addr), 4};
  } else {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(peer.storage);
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) != 0;
    bytes = {v6.sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? std::size_t{4} : std::size_t{16}};
  }
  for (const auto& network : networks) {
    if (network.v6 == (bytes.size() == 16) && in_network(bytes, network)) {
      return true;
    }
  }
  return false;
}

}  // namespace fusegate::net
