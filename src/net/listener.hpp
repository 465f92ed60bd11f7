#pragma once

#include "net/address.hpp"
#include "net/event_loop.hpp"
#include "net/socket_file.hpp"
#include "net/timer_queue.hpp"

#include <expected>
#include <functional>
#include <string>

namespace fusegate::net {

/// A listening socket that hands out accepted connections. Several loops may listen on one socket,
/// each with a Listener of its own: then one that waits gets the connection, not one that is busy.
class Listener final : private EventSource, private Timer {
 public:
  /// Gets the descriptor, which it owns from then on, and the peer.
  using OnAccept = std::function<void(int fd, const SocketAddress& peer)>;
  /// Gets the errno for which accepting pauses: the system has no descriptor or memory left.
  using OnExhausted = std::function<void(int error)>;

  struct Bound {
    int fd = -1;
    SocketFile file;  ///< Of a unix socket.

    /// The same socket for another loop; the file stays with this one. The error says what failed.
    std::expected<Bound, std::string> share(const std::string& text) const;
  };
  /// Binds and listens; port 0 lets the system choose. The error says what, where and what instead.
  static std::expected<Bound, std::string> bind(const SocketAddress& address,
                                                const std::string& text);

  /// Takes the descriptor of `bind` over. Nothing is accepted before `start`.
  Listener(EventLoop& loop, TimerQueue& timers, Bound bound, OnAccept on_accept,
           OnExhausted on_exhausted);
  ~Listener() override;

  void start();
  void close();
  std::string address() const;

 private:
  void on_events(std::uint32_t events) override;
  void on_timer(Instant now) override;

  EventLoop& loop_;
  int fd_;
  TimerQueue& timers_;
  SocketFile file_;
  OnAccept on_accept_;
  OnExhausted on_exhausted_;
};

}  // namespace fusegate::net
