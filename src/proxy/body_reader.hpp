#pragma once

#include "http/chunked.hpp"
#include "http/head.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace fusegate::proxy {

/// Finds the payload and the end of one body in the bytes of a connection.
class BodyReader {
 public:
  void start(http::BodyKind kind, std::uint64_t length);

  struct Fed {
    std::size_t payload = 0;   ///< Bytes now at the start of the destination.
    std::size_t consumed = 0;  ///< Bytes of the input that belonged to the body.
    bool failed = false;       ///< Broken chunked coding.
  };
  /// Moves the payload among the `size` bytes at `data` to `destination`, which is `data` or lies
  /// before it in the same buffer.
  Fed feed(char* destination, char* data, std::size_t size);

  /// `size` bytes of payload went another way; at most as many as `announced` of a body that is not
  /// chunked.
  void skip(std::uint64_t size) {
    left_ -= size;
    done_ = done_ || left_ == 0;
  }

  /// The connection ended: is the body whole?
  bool finish_at_close();

  bool done() const { return done_; }
  /// Bytes of the connection that can still belong to the body, as far as that is known.
  std::uint64_t expected() const {
    return kind_ == http::BodyKind::Length ? left_ : std::numeric_limits<std::uint64_t>::max();
  }
  /// The payload that is certainly still to come; decides the size of buffers.
  std::uint64_t announced() const {
    return kind_ == http::BodyKind::Chunked ? chunks_.chunk_left() : left_;
  }
  std::string_view trailers() const { return chunks_.trailers(); }
  std::string_view detail() const { return chunks_.detail(); }

 private:
  Fed feed_chunked(char* destination, char* data, std::size_t size);

  http::BodyKind kind_ = http::BodyKind::None;
  std::uint64_t left_ = 0;
  bool done_ = true;
  http::ChunkDecoder chunks_;
};

}  // namespace fusegate::proxy
