#pragma once

#include <fusegate/base/ratio.hpp>
#include <fusegate/base/rng.hpp>
#include <fusegate/base/time.hpp>

#include <cstdint>
#include <optional>

namespace fusegate::policy {

/// Faults for testing, injected below the retry layer: retries, breakers and budgets meet them as
/// they would meet real ones.
struct FaultSettings {
  bool enabled = false;
  Ratio abort_percent{};
  std::uint32_t abort_status = 503;
  Ratio delay_percent{};
  Duration delay{};
  Ratio reset_percent{};
  bool operator==(const FaultSettings&) const = default;
};

/// What the request itself asks for; stands above the shares of the settings.
struct FaultWish {
  std::optional<std::uint32_t> abort_status;
  std::optional<Duration> delay;
};

/// What happens to one attempt: first the delay, then the reset or the answer, if any.
struct FaultPlan {
  Duration delay{};
  bool reset = false;
  std::uint32_t abort_status = 0;  ///< 0 = none. Never together with `reset`.
  bool ends_attempt() const { return reset || abort_status != 0; }
};

/// Draws each kind by itself, so that every share holds; a reset wins over an answer, and what a
/// wish names happens for certain. Nothing while the settings are not enabled.
FaultPlan plan_fault(const FaultSettings& settings, const FaultWish& wish, Rng& rng);

}  // namespace fusegate::policy
