#pragma once

#include "state/snapshot.hpp"
#include "telemetry/log.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace fusegate::state {

/// Writes the state file when there is news, on a thread of its own: a slow or full disk holds up
/// nothing else. A failure is said once, until it works again.
class Keeper {
 public:
  /// Called on the keeper's thread, and once more by `stop`; takes the locks it needs.
  using Source = std::function<Snapshot()>;

  Keeper(std::string path, Source source, telemetry::Logger& log)
      : path_(std::move(path)), source_(std::move(source)), log_(log) {}
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  ~Keeper() { stop(); }

  /// Writes at once, so that a place that cannot be written is known from the start.
  void start();
  /// Ends the thread and writes the last state. May be called twice.
  void stop();

 private:
  void work();
  void look();
  void write(const Snapshot& snapshot);

  std::string path_;
  Source source_;
  telemetry::Logger& log_;
  std::optional<Instant> tried_;  ///< When it was last written, or failed to be.
  std::vector<Section> written_;  ///< What the file says.
  bool failing_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fusegate::state
