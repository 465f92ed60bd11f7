#pragma once

#include "http/head.hpp"
#include "net/buffer_pool.hpp"
#include "net/pipe_pool.hpp"
#include "net/stream.hpp"
#include "proxy/body_reader.hpp"
#include "proxy/message_writer.hpp"

#include <cstdint>
#include <string_view>

namespace fusegate::proxy {

/// A response body on its way from an upstream connection to the client. It reads only what the
/// client has taken: a slow client slows the upstream, and one buffer is all that is held. Much of
/// a body in plain text on both sides, and as long as its head said, goes through a pipe instead,
/// which costs no copy.
class Download {
 public:
  /// `head` is what the client gets first. `buffer` holds `size` bytes from `begin` that arrived
  /// behind the upstream's head.
  void start(std::string_view head, http::BodyKind in, std::uint64_t length, http::BodyKind out,
             net::Buffer buffer, std::size_t begin, std::size_t size, net::BufferPool& buffers,
             net::PipePool& pipes);

  enum class Step : std::uint8_t {
    Done,
    NeedsClient,    ///< Waits until the client takes more.
    NeedsUpstream,  ///< Waits for bytes of the upstream.
    NeedsTurn,      ///< Could go on at once, and should let others go first.
    ClientFailed,
    Cut,  ///< The upstream ended or failed in the middle, or sent broken framing.
  };
  /// `upstream` may be null when all of the response has arrived.
  Step pump(net::Stream* upstream, net::Stream& client);

  /// After Done: the upstream sent nothing behind the response, so its connection may be kept.
  bool clean() const { return clean_; }
  std::uint64_t delivered() const { return payload_; }  ///< Payload bytes handed to the client.
  std::uint64_t written() const { return writer_.written() + spliced_ - pipe_.held(); }
  /// The response is in the client's socket or waits here; nothing more is read.
  bool received_all() const { return reader_.done(); }
  void clear();

 private:
  bool feed(std::size_t begin, std::size_t size);
  net::IoResult send(net::Stream& client);
  Step receive(net::Stream& upstream, const net::Stream& client);
  Step wait_for_upstream();
  net::IoResult read(net::Stream& upstream);
  net::IoResult splice(net::Stream& upstream);

  net::BufferPool* buffers_ = nullptr;
  net::PipePool* pipes_ = nullptr;
  BodyReader reader_;
  MessageWriter writer_;
  net::Buffer buffer_;
  net::Pipe pipe_;
  std::uint64_t payload_ = 0;
  std::uint64_t spliced_ = 0;   ///< Of that, what went through the pipe.
  std::size_t turn_bytes_ = 0;  ///< Read in this turn, up to BufferPool::kTurn.
  bool clean_ = true;
  bool cut_ = false;
  bool by_length_ = false;  ///< On both sides: what is between needs no look.
};

}  // namespace fusegate::proxy
