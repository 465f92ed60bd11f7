#pragma once

// What the processes of the soak share: a file in memory that outlives those that are killed.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace soak {

struct Ledger {
  static constexpr std::uint64_t kNumbers = std::uint64_t{1} << 26;

  // The script writes these two: nanoseconds of the monotonic clock, 0 = never.
  std::atomic<std::int64_t> disturbed_since;  ///< 0 while no service is killed or stopped.
  std::atomic<std::int64_t> disturbed_until;  ///< End of the last disturbance.
  std::atomic<std::uint64_t> next_number;
  std::atomic<std::uint64_t> bad_deliveries;  ///< Requests that were not what they should be.
  std::atomic<std::uint64_t> heads;
  std::atomic<std::uint64_t> wholes;
  std::atomic<std::uint64_t> answers;
  std::uint64_t reserved[57];
  std::atomic<std::uint8_t> head_count[kNumbers];   ///< Heads that arrived, by number.
  std::atomic<std::uint8_t> whole_count[kNumbers];  ///< Whole requests, by number.
};

inline Ledger& open_ledger(const char* path) {
  const int fd = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, sizeof(Ledger)) != 0) {
    std::perror(path);
    std::exit(1);
  }
  void* memory = ::mmap(nullptr, sizeof(Ledger), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (memory == MAP_FAILED) {
    std::perror("mmap");
    std::exit(1);
  }
  return *static_cast<Ledger*>(memory);
}

}  // namespace soak
