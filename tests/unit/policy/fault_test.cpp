#include <fusegate/policy/fault.hpp>

#include <gtest/gtest.h>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;

constexpr int kDraws = 20'000;

FaultSettings all(Ratio abort, Ratio delay, Ratio reset) {
  return {.enabled = true,
          .abort_percent = abort,
          .abort_status = 502,
          .delay_percent = delay,
          .delay = 70ms,
          .reset_percent = reset};
}

TEST(Fault, NothingHappensWhileItIsOff) {
  Rng rng{1};
  FaultSettings settings = all(Ratio::percent(100), Ratio::percent(100), Ratio::percent(100));
  settings.enabled = false;
  const FaultPlan plan = plan_fault(settings, {.abort_status = 500, .delay = 1s}, rng);
  EXPECT_EQ(plan.delay, 0s);
  EXPECT_FALSE(plan.ends_attempt());
}

TEST(Fault, NothingHappensWithoutShareOrWish) {
  Rng rng{1};
  const FaultPlan plan = plan_fault(all({}, {}, {}), {}, rng);
  EXPECT_EQ(plan.delay, 0s);
  EXPECT_FALSE(plan.ends_attempt());
}

TEST(Fault, EveryShareHoldsByItself) {
  Rng rng{7};
  const auto settings = all(Ratio::percent(20), Ratio::percent(50), Ratio::percent(10));
  int aborted = 0;
  int delayed = 0;
  int reset = 0;
  for (int i = 0; i < kDraws; ++i) {
    const FaultPlan plan = plan_fault(settings, {}, rng);
    aborted += plan.abort_status == 502 ? 1 : 0;
    delayed += plan.delay == 70ms ? 1 : 0;
    reset += plan.reset ? 1 : 0;
    EXPECT_FALSE(plan.reset && plan.abort_status != 0);
  }
  EXPECT_NEAR(delayed, kDraws * 0.5, kDraws * 0.02);
  EXPECT_NEAR(reset, kDraws * 0.1, kDraws * 0.01);
  // Where both were drawn the reset wins.
  EXPECT_NEAR(aborted, kDraws * 0.2 * 0.9, kDraws * 0.02);
}

TEST(Fault, AWishIsGranted) {
  Rng rng{3};
  const auto settings = all({}, {}, Ratio::percent(100));
  const FaultPlan plan = plan_fault(settings, {.abort_status = 418, .delay = 5ms}, rng);
  EXPECT_EQ(plan.abort_status, 418U);
  EXPECT_EQ(plan.delay, 5ms);
  EXPECT_FALSE(plan.reset);
  EXPECT_EQ(plan_fault(settings, {.delay = 5ms}, rng).reset, true) << "the rest is still drawn";
}

}  // namespace
}  // namespace fusegate::policy
