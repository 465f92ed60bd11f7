#pragma once

#include <fusegate/base/time.hpp>

#include "net/buffer_pool.hpp"
#include "net/stream.hpp"
#include "net/waker.hpp"

#include <cstdint>
#include <string_view>

namespace fusegate::proxy {

/// Bytes both ways after `101 Switching Protocols`, with backpressure and half-closes passed on.
class Tunnel {
 public:
  explicit Tunnel(net::BufferPool& buffers);

  /// One direction.
  class Pipe {
   public:
    explicit Pipe(net::Buffer buffer) : buffer_(std::move(buffer)) {}
    /// Bytes that came before the tunnel; at most what the buffer holds is asked for by callers.
    void add(std::string_view bytes);
    enum class Step : std::uint8_t { NeedsRead, NeedsWrite, Ended, ReadFailed, WriteFailed };
    Step pump(net::Stream& from, net::Stream& to);
    std::uint64_t total() const { return total_; }

   private:
    net::Buffer buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::uint64_t total_ = 0;
    bool finished_ = false;  ///< All has been passed on.
    bool told_ = false;      ///< So has the end.
  };

  enum class Step : std::uint8_t { Waiting, Ended, ClientFailed, UpstreamFailed };
  Step pump(net::Stream& client, net::Stream& upstream, Instant now);
  /// Arms what the last pump waits for and returns it as events.
  net::Waker::Events arm(net::Stream& client, net::Stream& upstream);

  /// One side has sent its end and the other has been told.
  bool half_ended() const {
    return client_step_ == Pipe::Step::Ended || upstream_step_ == Pipe::Step::Ended;
  }

  /// Since when that side has taken nothing of what waits for it; kNever when nothing waits.
  Instant client_stuck_since() const { return client_stuck_; }
  Instant upstream_stuck_since() const { return upstream_stuck_; }

  Pipe to_client;
  Pipe to_upstream;

 private:
  Instant client_stuck_ = kNever;
  Instant upstream_stuck_ = kNever;
  Pipe::Step client_step_ = Pipe::Step::NeedsRead;
  Pipe::Step upstream_step_ = Pipe::Step::NeedsRead;
};

}  // namespace fusegate::proxy
