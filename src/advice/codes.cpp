#include <fusegate/advice/advice.hpp>

#include <algorithm>
#include <array>

namespace fusegate::advice {
namespace {

constexpr std::array<std::string_view, kCodes> kWords{
    "tries-exceed-timeout",      "per-try-timeout-unused",
    "connect-timeout-unused",    "backoff-without-wait",
    "backoff-without-jitter",    "backoff-setting-unused",
    "timeout-exceeds-drain",     "stop-exceeds-grace",
    "queue-outlasts-timeout",    "retries-not-idempotent",
    "retry-setting-unused",      "retry-on-nothing",
    "retry-on-permanent-status", "retry-on-throttling",
    "retry-on-unreachable",      "retry-after-unreachable",
    "body-replay-unused",        "body-replay-short",
    "replay-memory-small",       "hedge-never-fires",
    "faults-injected",           "budget-allows-nothing",
    "budget-never-binds",        "layers-multiply",
    "breaker-never-opens",       "breaker-volume-unreachable",
    "breaker-setting-unused",    "slow-rate-unreachable",
    "ramp-without-effect",       "ejection-without-effect",
    "ejection-rounds-to-none",   "health-check-without-effect",
    "health-check-slow",         "in-flight-unreachable",
    "idle-unreachable",          "queue-without-effect",
    "slow-log-never-fires",      "route-shadowed",
    "route-path-unreachable",    "route-unserved",
    "upstream-unused",           "trust-everyone",
    "tls-not-verified",          "tls-setting-unused",
};
static_assert(static_cast<std::size_t>(Code::TlsSettingUnused) + 1 == kCodes);

}  // namespace

std::string_view word(Code code) { return kWords[static_cast<std::size_t>(code)]; }

std::optional<Code> code_of(std::string_view word) {
  const auto found = std::ranges::find(kWords, word);
  return found == kWords.end() ? std::nullopt
                               : std::optional(static_cast<Code>(found - kWords.begin()));
}

}  // namespace fusegate::advice
