#include <fusegate/base/fill.hpp>

#include "sim/numbers.hpp"
#include "sim/outcome.hpp"

#include <algorithm>
#include <cmath>

namespace fusegate::sim {
namespace {

constexpr double kWell = 0.95;
constexpr int kSustained = 3;
constexpr auto kCalmSeconds = std::chrono::duration_cast<std::chrono::seconds>(kCalm).count();
constexpr auto kFaultSeconds = std::chrono::duration_cast<std::chrono::seconds>(kFault).count();
/// Budgets allow a fifth more; what is above it comes from their floor.
constexpr double kModest = 1.25;
constexpr int kPrompt = 15;

bool well(const Second& second) { return second.good >= kWell * second.offered; }

int recovery(const std::vector<Second>& seconds) {
  const auto end = static_cast<std::size_t>(kCalmSeconds + kFaultSeconds);
  int run = 0;
  for (std::size_t i = end; i < seconds.size(); ++i) {
    run = well(seconds[i]) ? run + 1 : 0;
    if (run == kSustained) {
      return static_cast<int>(i - end) + 1 - kSustained;
    }
  }
  return -1;
}

}  // namespace

double capacity_at(const Scenario& scenario, const Model& model, Duration since) {
  double sum = 0;
  for (std::uint32_t i = 0; i < model.endpoints; ++i) {
    const Weather weather = scenario.weather(i, model.endpoints, since);
    sum +=
        weather.manner == Manner::Serves ? model.capacity() / model.endpoints / weather.slower : 0;
  }
  return sum;
}

Verdict judge(const Outcome& outcome, const Scenario& scenario, const Model& model) {
  Verdict verdict;
  double calm_offered = 0;
  double calm_good = 0;
  double good = 0;
  double offered = 0;
  double attempts = 0;
  double lost = 0;
  for (std::size_t i = 0; i < outcome.seconds.size(); ++i) {
    const Second& second = outcome.seconds[i];
    const auto at = static_cast<std::int64_t>(i);
    const bool in_fault = at >= kCalmSeconds && at < kCalmSeconds + kFaultSeconds;
    const double bearable =
        in_fault
            ? std::min<double>(second.offered, capacity_at(scenario, model,
                                                           std::chrono::seconds{at - kCalmSeconds}))
            : second.offered;
    lost += std::max(0.0, bearable - second.good);
    if (in_fault) {
      verdict.possible += bearable;
      good += second.good;
      offered += second.offered;
      attempts += second.attempts;
      verdict.p99_ms = std::max<double>(verdict.p99_ms, second.p99_ms);
      if (second.offered > 0) {
        verdict.worst_second =
            std::max(verdict.worst_second, static_cast<double>(second.attempts) / second.offered);
      }
    } else if (at < kCalmSeconds) {
      calm_offered += second.offered;
      calm_good += second.good;
    }
  }
  verdict.calm_goodput = calm_offered > 0 ? calm_good / calm_offered : 0;
  verdict.fault_goodput = verdict.possible > 0 ? good / verdict.possible : 1;
  verdict.amplification = offered > 0 ? attempts / offered : 0;
  verdict.recovery_s = recovery(outcome.seconds);
  verdict.lost = static_cast<std::uint64_t>(std::lround(lost));
  return verdict;
}

std::vector<std::string> words(const Verdict& verdict, const Scenario& scenario) {
  std::vector<std::string> result;
  if (verdict.recovery_s < 0) {
    result.push_back("It does not recover: 40 s after the fault less than 95 % are answered well.");
  } else if (verdict.recovery_s > kPrompt) {
    result.push_back(fill("It recovers slowly, {} s after the fault.", verdict.recovery_s));
  } else if (scenario.name != "calm") {
    result.push_back(fill("It is well again {} s after the fault.", verdict.recovery_s));
  }
  const auto factor = rounded(verdict.amplification, 2);
  const auto worst = rounded(verdict.worst_second, 2);
  result.push_back(
      verdict.amplification > kModest
          ? fill("It makes the outage worse: {} attempts a request, {} in the worst second.",
                 factor, worst)
          : fill("It adds little load: {} attempts a request, {} in the worst second.", factor,
                 worst));
  if (verdict.possible > 0) {
    result.push_back(
        fill("{} % of what could be served meanwhile was; {} requests were lost that "
             "need not have been.",
             rounded(verdict.fault_goodput * 100, 1), verdict.lost));
  }
  return result;
}

}  // namespace fusegate::sim
