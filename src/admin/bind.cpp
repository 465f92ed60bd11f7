#include "admin/bind.hpp"

#include "admin/gate.hpp"
#include "net/address.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace fusegate::admin {
namespace {

constexpr int kBacklog = 64;
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

}  // namespace

Listening::Listening(Listening&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      address_(std::move(other.address_)),
      file_(std::move(other.file_)) {}

Listening::~Listening() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

int Listening::release() { return std::exchange(fd_, -1); }

std::expected<Listening, std::string> bind_address(const config::Address& address) {
  auto parsed = net::parse_address(address.text);
  if (!parsed) {
    return std::unexpected("cannot listen on " + address.text + ": " + parsed.error());
  }
  Fd fd(open_socket(parsed->family()));
  net::SocketFile file;
  int error = fd.get() < 0 ? errno : 0;
  if (error == 0) {
    set_options(fd.get(), *parsed);
    auto bound = net::bind_socket(fd.get(), *parsed);
    error = bound ? 0 : bound.error();
    if (error == 0 && ::listen(fd.get(), kBacklog) != 0) {
      error = errno;
    }
    if (error == 0) {
      file = *std::move(bound);
    }
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
  std::string text = file.empty() ? net::format_address(bound) : address.text;
  return Listening(fd.release(), std::move(text), std::move(file));
}

bool is_local(const config::Address& address) {
  return address.text.starts_with(kUnix) || is_loopback_host(address.text);
}

}  // namespace fusegate::admin
