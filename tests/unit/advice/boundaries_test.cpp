// For each warning the setting at which it just comes, and the one at which it just does not.
#include "boundaries_upstream.hpp"

#include <set>

namespace fusegate::advice {
namespace {

using policy::BackoffKind;
using policy::Idempotency;
using policy::Jitter;

/// Three tries with waits of 100 ms and 200 ms.
void steady_waits(Rig& rig) {
  rig.retry().backoff = {BackoffKind::Exponential, 100ms, 1s, 2.0, Jitter::None};
}

const std::vector<Boundary>& times() {
  static const std::vector<Boundary> all{
      {"two of 1s and 300ms leave no 10ms of 2309ms", Code::TriesExceedTimeout,
       [](Rig& r) {
         steady_waits(r), r.policy().per_try_timeout = 1s, r.policy().timeout = 2309ms;
       },
       [](Rig& r) {
         steady_waits(r), r.policy().per_try_timeout = 1s, r.policy().timeout = 2310ms;
       }},
      {"timeouts that are not retried", Code::TriesExceedTimeout,
       [](Rig& r) { r.policy().per_try_timeout = 1s, r.policy().timeout = 2s; },
       [](Rig& r) {
         r.policy().per_try_timeout = 1s, r.policy().timeout = 2s;
         r.policy().idempotent = Idempotency::Never;
       }},
      {"automatic tries need 10ms each", Code::TriesExceedTimeout,
       [](Rig& r) { steady_waits(r), r.policy().timeout = 329ms; },
       [](Rig& r) { steady_waits(r), r.policy().timeout = 330ms; }},
      {"no retries, nothing to fit", Code::TriesExceedTimeout,
       [](Rig& r) { steady_waits(r), r.policy().timeout = 20ms; },
       [](Rig& r) { steady_waits(r), r.policy().timeout = 20ms, r.policy().retries = 0; }},
      {"a try as long as the request", Code::PerTryTimeoutUnused,
       [](Rig& r) { r.policy().per_try_timeout = 15s; },
       [](Rig& r) { r.policy().per_try_timeout = 14999ms; }},
      {"connecting as long as a try", Code::ConnectTimeoutUnused,
       [](Rig& r) { r.policy().per_try_timeout = 1s; },
       [](Rig& r) { r.policy().per_try_timeout = 1001ms; }},
      {"no first wait", Code::BackoffWithoutWait, [](Rig& r) { r.retry().backoff.initial = 0s; },
       [](Rig& r) { r.retry().backoff.initial = 1ms; }},
      {"no longest wait", Code::BackoffWithoutWait, [](Rig& r) { r.retry().backoff.max = 0s; },
       [](Rig& r) { r.retry().backoff.max = 0s, r.policy().retries = 0; }},
      {"waits without jitter", Code::BackoffWithoutJitter,
       [](Rig& r) { r.retry().backoff.jitter = Jitter::None; },
       [](Rig& r) { r.retry().backoff.jitter = Jitter::Equal; }},
      {"a factor of linear waits", Code::BackoffSettingUnused,
       [](Rig& r) { r.retry().backoff.kind = BackoffKind::Linear; }, [](Rig&) {}},
      {"longer than the drain", Code::TimeoutExceedsDrain,
       [](Rig& r) { r.policy().timeout = 25001ms; }, [](Rig& r) { r.policy().timeout = 25s; }},
      {"longer than the grace", Code::StopExceedsGrace,
       [](Rig& r) { r.config.shutdown.delay = 5001ms; },
       [](Rig& r) { r.config.shutdown.delay = 5s; }},
      {"the grace that was stated", Code::StopExceedsGrace, [](Rig& r) { r.given.grace = 24s; },
       [](Rig& r) { r.given.grace = 25s; }},
      {"queueing for a lifetime", Code::QueueOutlastsTimeout,
       [](Rig& r) { r.upstream().concurrency.queue.wait = 15s; },
       [](Rig& r) { r.upstream().concurrency.queue.wait = 14999ms; }},
      {"nothing is that slow", Code::SlowLogNeverFires,
       [](Rig& r) { r.config.log.access.slow = 15s; },
       [](Rig& r) { r.config.log.access.slow = 14999ms; }},
  };
  return all;
}

const std::vector<Boundary>& retries() {
  static const std::vector<Boundary> all{
      {"vouching for all methods", Code::RetriesNotIdempotent,
       [](Rig& r) { r.policy().idempotent = Idempotency::Always; },
       [](Rig& r) {
         r.policy().idempotent = Idempotency::Always;
         r.route().match.methods = {"GET", "PUT"};
       }},
      {"vouching for POST", Code::RetriesNotIdempotent,
       [](Rig& r) {
         r.policy().idempotent = Idempotency::Always;
         r.route().match.methods = {"GET", "POST"};
       },
       [](Rig& r) {
         r.policy().idempotent = Idempotency::Always;
         r.route().match.methods = {"GET", "POST"};
         r.retry().on = {true, false, false, {}};
       }},
      {"settings of no retries", Code::RetrySettingUnused, [](Rig& r) { r.policy().retries = 0; },
       [](Rig& r) { r.policy().retries = 1; }},
      {"nothing listed", Code::RetryOnNothing,
       [](Rig& r) { r.retry().on = {false, false, false, {}}; },
       [](Rig& r) { r.retry().on = {true, false, false, {}}; }},
      {"only a header", Code::RetryOnNothing,
       [](Rig& r) { r.retry().on = {false, false, false, {}}; },
       [](Rig& r) {
         r.retry().on = {false, false, false, {}};
         r.retry().response_headers = {{"x-retry", "true"}};
       }},
      {"404 stays 404", Code::RetryOnPermanentStatus,
       [](Rig& r) { r.retry().on.statuses.set(404); },
       [](Rig& r) { r.retry().on.statuses.set(408).set(429).set(500); }},
      {"Retry-After ignored", Code::RetryOnThrottling,
       [](Rig& r) { r.retry().retry_after.honor = false; },
       [](Rig& r) { r.retry().retry_after.honor = false, r.retry().on.statuses.reset(503); }},
      {"statuses that never count", Code::RetryOnUnreachable,
       [](Rig& r) { r.policy().idempotent = Idempotency::Never; },
       [](Rig& r) {
         r.policy().idempotent = Idempotency::Never;
         r.retry().on = {true, true, false, {}};
       }},
      {"less than a second", Code::RetryAfterUnreachable,
       [](Rig& r) { r.retry().retry_after.max = 999ms; },
       [](Rig& r) { r.retry().retry_after.max = 1s; }},
      {"kept but refused", Code::BodyReplayUnused,
       [](Rig& r) { r.config.limits.request_body = 256 * 1024 - 1; },
       [](Rig& r) { r.config.limits.request_body = 256 * 1024; }},
      {"allowed but not kept", Code::BodyReplayShort,
       [](Rig& r) { r.config.limits.request_body = 256 * 1024 + 1; },
       [](Rig& r) { r.config.limits.request_body = 256 * 1024; }},
      {"requests without bodies", Code::BodyReplayShort,
       [](Rig& r) { r.config.limits.request_body = 1 << 20; },
       [](Rig& r) {
         r.config.limits.request_body = 1 << 20;
         r.route().match.methods = {"GET", "HEAD"};
       }},
      {"sixteen bodies", Code::ReplayMemorySmall,
       [](Rig& r) { r.config.limits.replay_memory = 16 * 256 * 1024 - 1; },
       [](Rig& r) { r.config.limits.replay_memory = 16 * 256 * 1024; }},
      {"hedges too late", Code::HedgeNeverFires,
       [](Rig& r) { r.policy().hedge.enabled = true, r.policy().hedge.after = 15s; },
       [](Rig& r) { r.policy().hedge.enabled = true, r.policy().hedge.after = 14s; }},
      {"no method to hedge", Code::HedgeNeverFires,
       [](Rig& r) { r.policy().hedge.enabled = true, r.route().match.methods = {"POST"}; },
       [](Rig& r) { r.policy().hedge.enabled = true, r.route().match.methods = {"POST", "GET"}; }},
      {"no share to hedge", Code::HedgeNeverFires,
       [](Rig& r) { r.policy().hedge.enabled = true, r.policy().hedge.max_percent = {}; },
       [](Rig& r) { r.policy().hedge.enabled = true; }},
      {"faults in one of many", Code::FaultsInjected,
       [](Rig& r) { r.policy().fault = {.enabled = true, .reset_percent = Ratio{1}}; },
       [](Rig& r) { r.policy().fault = {.enabled = false, .reset_percent = Ratio{1}}; }},
      {"faults that only headers ask for", Code::FaultsInjected,
       [](Rig& r) { r.policy().fault = {.enabled = true, .delay_percent = Ratio{1}}; },
       [](Rig& r) { r.policy().fault = {.enabled = true}; }},
      {"an empty budget", Code::BudgetAllowsNothing,
       [](Rig& r) { r.upstream().retry_budget = {Ratio{}, 10s, 0}; },
       [](Rig& r) { r.upstream().retry_budget = {Ratio{}, 10s, 1}; }},
      {"too quiet for the budget", Code::BudgetAllowsNothing,
       [](Rig& r) {
         r.upstream().retry_budget.min_retries = 0;
         r.given.rate = 0.49;
       },
       [](Rig& r) {
         r.upstream().retry_budget.min_retries = 0;
         r.given.rate = 0.5;
       }},
      {"a floor for everything", Code::BudgetNeverBinds,
       [](Rig& r) { r.upstream().retry_budget.min_retries = 900; },
       [](Rig& r) { r.upstream().retry_budget.min_retries = 899; }},
      {"all of one retry", Code::BudgetNeverBinds,
       [](Rig& r) {
         r.policy().retries = 1, r.upstream().retry_budget = {Ratio::percent(100), 10s, 0};
       },
       [](Rig& r) {
         r.policy().retries = 1, r.upstream().retry_budget = {Ratio::percent(99), 10s, 0};
       }},
      {"1.2 to the third is 1.728", Code::LayersMultiply, [](Rig& r) { r.given.layers = 4; },
       [](Rig& r) { r.given.layers = 3; }},
      {"the floor counts at low rates", Code::LayersMultiply,
       [](Rig& r) { r.given.layers = 2, r.given.rate = 4.5; },
       [](Rig& r) { r.given.layers = 2, r.given.rate = 5; }},
  };
  return all;
}

TEST(Advise, ComesAtTheBoundaryAndNotBefore) {
  std::set<Code> tested;
  for (const auto* part : {&times(), &retries(), &machines(), &roads()}) {
    for (const Boundary& boundary : *part) {
      SCOPED_TRACE(std::string(word(boundary.code)) + ": " + boundary.name);
      Rig fires;
      boundary.fires(fires);
      EXPECT_TRUE(fires.warns(boundary.code));
      Rig silent;
      boundary.silent(silent);
      EXPECT_FALSE(silent.warns(boundary.code));
      tested.insert(boundary.code);
    }
  }
  for (std::size_t i = 0; i < kCodes; ++i) {
    EXPECT_TRUE(tested.contains(static_cast<Code>(i))) << word(static_cast<Code>(i));
  }
}

TEST(Advise, HasNothingToSayAboutTheDefaults) {
  for (const Finding& finding : advise(Rig().config, {})) {
    ADD_FAILURE() << word(finding.code) << ": " << finding.message;
  }
}

}  // namespace
}  // namespace fusegate::advice
