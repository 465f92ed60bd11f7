#pragma once

#include <fusegate/config/config.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace fusegate::route {

/// Which routes can never be reached, because routes before them take every request they match.
///
/// Exact for hosts, methods, headers, prefixes and exact paths; for regular expressions it only
/// speaks when it is sure. Several routes may cover one together: each pair of a host and a method
/// is looked at alone, and on each listener that serves the route. Ten thousand routes with a host
/// each are looked at in a second; beyond `kWorkMax` comparisons it says nothing at all.
class Coverage {
 public:
  static constexpr std::uint64_t kWorkMax = 200'000'000;

  /// `config` must outlive it.
  explicit Coverage(const config::Config& config);
  ~Coverage();
  Coverage(const Coverage&) = delete;
  Coverage& operator=(const Coverage&) = delete;

  /// The earlier routes that together take everything of `route`, in file order; empty = some
  /// request may reach it. Also empty when no listener serves it.
  std::vector<std::uint16_t> shadowing(std::uint16_t route) const;

 private:
  struct Paths;
  const config::Config& config_;
  std::unique_ptr<Paths> paths_;
};

}  // namespace fusegate::route
