#include "cli/command.hpp"
#include "cli/load_file.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <iostream>

namespace fusegate::cli {
namespace {

constexpr int kTimeoutSeconds =
    3;  // Below the probe periods in use; a kubelet gives up after 1 to 10 s.

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

SocketAddress unix_address(std::string_view path) {
  SocketAddress result;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  std::memcpy(&result.storage, &address, sizeof address);
  result.length = sizeof address;
  return result;
}

/// Where the listener at `text` is reached from this machine: "all addresses" means loopback.
SocketAddress address_of(const std::string& text) {
  if (text.starts_with("unix:")) {
    return unix_address(std::string_view(text).substr(5));
  }
  const auto colon = text.rfind(':');
  std::uint16_t port = 0;
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  SocketAddress result;
  if (text.starts_with('[') && text != "[::]" + text.substr(colon)) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    inet_pton(AF_INET6, text.substr(1, colon - 2).c_str(), &address.sin6_addr);
    std::memcpy(&result.storage, &address, sizeof address);
    result.length = sizeof address;
    return result;
  }
  // [::] also takes IPv4, and falls back to 0.0.0.0 where IPv6 is missing.
  const auto host = text.starts_with('[') ? std::string("127.0.0.1") : text.substr(0, colon);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, (host == "0.0.0.0" ? "127.0.0.1" : host).c_str(), &address.sin_addr);
  std::memcpy(&result.storage, &address, sizeof address);
  result.length = sizeof address;
  return result;
}

/// The first bytes of the answer; empty when there is none.
std::string ask(int socket, const SocketAddress& address) {
  const timeval limit{.tv_sec = kTimeoutSeconds, .tv_usec = 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const auto* const target = reinterpret_cast<const sockaddr*>(&address.storage);
  constexpr std::string_view kRequest =
      "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (connect(socket, target, address.length) != 0 ||
      send(socket, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(kRequest.size())) {
    return {};
  }
  std::string answer(12, '\0');  // "HTTP/1.1 200"
  const auto received = recv(socket, answer.data(), answer.size(), MSG_WAITALL);
  answer.resize(received > 0 ? static_cast<std::size_t>(received) : 0);
  return answer;
}

/// An image that runs without a file (`run --listen A --upstream URL`) still has its health checked
/// by this command without arguments: then there is nothing but the defaults and the environment.
Options with_or_without_file(Options options) {
  if (options.file == Options::kDefaultFile && ::access(Options::kDefaultFile, F_OK) != 0 &&
      errno == ENOENT) {
    options.upstream = "http://127.0.0.1:1";  // Not asked; a configuration has to have one.
  }
  return options;
}

int healthcheck(const Options& options) {
  const auto loaded = load_file(with_or_without_file(options));
  if (!loaded) {
    report(loaded.error(), options);
    return kFailed;
  }
  const auto& status = loaded->config->status;
  if (!status) {
    std::cerr << "fusegate healthcheck: status.listen is off, so there is nothing to ask\n";
    return kFailed;
  }
  const auto address = address_of(status->text);
  const int socket = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) {
    std::cerr << "fusegate healthcheck: " << std::strerror(errno) << "\n";
    return kFailed;
  }
  const auto answer = ask(socket, address);
  close(socket);
  if (answer.size() == 12 && answer.ends_with(" 200")) {
    std::cout << "ready\n";
    return kOk;
  }
  std::cerr << "fusegate healthcheck: "
            << (answer.empty() ? "no answer from " + status->text
                               : "not ready, " + status->text + " answered " + answer)
            << "\n";
  return kFailed;
}

}  // namespace

constexpr Command kHealthcheck{
    "healthcheck", "Ask /readyz of a running instance; for images without a shell.",
    "Example:\n  fusegate -c fusegate.yaml healthcheck", nullptr, healthcheck};

}  // namespace fusegate::cli
