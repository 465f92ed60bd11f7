#include "telemetry/access_log_writer.hpp"

#include <algorithm>
#include <utility>

namespace fusegate::telemetry {

AccessLogWriter::AccessLogWriter(int fd, std::size_t blocks_max)
    : output_(fd), blocks_max_(std::max<std::size_t>(blocks_max, 1)), thread_([this] { run(); }) {}

AccessLogWriter::~AccessLogWriter() { stop(kDrainMax); }

std::unique_ptr<LogBlock> AccessLogWriter::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!spare_.empty()) {
      auto block = std::move(spare_.back());
      spare_.pop_back();
      return block;
    }
  }
  // Not value-initialised on purpose: the bytes are written before they are read.
  return std::make_unique_for_overwrite<LogBlock>();
}

void AccessLogWriter::submit(std::unique_ptr<LogBlock> block) {
  if (block->lines == 0) {
    return;
  }
  std::unique_ptr<LogBlock> oldest;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      dropped_.fetch_add(block->lines, std::memory_order_relaxed);
      return;
    }
    if (queue_.size() >= blocks_max_) {
      oldest = std::move(queue_.front());
      queue_.pop_front();
      dropped_.fetch_add(oldest->lines, std::memory_order_relaxed);
    }
    queue_.push_back(std::move(block));
  }
  wake_.notify_one();
}

void AccessLogWriter::stop(Duration bound) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      return;
    }
    stopping_ = true;
    output_.limit_patience(bound.count());
  }
  wake_.notify_one();
  thread_.join();
}

void AccessLogWriter::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) {
      return;
    }
    auto block = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    write(*block);
    block->size = 0;
    block->lines = 0;
    lock.lock();
    if (spare_.size() < kSpareMax) {
      spare_.push_back(std::move(block));
    }
  }
}

void AccessLogWriter::write(const LogBlock& block) {
  const bool written = output_.write({block.bytes.data(), block.size});
  (written ? lines_ : dropped_).fetch_add(block.lines, std::memory_order_relaxed);
}

}  // namespace fusegate::telemetry
