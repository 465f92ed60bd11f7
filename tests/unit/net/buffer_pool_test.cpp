#include "net/buffer_pool.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fusegate::net {
namespace {

TEST(BufferPool, ABodyGetsWhatItAnnouncesBetweenSmallAndLarge) {
  const BufferPool pool;
  EXPECT_EQ(pool.size_for(0), BufferPool::kSmall);
  EXPECT_EQ(pool.size_for(100'000), 100'000U);
  EXPECT_EQ(pool.size_for(1'000'000'000), BufferPool::kLarge);
}

TEST(BufferPool, WhatIsTakenHasAtLeastTheSizeAskedFor) {
  BufferPool pool;
  for (const std::size_t size : {1UL, 16'384UL, 16'385UL, 100'000UL, 262'144UL, 1'000'000UL}) {
    const Buffer buffer = pool.take(size);
    EXPECT_GE(buffer.capacity(), size);
    buffer.data()[size - 1] = 'x';
  }
}

TEST(BufferPool, ManyBodiesThatAreHeldUpGetSmallBlocks) {
  BufferPool pool;
  std::vector<Buffer> held;
  for (std::size_t at = 0; at < BufferPool::kManyLarge; ++at) {
    held.push_back(pool.take(pool.size_for(1'000'000)));
  }
  EXPECT_EQ(pool.size_for(1'000'000), BufferPool::kSmall);
  EXPECT_GE(pool.take(100'000).capacity(), 100'000U) << "a long head gets what it needs";
  held.pop_back();
  EXPECT_EQ(pool.size_for(1'000'000), BufferPool::kLarge);
  held.clear();
  EXPECT_EQ(pool.size_for(1'000'000), BufferPool::kLarge);
}

TEST(BufferPool, ABlockThatMovesToAnotherHolderIsLentOnce) {
  BufferPool pool;
  for (std::size_t at = 0; at < 2 * BufferPool::kManyLarge; ++at) {
    Buffer first = pool.take(BufferPool::kLarge);
    Buffer second = std::move(first);
    second = pool.take(BufferPool::kLarge);
  }
  EXPECT_EQ(pool.size_for(1'000'000), BufferPool::kLarge);
}

}  // namespace
}  // namespace fusegate::net
