#include "net/socket_file.hpp"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace fusegate::net {
namespace {

constexpr mode_t kMode = 0660;

std::string path_of(const SocketAddress& address) {
  if (address.family() != AF_UNIX) {
    return {};
  }
  return reinterpret_cast<const sockaddr_un&>(address.storage).sun_path;
}

/// The file of a unix socket that nobody listens on any more.
bool is_stale(const SocketAddress& address, const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) {
    return false;
  }
  // Without waiting: a backlog that is full is a sign of life.
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) {
    return false;
  }
  const bool refused =
      ::connect(probe, address.data(), address.length) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return refused;
}

}  // namespace

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
  if (this != &other) {
    remove();
    path_ = std::exchange(other.path_, {});
    device_ = other.device_;
    inode_ = other.inode_;
  }
  return *this;
}

void SocketFile::remove() {
  const std::string path = std::exchange(path_, {});
  struct stat status{};
  if (!path.empty() && ::lstat(path.c_str(), &status) == 0 && status.st_dev == device_ &&
      status.st_ino == inode_) {
    ::unlink(path.c_str());
  }
}

std::expected<SocketFile, int> bind_socket(int fd, const SocketAddress& address) {
  const std::string path = path_of(address);
  int bound = ::bind(fd, address.data(), address.length);
  int error = bound == 0 ? 0 : errno;
  if (error == EADDRINUSE && !path.empty() && is_stale(address, path)) {
    ::unlink(path.c_str());
    bound = ::bind(fd, address.data(), address.length);
    error = bound == 0 ? 0 : errno;
  }
  if (error != 0) {
    return std::unexpected(error);
  }
  SocketFile file;
  if (path.empty()) {
    return file;
  }
  struct stat status{};
  // Before listen() nobody can connect, so there is no moment with a wider mode.
  if (::lstat(path.c_str(), &status) != 0 || ::chmod(path.c_str(), kMode) != 0) {
    error = errno;
    ::unlink(path.c_str());
    return std::unexpected(error);
  }
  file.path_ = path;
  file.device_ = status.st_dev;
  file.inode_ = status.st_ino;
  return file;
}

}  // namespace fusegate::net
