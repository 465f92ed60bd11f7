#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace fusegate::net {

class BufferPool;

/// A block of memory on loan from a worker's pool; goes back when it is destroyed.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        capacity_(std::exchange(other.capacity_, 0)),
        pool_(other.pool_) {}
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      reset();
      data_ = std::exchange(other.data_, nullptr);
      capacity_ = std::exchange(other.capacity_, 0);
      pool_ = other.pool_;
    }
    return *this;
  }
  ~Buffer() { reset(); }

  char* data() const { return data_; }
  std::size_t capacity() const { return capacity_; }
  explicit operator bool() const { return data_ != nullptr; }
  BufferPool* pool() const { return pool_; }
  void reset() {
    if (data_ != nullptr) {
      give_back();
    }
  }

 private:
  friend class BufferPool;
  void give_back();
  char* data_ = nullptr;
  std::size_t capacity_ = 0;
  BufferPool* pool_ = nullptr;
};

/// Free blocks of one worker in a few sizes, last in first out so that hot memory stays hot. An
/// idle connection holds none.
class BufferPool {
 public:
  static constexpr std::size_t kSmall = 16 * 1024;   ///< Heads, small bodies.
  static constexpr std::size_t kLarge = 256 * 1024;  ///< Bodies worth fewer system calls.
  /// What one body moves in a turn of the loop before the other connections have theirs: without
  /// it, peers that are as fast as we are would never let go. Chosen: the block that passes it is
  /// the last, and nearly always the only one (tiny chunks cost 10 ns a byte); with four, a hundred
  /// such peers made others wait 50 ms.
  static constexpr std::size_t kTurn = kSmall / 2;
  /// So many blocks larger than the small one are on loan at most for bodies; chosen: 16 MiB. They
  /// go back as soon as all of one is sent, so that only many peers who do not take what they are
  /// sent use them up, and then each of these holds a small one.
  static constexpr std::size_t kManyLarge = 64;

  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();

  /// What to read into while `announced` bytes of a body are certainly still to come: all of them
  /// in one call if they have arrived.
  std::size_t size_for(std::uint64_t announced) const {
    const std::size_t most = large_lent_ < kManyLarge ? kLarge : kSmall;
    return static_cast<std::size_t>(std::clamp<std::uint64_t>(announced, kSmall, most));
  }

  /// At least `size` bytes.
  Buffer take(std::size_t size = kSmall);
  /// Gives memory back that has not been needed since the last call; about once a second.
  void trim();

 private:
  friend class Buffer;
  static constexpr std::size_t kClasses = 5;  ///< 16, 32, 64, 128, 256 KiB.
  void give_back(char* data, std::size_t capacity);

  struct FreeList {
    std::vector<char*> blocks;
    std::size_t low_water = 0;
  };
  std::array<FreeList, kClasses> free_;
  std::size_t large_lent_ = 0;
};

}  // namespace fusegate::net
