// Whole TLS handshakes, each with one request on its connection, one after the other on several
// threads. Nothing is verified and nothing resumed, so that the client costs as little as it can.
// Usage: bench_handshakes PORT THREADS SECONDS; prints handshakes a second.
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

/// True when the whole answer, a 200, has come.
bool ask(SSL* tls) {
  static constexpr std::string_view kRequest =
      "GET /api/items/42 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (SSL_connect(tls) != 1 || SSL_write(tls, kRequest.data(), kRequest.size()) <= 0) {
    return false;
  }
  std::array<char, 16384> answer;
  const int first = SSL_read(tls, answer.data(), answer.size());
  const bool good = first > 15 && std::string_view{answer.data(), 15} == "HTTP/1.1 200 OK";
  while (SSL_read(tls, answer.data(), answer.size()) > 0) {
  }
  return good;
}

bool handshake(SSL_CTX* context, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  bool good = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (good) {
    SSL* const tls = SSL_new(context);
    SSL_set_fd(tls, fd);
    good = ask(tls);
    SSL_free(tls);
  }
  ::close(fd);
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bench_handshakes PORT THREADS SECONDS\n");
    return 2;
  }
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration<double>(std::atof(argv[3]));
  std::atomic<long> done{0};
  std::atomic<bool> failed{false};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < std::atoi(argv[2]); ++i) {
      threads.emplace_back([&] {
        while (Clock::now() < end && !failed) {
          handshake(context, port) ? void(++done) : void(failed = true);
        }
      });
    }
  }
  if (failed) {
    std::fprintf(stderr, "a handshake or its answer failed\n");
    return 1;
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::printf("%.1f handshakes/s\n", static_cast<double>(done) / seconds);
  SSL_CTX_free(context);
  return 0;
}
