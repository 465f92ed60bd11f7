#pragma once

#include <fusegate/config/config.hpp>

#include "net/socket_file.hpp"

#include <expected>
#include <string>

namespace fusegate::admin {

/// A listening socket and what it was bound to. Closes, and removes the file of a unix socket, when
/// it goes.
class Listening {
 public:
  Listening(int fd, std::string address, net::SocketFile file)
      : fd_(fd), address_(std::move(address)), file_(std::move(file)) {}
  Listening(Listening&& other) noexcept;
  Listening& operator=(Listening&&) = delete;
  ~Listening();

  int fd() const { return fd_; }
  /// Gives the descriptor away; the file stays this object's.
  int release();
  /// As in the configuration, with the real port.
  const std::string& address() const { return address_; }
  bool is_unix() const { return !file_.empty(); }

 private:
  int fd_;
  std::string address_;
  net::SocketFile file_;
};

/// Binds and listens. "[::]:port" takes IPv4 too, and becomes 0.0.0.0 where the kernel has no
/// IPv6. Files of unix sockets as `net::bind_socket` treats them. The error says which address,
/// why, and what to do.
std::expected<Listening, std::string> bind_address(const config::Address& address);

/// Whether only this machine can reach the address.
bool is_local(const config::Address& address);

}  // namespace fusegate::admin
