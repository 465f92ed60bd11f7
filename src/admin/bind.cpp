#include "admin/bind.hpp"

#include "admin/gate.hpp"
#include "net/address.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace fusegate::admin {
namespace {

constexpr int kBacklog = 64;
constexpr mode_t kSocketMode = 0660;
constexpr std::string_view kUnix = "unix:";

std::string words_of(int error) { return std::generic_category().message(error); }

std::string failed(const config::Address& address, int error) {
  std::string text = "cannot listen on " + address.text + ": " + words_of(error);
  switch (error) {
    case EADDRINUSE:
      return text + "; another process has it, choose another port or path";
    case EACCES:
      return text + "; ports below 1024 and foreign directories need privileges";
    case EADDRNOTAVAIL:
      return text + "; no interface of this machine has that address";
    case ENOENT:
      return text + "; the directory of the socket does not exist";
    default:
      return text;
  }
}

/// A descriptor until it is handed on.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

int open_socket(int family) {
  return ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/// The file of a unix socket that nobody listens on any more.
bool is_stale(const net::SocketAddress& address, const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) {
    return false;
  }
  const Fd probe(open_socket(AF_UNIX));
  return ::connect(probe.get(), address.data(), address.length) != 0 && errno == ECONNREFUSED;
}

bool is_any_v6(const net::SocketAddress& address) {
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address.storage);
  return address.family() == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr);
}

net::SocketAddress any_v4(const net::SocketAddress& any) {
  net::SocketAddress address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  v4.sin_family = AF_INET;
  v4.sin_port = reinterpret_cast<const sockaddr_in6&>(any.storage).sin6_port;
  address.length = sizeof v4;
  return address;
}

void set_options(int fd, const net::SocketAddress& address) {
  if (address.family() == AF_UNIX) {
    return;
  }
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.family() == AF_INET6) {
    const int only = is_any_v6(address) ? 0 : 1;
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
  }
}

/// 0 or an errno.
int bind_and_listen(int fd, const net::SocketAddress& address, const std::string& path) {
  int bound = ::bind(fd, address.data(), address.length);
  if (bound != 0 && errno == EADDRINUSE && !path.empty() && is_stale(address, path)) {
    ::unlink(path.c_str());
    bound = ::bind(fd, address.data(), address.length);
  }
  if (bound != 0) {
    return errno == 0 ? EADDRINUSE : errno;
  }
  // Before listen() nobody can connect, so there is no moment with a wider mode.
  if (!path.empty() && ::chmod(path.c_str(), kSocketMode) != 0) {
    return errno;
  }
  return ::listen(fd, kBacklog) == 0 ? 0 : errno;
}

}  // namespace

Listening::Listening(Listening&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      address_(std::move(other.address_)),
      unix_path_(std::exchange(other.unix_path_, {})) {}

Listening::~Listening() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
  if (!unix_path_.empty()) {
    ::unlink(unix_path_.c_str());
  }
}

int Listening::release() { return std::exchange(fd_, -1); }

std::expected<Listening, std::string> bind_address(const config::Address& address) {
  auto parsed = net::parse_address(address.text);
  if (!parsed) {
    return std::unexpected("cannot listen on " + address.text + ": " + parsed.error());
  }
  const std::string path =
      address.text.starts_with(kUnix) ? address.text.substr(kUnix.size()) : std::string{};
  Fd fd(open_socket(parsed->family()));
  int error = fd.get() < 0 ? errno : 0;
  if (error == 0) {
    set_options(fd.get(), *parsed);
    error = bind_and_listen(fd.get(), *parsed, path);
  }
  const bool no_v6 = error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
  if (no_v6 && is_any_v6(*parsed)) {
    return bind_address({net::format_address(any_v4(*parsed))});
  }
  if (error != 0) {
    return std::unexpected(failed(address, error));
  }
  net::SocketAddress bound;
  bound.length = sizeof bound.storage;
  ::getsockname(fd.get(), bound.data(), &bound.length);
  std::string text = path.empty() ? net::format_address(bound) : address.text;
  return Listening(fd.release(), std::move(text), path);
}

bool is_local(const config::Address& address) {
  return address.text.starts_with(kUnix) || is_loopback_host(address.text);
}

}  // namespace fusegate::admin
