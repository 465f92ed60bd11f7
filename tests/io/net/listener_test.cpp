#include "net/listener.hpp"

#include "net/clock.hpp"

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

namespace fusegate::net {
namespace {

// The accepting side never asks for it, because Linux hands it on from the listening socket. Were
// it lost, answers of several writes would wait for the client's delayed acknowledgements, 40 ms
// each.
TEST(Listener, ConnectionsSendSmallWritesAtOnce) {
  TimerQueue timers(nullptr, nullptr);
  EventLoop loop(timers, now());
  SocketAddress loopback;
  auto& address = reinterpret_cast<sockaddr_in&>(loopback.storage);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  loopback.length = sizeof address;
  auto bound = Listener::bind(loopback, "127.0.0.1:0");
  ASSERT_TRUE(bound) << bound.error();

  SocketAddress chosen;
  chosen.length = sizeof chosen.storage;
  ASSERT_EQ(::getsockname(bound->fd, chosen.data(), &chosen.length), 0);
  int no_delay = 0;
  const auto on_accept = [&](int fd, const SocketAddress&) {
    socklen_t size = sizeof no_delay;
    EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size), 0);
    ::close(fd);
    loop.stop();
  };
  Listener listener(loop, timers, *std::move(bound), on_accept, [](int) {});
  listener.start();
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(::connect(client, chosen.data(), chosen.length), 0);
  loop.run();
  ::close(client);
  EXPECT_EQ(no_delay, 1);
}

}  // namespace
}  // namespace fusegate::net
