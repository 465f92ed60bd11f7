#include "net/frame_pool.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define FUSEGATE_POOL_FRAMES 0  // Recycling would hide a use after free from the sanitizer.
#else
#define FUSEGATE_POOL_FRAMES 1
#endif

namespace fusegate::net::frame_pool {
namespace {

constexpr std::size_t kStep = 64;
constexpr std::size_t kClasses = 64;  // Up to 4 KiB; larger frames come from the heap.

struct FreeFrame {
  FreeFrame* next;
};

struct FreeList {
  FreeFrame* head = nullptr;
  std::size_t count = 0;
  std::size_t low_water = 0;  ///< Fewest free frames since the last trim.
};

void drop(FreeList& list, std::size_t count) {
  for (; count > 0; --count) {
    FreeFrame* frame = list.head;
    list.head = frame->next;
    --list.count;
    ::operator delete(frame);
  }
}

// Without a destructor of its own, so that an access needs no check whether it has been
// constructed.
constinit thread_local std::array<FreeList, kClasses> lists;

/// Empties the lists when the thread ends.
struct AtThreadEnd {
  ~AtThreadEnd() {
    for (auto& list : lists) {
      drop(list, list.count);
    }
  }
};

/// A frame for which there was no free one: memory that comes back to the lists later.
void* new_frame(std::size_t size) {
  thread_local const AtThreadEnd at_thread_end;
  return ::operator new(size);
}

constexpr std::size_t class_of(std::size_t size) { return (size + kStep - 1) / kStep - 1; }

}  // namespace

void* allocate(std::size_t size) {
  const std::size_t index = class_of(size);
  if (!FUSEGATE_POOL_FRAMES || index >= kClasses) {
    return ::operator new(size);
  }
  FreeList& list = lists[index];
  if (list.head == nullptr) {
    return new_frame((index + 1) * kStep);
  }
  FreeFrame* frame = list.head;
  list.head = frame->next;
  --list.count;
  list.low_water = std::min(list.low_water, list.count);
  return frame;
}

void release(void* frame, std::size_t size) {
  const std::size_t index = class_of(size);
  if (!FUSEGATE_POOL_FRAMES || index >= kClasses) {
    ::operator delete(frame);
    return;
  }
  FreeList& list = lists[index];
  list.head = new (frame) FreeFrame{list.head};
  ++list.count;
}

void trim() {
  for (auto& list : lists) {
    drop(list, (list.low_water + 1) / 2);
    list.low_water = list.count;
  }
}

}  // namespace fusegate::net::frame_pool
