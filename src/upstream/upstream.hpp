#pragma once

#include <fusegate/config/config.hpp>
#include <fusegate/exchange/upstream_state.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace fusegate::upstream {

/// One upstream at run time: its policy state, shared by all workers behind a lock that is held for
/// decisions only, never across a wait.
class Upstream {
 public:
  Upstream(const config::UpstreamConfig& settings, std::uint64_t seed, Instant now)
      : state_(settings, seed, now) {}

  /// Runs `decide(state)` under the lock.
  template <class Decide>
  decltype(auto) with(Decide&& decide) {
    const std::lock_guard guard{mutex_};
    return std::forward<Decide>(decide)(state_);
  }

  const config::UpstreamConfig& settings() const { return state_.settings(); }

  /// The addresses that need no look-up.
  void add_fixed(std::vector<std::string> addresses, Instant now) {
    const std::lock_guard guard{mutex_};
    fixed_ = std::move(addresses);
    ever_resolved_.store(true, std::memory_order_relaxed);
    apply(now);
  }
  /// The answer for one name of this upstream; the other names and addresses stay. More endpoints
  /// mean more slots: `wake` is called, under the lock, for each request that waited and has one
  /// now.
  template <class Wake>
  void set_resolved(std::size_t name, const std::vector<std::string>& addresses, Instant now,
                    Wake&& wake) {
    const std::lock_guard guard{mutex_};
    resolved_[name] = addresses;
    ever_resolved_.store(true, std::memory_order_relaxed);
    apply(now);
    while (policy::Limiter::Waiter waiter = state_.limiter().hand_out(now)) {
      wake(waiter);
    }
  }

  /// False until a name look-up has succeeded once; refusals then say `dns_failed`.
  bool ever_resolved() const { return ever_resolved_.load(std::memory_order_relaxed); }

 private:
  void apply(Instant now) {
    std::vector<std::string> all = fixed_;
    for (const auto& [name, addresses] : resolved_) {
      all.insert(all.end(), addresses.begin(), addresses.end());
    }
    state_.set_endpoints(all, now);
  }

  std::mutex mutex_;
  exchange::UpstreamState state_;
  std::vector<std::string> fixed_;
  std::map<std::size_t, std::vector<std::string>> resolved_;
  std::atomic<bool> ever_resolved_{false};
};

}  // namespace fusegate::upstream
