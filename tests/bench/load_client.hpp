// One connection of the load: how it is opened, and what it is waiting for.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

struct Client {
  int fd = -1;
  bool busy = false;
  Time due;
  std::size_t sent = 0;       // Of the request.
  std::string head;           // Of the answer, while it is not whole.
  std::size_t body_left = 0;  // Of the answer, when it is.
  int status = 0;
  bool says_close = false;  // The answer is the last one of the connection.
  bool ending = false;      // It has come, the end of the connection has not.
};

inline int open_connection(int port) {
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
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

/// Reads the head that ends at `end`. An answer that is not 200 ends the load unless `any`.
inline void read_head(Client& client, std::size_t end, bool any) {
  client.status = std::atoi(client.head.substr(9, 3).c_str());
  std::string lower = client.head.substr(0, end);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const std::size_t field = lower.find("\r\ncontent-length: ");
  if (field == lower.npos || (client.status != 200 && !any)) {
    std::fprintf(stderr, "unexpected answer: %.200s\n", client.head.c_str());
    std::exit(1);
  }
  client.says_close = lower.find("\r\nconnection: close") != lower.npos;
  client.body_left = std::strtoul(&lower[field + 18], nullptr, 10);
}
