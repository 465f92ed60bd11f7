#pragma once

#include <fusegate/base/time.hpp>
#include <fusegate/config/config.hpp>

#include <condition_variable>
#include <expected>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace fusegate::upstream {

/// The addresses of a name in the text form of endpoints, or why there are none.
using Resolved = std::expected<std::vector<std::string>, std::string>;

/// One look-up of a host by the system's resolver (files, DNS, whatever nsswitch says). Blocks.
Resolved resolve(const config::Endpoint& endpoint, config::IpFamily family);

/// Resolves the names of upstreams again and again on threads of its own, because a look-up by the
/// system's resolver blocks and cannot be cancelled. One slow name delays at most the names that
/// share its thread.
class Resolver {
 public:
  struct Name {
    config::Endpoint endpoint;
    config::Dns settings;
  };
  /// Called on a resolver thread with the index of the name.
  using OnResult = std::function<void(std::size_t index, const Resolved&)>;

  Resolver(std::vector<Name> names, OnResult on_result);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  void start();
  /// Waits for look-ups in progress at most as long as they take.
  void stop();

 private:
  struct Due {
    std::size_t index;
    Instant at;
    bool taken = false;
  };
  void work();

  std::vector<Name> names_;
  OnResult on_result_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Due> due_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fusegate::upstream
