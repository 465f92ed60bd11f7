#pragma once

#include <cstddef>

/// Memory for coroutine frames, kept per thread: a request starts several coroutines, and none of
/// them may cost a call of malloc in steady state.
namespace fusegate::net::frame_pool {

void* allocate(std::size_t size);
void release(void* frame, std::size_t size);

/// Gives back half of what has not been needed since the last call; called about once a second by
/// each worker, so that memory follows load down again.
void trim();

}  // namespace fusegate::net::frame_pool
