#pragma once

#include <array>
#include <cstddef>

namespace fusegate::net {

class Stream;

/// Small messages that are written while a turn looks at what has come, sent in a row behind it:
/// the kernel's code and ours then run one after the other instead of by turns, and a peer that
/// sleeps is woken once for several (docs/adr/0016-sent-in-a-row.md). A message counts as written
/// when it lies here, as it does when it lies in the kernel; `Stream` tells what became of it.
class Outbox {
 public:
  /// Bytes. Chosen: a head and a body of a few KiB, whose copy stays in the first-level cache.
  static constexpr std::size_t kMessage = 4096;
  /// Where to put a message of at most `kMessage` bytes. Sends all others first when they leave no
  /// room.
  char* room(Stream& stream, std::size_t size) {
    if (count_ == kMessages || kRoom - used_ < size) [[unlikely]] {
      deliver();
    }
    messages_[count_++] = {&stream, size};
    char* const at = bytes_.data() + used_;
    used_ += size;
    return at;
  }
  /// Sends everything.
  void deliver();
  bool empty() const { return count_ == 0; }

 private:
  /// Chosen: what 64 busy clients bring in one turn; the first to be put in waits for as many
  /// others to be looked at (some 3 us each), and the copies stay in the second-level cache. Half
  /// and twice as many were no faster (docs/performance.md).
  static constexpr std::size_t kMessages = 64;
  static constexpr std::size_t kRoom = 64 * 1024;

  struct Message {
    Stream* stream;
    std::size_t size;
  };
  std::size_t count_ = 0;
  std::size_t used_ = 0;
  std::array<Message, kMessages> messages_;
  std::array<char, kRoom> bytes_;
};

}  // namespace fusegate::net
