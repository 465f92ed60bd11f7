#pragma once

#include <fusegate/config/config.hpp>
#include <fusegate/exchange/upstream_state.hpp>

#include "net/tls_source.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fusegate::upstream {

/// One upstream at run time: its policy state, shared by all workers behind a lock that is held for
/// decisions only, never across a wait.
class Upstream {
 public:
  Upstream(const config::UpstreamConfig& settings, std::uint64_t seed, Instant now)
      : state_(settings, seed, now),
        tls_(settings.uses_tls() ? std::make_unique<net::TlsSource>(settings.tls) : nullptr) {}

  /// Runs `decide(state)` under the lock.
  template <class Decide>
  decltype(auto) with(Decide&& decide) {
    const std::lock_guard guard{mutex_};
    return std::forward<Decide>(decide)(state_);
  }

  const config::UpstreamConfig& settings() const { return state_.settings(); }

  /// Null when its endpoints are spoken to in plain text.
  net::TlsSource* tls() const { return tls_.get(); }

  /// Addresses that need no look-up, by configured endpoint.
  using Addresses = std::map<std::size_t, std::vector<std::string>>;
  void add_fixed(Addresses fixed, Instant now) {
    const std::lock_guard guard{mutex_};
    addresses_.merge(std::move(fixed));
    ever_resolved_.store(true, std::memory_order_relaxed);
    apply(now);
  }
  /// The answer for the name of a configured endpoint; the other endpoints stay. More addresses
  /// mean more slots: `wake` is called, under the lock, for each request that waited and has one
  /// now.
  template <class Wake>
  void set_resolved(std::size_t endpoint, const std::vector<std::string>& addresses, Instant now,
                    Wake&& wake) {
    const std::lock_guard guard{mutex_};
    addresses_[endpoint] = addresses;
    if (!addresses.empty()) {  // A failed look-up that gives the last addresses up is no success.
      ever_resolved_.store(true, std::memory_order_relaxed);
    }
    apply(now);
    while (policy::Limiter::Waiter waiter = state_.limiter().hand_out(now)) {
      wake(waiter);
    }
  }

  /// The configured endpoint that an address belongs to; the first one, if none does (any more).
  const config::Endpoint& origin_of(std::string_view address) {
    const std::lock_guard guard{mutex_};
    for (const auto& [endpoint, addresses] : addresses_) {
      if (std::ranges::find(addresses, address) != addresses.end()) {
        return settings().endpoints[endpoint];
      }
    }
    return settings().endpoints.front();
  }

  /// What the TLS server at an address must prove to be.
  std::string server_name_of(std::string_view address) {
    const std::string& set = settings().tls.server_name;
    return set.empty() ? origin_of(address).host : set;
  }

  /// False until a name look-up has succeeded once; refusals then say `dns_failed`.
  bool ever_resolved() const { return ever_resolved_.load(std::memory_order_relaxed); }

 private:
  void apply(Instant now) {
    std::vector<std::string> all;
    for (const auto& [endpoint, addresses] : addresses_) {
      all.insert(all.end(), addresses.begin(), addresses.end());
    }
    state_.set_endpoints(all, now);
  }

  std::mutex mutex_;
  exchange::UpstreamState state_;
  Addresses addresses_;  ///< Those of all endpoints, looked up or not.
  std::unique_ptr<net::TlsSource> tls_;
  std::atomic<bool> ever_resolved_{false};
};

}  // namespace fusegate::upstream
