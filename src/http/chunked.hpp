#pragma once

#include "http/trailers.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// The chunked coding (RFC 9112 section 7.1).
namespace fusegate::http {

/// Takes the payload out of a chunked body without copying it. Strict: CRLF only, 1 to 16 hex
/// digits, a size below 2^63, extensions by the grammar. Allocates only when there are trailers.
class ChunkDecoder {
 public:
  /// A chunk line, extensions and CRLF included, in bytes. Chosen: Node allows 16 KiB of extensions
  /// a body, Beast from 1.91 on 8 KiB a line; real ones have less than 100 bytes.
  static constexpr std::size_t kMaxLine = 4096;
  /// A chunk line may use 16 bytes plus twice its chunk's size. What is over that is summed up,
  /// what is under is paid back; above this sum the body is refused (Go's rule, CVE-2023-39326).
  static constexpr std::int64_t kMaxExcess = 16 * 1024;

  struct Step {
    std::size_t consumed = 0;  ///< Bytes of the input that are used up, `data` included.
    std::string_view data;     ///< Payload within the input; may be empty.
    bool done = false;         ///< The body has ended, trailers included; nothing behind was read.
    bool failed = false;       ///< Not valid; detail() says why. The connection cannot be used on.
  };

  /// Call again with what is left until nothing is consumed, or `done` or `failed`. Each step gives
  /// at most one piece of payload.
  Step next(std::string_view input);

  /// The trailers that may be forwarded, as "Name: value\r\n" lines. Complete after `done`.
  std::string_view trailers() const { return trailers_.lines(); }
  /// Plain words; static storage.
  std::string_view detail() const { return detail_; }
  /// Payload bytes of the current chunk that are still to come.
  std::uint64_t chunk_left() const { return left_; }
  /// Begins a new body; keeps no storage.
  void reset() { *this = ChunkDecoder{}; }

 private:
  enum class State : std::uint8_t {
    Size,        ///< Before the first digit.
    SizeMore,    ///< Behind at least one digit.
    Gap,         ///< Blanks before ';'.
    NameStart,   ///< Behind ';'.
    Name,        ///< In an extension's name.
    NameGap,     ///< Blanks behind a name: '=' or ';' must follow.
    ValueStart,  ///< Behind '='.
    Value,       ///< In a token value.
    Quoted,      ///< In a quoted value.
    QuotedPair,  ///< Behind '\' in a quoted value.
    QuotedEnd,   ///< Behind the closing quote.
    LineFeed,    ///< Behind the CR of a chunk line.
    Data,
    DataReturn,  ///< The CR behind the payload.
    DataFeed,    ///< The LF behind the payload.
    Trailers,
    Done,
    Failed,
  };

  std::size_t usual_bytes(std::string_view input);
  bool line_byte(char c);
  struct Grammar;
  static constexpr bool is_extension(State state) {
    return state >= State::Gap && state <= State::QuotedEnd;
  }
  static State after(State state, char c);
  std::size_t extension_bytes(std::string_view input);
  bool add_digit(char c);
  bool end_line();
  bool fail(std::string_view detail);
  Step result(std::size_t consumed, std::string_view data) const;

  State state_ = State::Size;
  std::uint8_t digits_ = 0;
  std::uint16_t line_ = 0;
  std::uint64_t left_ = 0;
  std::int64_t excess_ = 0;
  std::string_view detail_;
  Trailers trailers_;
};

/// Room that write_chunk_prefix() needs: 16 digits and CRLF.
inline constexpr std::size_t kChunkPrefixMax = 18;
/// Writes `size` in hex and CRLF; returns the bytes written.
std::size_t write_chunk_prefix(char* out, std::uint64_t size);
inline constexpr std::string_view kChunkEnd = "\r\n";    ///< Behind the payload of each chunk.
inline constexpr std::string_view kLastChunk = "0\r\n";  ///< Trailer lines and kChunkEnd follow.
inline constexpr std::string_view kChunkedEnd = "0\r\n\r\n";  ///< The end without trailers.

}  // namespace fusegate::http
