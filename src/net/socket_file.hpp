#pragma once

#include "net/address.hpp"

#include <sys/types.h>

#include <expected>
#include <string>

namespace fusegate::net {

/// The file of a unix socket that this process listens on; removed when the object goes, unless
/// somebody has put another in its place meanwhile.
class SocketFile {
 public:
  SocketFile() = default;
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) noexcept;
  ~SocketFile() { remove(); }

  void remove();
  bool empty() const { return path_.empty(); }

 private:
  friend std::expected<SocketFile, int> bind_socket(int fd, const SocketAddress& address);
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

/// Binds a socket to an address of any family; the error is an errno. For a unix socket: a file
/// left behind by a process that died (nobody listens) is replaced, one in use is EADDRINUSE, and
/// what is no socket is left alone. Its mode is 0660 whatever the umask: owner and group may
/// connect, nobody else, and more can be had by the directory's group. The file is empty for TCP.
std::expected<SocketFile, int> bind_socket(int fd, const SocketAddress& address);

}  // namespace fusegate::net
