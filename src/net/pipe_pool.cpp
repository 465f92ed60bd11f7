#include "net/pipe_pool.hpp"

#include "net/stream.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace fusegate::net {
namespace {

void close_both(const std::array<int, 2>& ends) {
  ::close(ends[0]);
  ::close(ends[1]);
}

/// By the system, or by what confines us; nothing has moved.
bool is_refused(const IoResult& result) {
  return result.kind == IoResult::Kind::Failed &&
         (result.error == EINVAL || result.error == ENOSYS || result.error == EPERM);
}

}  // namespace

std::optional<IoResult> Pipe::fill(Stream& from, std::uint64_t size) {
  if (pool_ == nullptr) {
    return std::nullopt;
  }
  const IoResult result =
      from.splice_to(ends_[1], std::min<std::uint64_t>(size, PipePool::kCapacity));
  if (is_refused(result)) {
    pool_->unsupported_ = true;
    reset();
    return std::nullopt;
  }
  held_ = result.bytes;
  return result;
}

IoResult Pipe::drain(Stream& to, std::size_t most) {
  for (std::size_t left = std::min(held_, most); left > 0;) {
    const IoResult result = to.splice_from(ends_[0], left);
    if (!result.done()) {
      return result;
    }
    held_ -= result.bytes;
    left -= result.bytes;
  }
  return {IoResult::Kind::Done, 0, 0};
}

void Pipe::give_back() {
  std::exchange(pool_, nullptr)
      ->give_back(std::exchange(ends_, kNone), std::exchange(held_, 0) == 0);
}

PipePool::PipePool() { ::signal(SIGPIPE, SIG_IGN); }

PipePool::~PipePool() { std::ranges::for_each(free_, close_both); }

Pipe PipePool::take() {
  Pipe pipe;
  if (unsupported_) {
    return {};
  }
  if (!free_.empty()) {
    pipe.ends_ = free_.back();
    free_.pop_back();
    low_water_ = std::min(low_water_, free_.size());
  } else if (open_ >= kMax || ::pipe2(pipe.ends_.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    return {};
  } else {
    // 64 slots for pages instead of 16. Refused, it takes less at a time.
    [[maybe_unused]] const int size =
        ::fcntl(pipe.ends_[1], F_SETPIPE_SZ, static_cast<int>(kCapacity));
    ++open_;
  }
  pipe.pool_ = this;
  return pipe;
}

void PipePool::give_back(Pipe::Ends ends, bool empty) {
  if (empty && !unsupported_) {
    free_.push_back(ends);
  } else {
    close_both(ends);
    --open_;
  }
}

void PipePool::trim() {
  for (; low_water_ > 0; --low_water_, --open_) {
    close_both(free_.back());
    free_.pop_back();
  }
  low_water_ = free_.size();
}

}  // namespace fusegate::net
