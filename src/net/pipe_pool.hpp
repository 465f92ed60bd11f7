#pragma once

#include "net/io_result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace fusegate::net {

class PipePool;
class Stream;

/// A pipe(2) on loan from a worker's pool: bytes move from socket to socket through it without
/// being copied (splice(2)). It goes back when it is destroyed; with bytes in it, it is closed.
class Pipe {
 public:
  Pipe() = default;
  Pipe(Pipe&& other) noexcept
      : ends_(std::exchange(other.ends_, kNone)),
        held_(std::exchange(other.held_, 0)),
        pool_(std::exchange(other.pool_, nullptr)) {}
  Pipe& operator=(Pipe&& other) noexcept {
    if (this != &other) {
      reset();
      ends_ = std::exchange(other.ends_, kNone);
      held_ = std::exchange(other.held_, 0);
      pool_ = std::exchange(other.pool_, nullptr);
    }
    return *this;
  }
  ~Pipe() { reset(); }

  explicit operator bool() const { return pool_ != nullptr; }
  /// Bytes in the pipe.
  std::size_t held() const { return held_; }
  /// Takes up to `size` bytes of the stream in; only while nothing is held. Nothing when there is
  /// no pipe, or the system does not let these sockets splice: then they have to be read.
  std::optional<IoResult> fill(Stream& from, std::uint64_t size);
  /// Gives what is held to the stream, up to `most` bytes. Done = all of that.
  IoResult drain(Stream& to, std::size_t most);
  void reset() {
    if (pool_ != nullptr) {
      give_back();
    }
  }

 private:
  friend class PipePool;
  using Ends = std::array<int, 2>;  ///< Out, in; as of pipe(2).
  static constexpr Ends kNone{-1, -1};
  void give_back();

  Ends ends_ = kNone;
  std::size_t held_ = 0;
  PipePool* pool_ = nullptr;
};

/// The pipes of one worker, last in first out. A body has one only while bytes are on their way,
/// so that a few serve all who do not wait for their client.
class PipePool {
 public:
  /// Two descriptors each. Chosen: of a worker with more slow clients than this, the others are
  /// served from buffers, and connections keep the descriptors.
  static constexpr std::size_t kMax = 64;
  /// What one takes at a time; as a large buffer.
  static constexpr std::size_t kCapacity = 256 * 1024;
  /// What one gives in a turn of the loop (docs/adr/0013-turns.md); to take is about half the work.
  /// Chosen: about 100 us, and what a socket takes at once is often no more.
  static constexpr std::size_t kTurn = kCapacity / 2;

  /// What has to be left of a body for a pipe to be worth its system calls. Measured: with 32 KiB
  /// a tenth less CPU than with a buffer, with 1 MiB half.
  static constexpr std::uint64_t kWorthwhile = 32 * 1024;

  /// Ignores SIGPIPE in the whole process: splice(2) knows no MSG_NOSIGNAL.
  PipePool();
  PipePool(const PipePool&) = delete;
  PipePool& operator=(const PipePool&) = delete;
  ~PipePool();

  /// Empty when too many are on loan, or the system gives none.
  Pipe take();
  /// Closes what has not been needed since the last call; about once a second.
  void trim();

 private:
  friend class Pipe;
  void give_back(Pipe::Ends ends, bool empty);

  std::vector<Pipe::Ends> free_;
  std::size_t low_water_ = 0;  ///< The least that were free since `trim`.
  std::size_t open_ = 0;
  bool unsupported_ = false;  ///< Splicing has been refused: `take` gives none.
};

}  // namespace fusegate::net
