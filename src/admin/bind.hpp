#pragma once

#include <fusegate/config/config.hpp>

#include <expected>
#include <string>

namespace fusegate::admin {

/// A listening socket and what it was bound to. Closes, and removes the file of a unix socket, when
/// it goes.
class Listening {
 public:
  Listening(int fd, std::string address, std::string unix_path)
      : fd_(fd), address_(std::move(address)), unix_path_(std::move(unix_path)) {}
  Listening(Listening&& other) noexcept;
  Listening& operator=(Listening&&) = delete;
  ~Listening();

  int fd() const { return fd_; }
  /// Gives the descriptor away; the file stays this object's.
  int release();
  /// As in the configuration, with the real port.
  const std::string& address() const { return address_; }
  bool is_unix() const { return !unix_path_.empty(); }

 private:
  int fd_;
  std::string address_;
  std::string unix_path_;
};

/// Binds and listens. "[::]:port" takes IPv4 too, and becomes 0.0.0.0 where the kernel has no
/// IPv6. A unix socket left behind by a process that died is replaced, one in use is not; its file
/// mode is 0660. The error says which address, why, and what to do.
std::expected<Listening, std::string> bind_address(const config::Address& address);

/// Whether only this machine can reach the address.
bool is_local(const config::Address& address);

}  // namespace fusegate::admin
