#pragma once

#include <fusegate/base/vocabulary.hpp>

#include "sim/scenario.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace fusegate::sim {

/// One second of a run. Requests are counted where they arrived, attempts where they began.
struct Second {
  std::uint32_t offered = 0;
  std::uint32_t attempts = 0;
  std::uint32_t good = 0;     ///< Answered 200 while their caller still waited.
  std::uint32_t bad = 0;      ///< Answered with something worse by the service.
  std::uint32_t refused = 0;  ///< Answered by the proxy itself.
  std::uint32_t late = 0;     ///< Their caller had left.
  float p50_ms = 0;           ///< Of the good ones.
  float p99_ms = 0;
  BreakerState breaker{};  ///< At its end.
};

/// What one policy made of one scenario.
struct Outcome {
  std::string policy;  ///< "yours", "defaults", "no retries" or "naive retries".
  std::vector<Second> seconds;
  std::uint64_t requests = 0;
  std::uint64_t attempts = 0;
};

/// The figures a verdict stands on.
struct Verdict {
  double calm_goodput = 0;   ///< Share of the offered before the fault.
  double possible = 0;       ///< Requests that any policy could have served during the fault.
  double fault_goodput = 0;  ///< Share of the possible; 1 when nothing was possible.
  double amplification = 0;  ///< Attempts a request during the fault.
  double worst_second = 0;   ///< The same of its worst second.
  int recovery_s = -1;  ///< Seconds from the fault's end until 95 % are good for 3 s; -1 = never.
  std::uint64_t lost = 0;  ///< Requests that could have been served and were not, in the whole run.
  double p99_ms = 0;       ///< Of good answers during the fault.
};

Verdict judge(const Outcome& outcome, const Scenario& scenario, const Model& model);
/// Plain sentences, the worst first.
std::vector<std::string> words(const Verdict& verdict, const Scenario& scenario);

/// Requests a second that the service can answer `since` the fault began.
double capacity_at(const Scenario& scenario, const Model& model, Duration since);

}  // namespace fusegate::sim
