// A closed-loop client with a fixed number of requests over a fixed number of connections, so that
// instruction counts do not depend on time. Usage: bench_load PORT CONNECTIONS REQUESTS [HEAD]
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Client {
  int fd = -1;
  std::string answer;
  long left = 0;
};

int open_connection(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    std::perror("connect");
    std::exit(1);
  }
  return fd;
}

/// Bytes of the first whole response with Content-Length in `bytes`, 0 = more is needed.
std::size_t whole_response(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == bytes.npos) {
    return 0;
  }
  if (!bytes.starts_with("HTTP/1.1 200")) {
    std::fprintf(stderr, "unexpected answer: %.*s\n", 60, bytes.data());
    std::exit(1);
  }
  std::string head{bytes.substr(0, end)};
  for (char& c : head) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  const std::size_t field = head.find("content-length: ");
  const std::size_t length = field == head.npos ? 0 : std::strtoul(&head[field + 16], nullptr, 10);
  const std::size_t total = end + 4 + length;
  return bytes.size() >= total ? total : 0;
}

void send_request(Client& client, std::string_view request) {
  if (::send(client.fd, request.data(), request.size(), 0) !=
      static_cast<ssize_t>(request.size())) {
    std::perror("send");
    std::exit(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: bench_load PORT CONNECTIONS REQUESTS [padding bytes]\n");
    return 2;
  }
  const int port = std::atoi(argv[1]);
  const int connections = std::atoi(argv[2]);
  const long requests = std::atol(argv[3]);
  std::string request =
      "GET /api/items/42 HTTP/1.1\r\nHost: orders.local\r\nUser-Agent: bench/1.0\r\n"
      "Accept: application/json\r\nAccept-Encoding: gzip, deflate\r\nX-Tenant: eu-1\r\n";
  if (argc > 4) {
    request +=
        "X-Padding: " + std::string(static_cast<std::size_t>(std::atoi(argv[4])), 'p') + "\r\n";
  }
  request += "Cookie: session=0123456789abcdef\r\n\r\n";
  std::vector<Client> clients(static_cast<std::size_t>(connections));
  std::vector<pollfd> polls;
  for (Client& client : clients) {
    client.fd = open_connection(port);
    client.left = requests / connections;
    polls.push_back({client.fd, POLLIN, 0});
    send_request(client, request);
  }
  std::size_t open = clients.size();
  static char bytes[256 * 1024];
  while (open > 0) {
    ::poll(polls.data(), polls.size(), 10'000);
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if ((polls[i].revents & (POLLIN | POLLHUP | POLLERR)) == 0) {
        continue;
      }
      Client& client = clients[i];
      const ssize_t got = ::recv(client.fd, bytes, sizeof bytes, 0);
      if (got <= 0) {
        std::fprintf(stderr, "connection closed early\n");
        return 1;
      }
      client.answer.append(bytes, static_cast<std::size_t>(got));
      if (whole_response(client.answer) == 0) {
        continue;
      }
      client.answer.clear();
      if (--client.left > 0) {
        send_request(client, request);
      } else {
        polls[i].fd = -1;
        ::close(client.fd);
        --open;
      }
    }
  }
  return 0;
}
