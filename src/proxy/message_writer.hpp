#pragma once

#include "http/chunked.hpp"
#include "http/head.hpp"
#include "net/buffer_pool.hpp"
#include "net/stream.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fusegate::proxy {

/// Writes one message to a connection, gathering head, framing and payload into as few system calls
/// as the socket takes.
///
/// Head bytes may lie in a scratch that others use next; what is not written at once is saved.
/// Payload stays where it is: it must not move until `idle()`.
class MessageWriter {
 public:
  /// Begins a message. `kind` says how payload is framed.
  void begin(std::string_view head, http::BodyKind kind);
  /// Adds payload; only when `payload_idle()`, not empty.
  void payload(const char* data, std::size_t size);
  /// The body is complete; `trailers` must stay in place until `idle()`.
  void end(std::string_view trailers);

  bool payload_idle() const { return first_ >= payload_end_; }
  bool idle() const { return left_ == 0; }
  bool ended() const { return ended_; }
  /// Bytes of the message that the socket took.
  std::uint64_t written() const { return written_; }

  /// Writes as much as the socket takes. Done = everything.
  net::IoResult flush(net::Stream& stream, net::BufferPool& buffers);
  /// Forgets everything; the message is given up.
  void reset() {
    begin({}, http::BodyKind::None);
    saved_.reset();
  }

 private:
  net::IoResult write_parts(net::Stream& stream) const;
  void add(std::string_view part);
  void advance(std::size_t bytes);
  bool head_is_left() const { return has_head_ && first_ == 0; }
  void save_head(net::BufferPool& buffers);

  /// In the order in which they go out: the head; size line, data and CRLF of a chunk, or data
  /// alone; the last chunk, trailers, CRLF. Payload is added when the one before is gone.
  std::array<std::string_view, 7> parts_;
  std::uint8_t first_ = 0;  ///< The first that is not written to its end.
  std::uint8_t count_ = 0;
  std::uint8_t payload_end_ = 0;  ///< Behind the parts of the payload.
  bool has_head_ = false;         ///< The first part is the head.
  std::size_t left_ = 0;
  std::uint64_t written_ = 0;
  http::BodyKind kind_ = http::BodyKind::None;
  bool ended_ = false;
  bool head_saved_ = false;
  std::array<char, http::kChunkPrefixMax> prefix_text_{};
  net::Buffer saved_;
};

}  // namespace fusegate::proxy
