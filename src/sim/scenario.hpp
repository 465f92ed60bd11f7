#pragma once

#include <fusegate/base/time.hpp>

#include <cstdint>
#include <span>
#include <string_view>

/// Outages to be played against a configuration, without a clock or a socket.
namespace fusegate::sim {

/// The service behind the upstream and its callers. Every default is chosen: a small service at
/// somewhat more than half of what it can bear.
struct Model {
  double rate = 350;  ///< Requests a second, open loop.
  std::uint32_t endpoints = 3;
  std::uint32_t slots = 4;  ///< Requests an endpoint works on at once.
  Duration service_time = std::chrono::milliseconds{20};  ///< Mean, exponential.
  Duration patience = std::chrono::seconds{1};            ///< After that a caller has left.
  std::uint32_t backlog = 1024;  ///< Waiting at an endpoint; then it refuses.

  /// Requests a second that all endpoints together can answer.
  double capacity() const {
    return endpoints * slots / std::chrono::duration<double>(service_time).count();
  }
};

/// How one endpoint behaves.
enum class Manner : std::uint8_t {
  Serves,
  Errors,     ///< 503 after a millisecond, without work.
  Refuses,    ///< No connection.
  BlackHole,  ///< Takes requests and never answers.
};

/// What is different at a moment.
struct Weather {
  Manner manner = Manner::Serves;
  double slower = 1;  ///< Factor on the service time.
};

inline constexpr Duration kCalm = std::chrono::seconds{20};
inline constexpr Duration kFault = std::chrono::seconds{30};
inline constexpr Duration kAfter = std::chrono::seconds{40};

/// A fault that begins after `kCalm` and lasts for `kFault`; then `kAfter` to recover in.
struct Scenario {
  std::string_view name;
  std::string_view meaning;  ///< One sentence.
  /// Of endpoint `index` of `count`, `since` the fault began, only asked while it lasts.
  Weather (*weather)(std::uint32_t index, std::uint32_t count, Duration since);
  double surge = 1;              ///< Factor on the rate while the fault lasts.
  bool callers_restart = false;  ///< The proxy and its callers begin anew at the fault's begin.
};

std::span<const Scenario> scenarios();
/// nullptr when there is none of this name.
const Scenario* find_scenario(std::string_view name);

}  // namespace fusegate::sim
