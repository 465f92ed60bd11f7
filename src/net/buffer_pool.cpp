#include "net/buffer_pool.hpp"

#include <algorithm>
#include <bit>
#include <new>

namespace fusegate::net {
namespace {

std::size_t class_of(std::size_t size) {
  if (size <= BufferPool::kSmall) {
    return 0;
  }
  const std::size_t rounded = std::bit_ceil(size);
  return static_cast<std::size_t>(std::countr_zero(rounded / BufferPool::kSmall));
}

}  // namespace

void Buffer::give_back() {
  pool_->give_back(std::exchange(data_, nullptr), std::exchange(capacity_, 0));
}

BufferPool::~BufferPool() {
  for (auto& list : free_) {
    for (char* block : list.blocks) {
      ::operator delete(block);
    }
  }
}

Buffer BufferPool::take(std::size_t size) {
  const std::size_t index = class_of(size);
  Buffer buffer;
  buffer.pool_ = this;
  buffer.capacity_ = kSmall << index;
  large_lent_ += index > 0 ? 1 : 0;
  if (index < kClasses && !free_[index].blocks.empty()) {
    FreeList& list = free_[index];
    buffer.data_ = list.blocks.back();
    list.blocks.pop_back();
    list.low_water = std::min(list.low_water, list.blocks.size());
  } else {
    buffer.data_ = static_cast<char*>(::operator new(buffer.capacity_));
  }
  return buffer;
}

void BufferPool::give_back(char* data, std::size_t capacity) {
  const std::size_t index = class_of(capacity);
  large_lent_ -= index > 0 ? 1 : 0;
  if (index < kClasses) {
    free_[index].blocks.push_back(data);
  } else {
    ::operator delete(data);
  }
}

void BufferPool::trim() {
  for (auto& list : free_) {
    for (std::size_t drop = (list.low_water + 1) / 2; drop > 0; --drop) {
      ::operator delete(list.blocks.back());
      list.blocks.pop_back();
    }
    list.low_water = list.blocks.size();
  }
}

}  // namespace fusegate::net
