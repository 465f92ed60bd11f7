#include "sim/scenario.hpp"

#include <algorithm>
#include <array>

namespace fusegate::sim {
namespace {

using namespace std::chrono_literals;

constexpr double kBrownOut = 5;
constexpr double kSlowEndpoint = 25;
constexpr Duration kFlap = 4s;

Weather calm(std::uint32_t, std::uint32_t, Duration) { return {}; }

Weather outage(std::uint32_t, std::uint32_t, Duration) { return {.manner = Manner::Errors}; }

Weather down(std::uint32_t, std::uint32_t, Duration) { return {.manner = Manner::Refuses}; }

Weather brown_out(std::uint32_t, std::uint32_t, Duration) { return {.slower = kBrownOut}; }

Weather slow_endpoint(std::uint32_t index, std::uint32_t, Duration) {
  return {.slower = index == 0 ? kSlowEndpoint : 1};
}

Weather bad_endpoint(std::uint32_t index, std::uint32_t, Duration) {
  return {.manner = index == 0 ? Manner::Errors : Manner::Serves};
}

Weather black_hole(std::uint32_t index, std::uint32_t, Duration) {
  return {.manner = index == 0 ? Manner::BlackHole : Manner::Serves};
}

Weather flapping(std::uint32_t, std::uint32_t, Duration since) {
  return {.manner = since % kFlap < kFlap / 2 ? Manner::Errors : Manner::Serves};
}

Weather rolling_restart(std::uint32_t index, std::uint32_t count, Duration since) {
  const Duration turn = kFault / static_cast<Duration::rep>(count);
  const Duration begin = turn * index;
  const bool away = since >= begin && since < begin + turn / 2;
  return {.manner = away ? Manner::Refuses : Manner::Serves};
}

constexpr std::array<Scenario, 11> kScenarios{{
    {"calm", "Nothing happens: the proxy must not be felt.", calm},
    {"outage", "Every endpoint answers 503 for 30 s.", outage},
    {"down", "No endpoint accepts a connection for 30 s.", down},
    {"brownout", "Every endpoint works five times slower for 30 s.", brown_out},
    {"slow-endpoint", "One endpoint works 25 times slower for 30 s.", slow_endpoint},
    {"bad-endpoint", "One endpoint answers 503 for 30 s.", bad_endpoint},
    {"black-hole", "One endpoint takes requests and never answers, for 30 s.", black_hole},
    {"flapping", "All endpoints answer 503 for 2 s and are well for 2 s, in turn.", flapping},
    {"spike", "Three times the load for 30 s.", calm, 3},
    {"caller-restart", "The proxy begins anew, without memory, while the load doubles for 30 s.",
     calm, 2, true},
    {"rolling-restart", "One endpoint after the other is away for a while.", rolling_restart},
}};

}  // namespace

std::span<const Scenario> scenarios() { return kScenarios; }

const Scenario* find_scenario(std::string_view name) {
  const auto found = std::ranges::find(kScenarios, name, &Scenario::name);
  return found == kScenarios.end() ? nullptr : &*found;
}

}  // namespace fusegate::sim
