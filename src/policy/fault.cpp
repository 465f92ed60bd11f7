#include <fusegate/policy/fault.hpp>

namespace fusegate::policy {
namespace {

constexpr std::uint64_t kWhole = 1'000'000;

bool drawn(Ratio share, Rng& rng) {
  return share.millionths > 0 && rng.below(kWhole) < share.millionths;
}

}  // namespace

FaultPlan plan_fault(const FaultSettings& settings, const FaultWish& wish, Rng& rng) {
  FaultPlan plan;
  if (!settings.enabled) {
    return plan;
  }
  const bool slow = drawn(settings.delay_percent, rng);
  const bool reset = drawn(settings.reset_percent, rng);
  const bool abort = drawn(settings.abort_percent, rng);
  plan.delay = wish.delay.value_or(slow ? settings.delay : Duration::zero());
  if (wish.abort_status) {
    plan.abort_status = *wish.abort_status;
  } else if (reset) {
    plan.reset = true;
  } else if (abort) {
    plan.abort_status = settings.abort_status;
  }
  return plan;
}

}  // namespace fusegate::policy
