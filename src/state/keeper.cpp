#include "state/keeper.hpp"

#include "state/codec.hpp"
#include "state/due.hpp"
#include "state/file.hpp"

#include <pthread.h>

#include <utility>

namespace fusegate::state {
namespace {

/// How often is looked for news. Chosen: what happened right before a crash may be lost for so
/// long.
constexpr Duration kLook = std::chrono::milliseconds{250};

}  // namespace

void Keeper::start() {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "fusegate-state");
    work();
  });
}

void Keeper::stop() {
  if (!thread_.joinable()) {
    return;
  }
  {
    const std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  write(source_());
}

void Keeper::work() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    lock.unlock();
    look();
    lock.lock();
    changed_.wait_for(lock, kLook, [this] { return stopping_; });
  }
}

void Keeper::look() {
  const Snapshot snapshot = source_();
  if (tried_ && !is_due(news(written_, snapshot.sections), is_calm(snapshot.sections),
                        snapshot.taken - *tried_)) {
    return;
  }
  write(snapshot);
}

void Keeper::write(const Snapshot& snapshot) {
  tried_ = snapshot.taken;
  const auto done = replace_file(path_, encode(snapshot));
  if (done) {
    written_ = snapshot.sections;
    if (std::exchange(failing_, false)) {
      log_.info("state file is written again", {{"file", std::string_view{path_}}});
    }
    return;
  }
  if (!std::exchange(failing_, true)) {
    log_.warn("state file cannot be written; state will not outlive this process",
              {{"error", std::string_view{done.error()}}});
  }
}

}  // namespace fusegate::state
