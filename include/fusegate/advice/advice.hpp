#pragma once

#include <fusegate/base/time.hpp>
#include <fusegate/config/config.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// What a valid configuration will not do although it reads as if it would: arithmetic over the
/// settings, in the words of a person. Nothing here is an error; each finding says what to change.
namespace fusegate::advice {

/// One kind of warning. `word()` is its name in the output and the heading in docs/warnings.md.
enum class Code : std::uint8_t {
  TriesExceedTimeout,
  PerTryTimeoutUnused,
  ConnectTimeoutUnused,
  BackoffWithoutWait,
  BackoffWithoutJitter,
  BackoffSettingUnused,
  TimeoutExceedsDrain,
  StopExceedsGrace,
  QueueOutlastsTimeout,
  RetriesNotIdempotent,
  RetrySettingUnused,
  RetryOnNothing,
  RetryOnPermanentStatus,
  RetryOnThrottling,
  RetryOnUnreachable,
  RetryAfterUnreachable,
  BodyReplayUnused,
  BodyReplayShort,
  ReplayMemorySmall,
  HedgeNeverFires,
  FaultsInjected,
  BudgetAllowsNothing,
  BudgetNeverBinds,
  LayersMultiply,
  BreakerNeverOpens,
  BreakerVolumeUnreachable,
  BreakerSettingUnused,
  SlowRateUnreachable,
  RampWithoutEffect,
  EjectionWithoutEffect,
  EjectionRoundsToNone,
  HealthCheckWithoutEffect,
  HealthCheckSlow,
  InFlightUnreachable,
  IdleUnreachable,
  QueueWithoutEffect,
  SlowLogNeverFires,
  RouteShadowed,
  RoutePathUnreachable,
  RouteUnserved,
  UpstreamUnused,
  TrustEveryone,
  TlsNotVerified,
  TlsSettingUnused,
};
inline constexpr std::size_t kCodes = 44;

std::string_view word(Code code);
std::optional<Code> code_of(std::string_view word);

/// A figure of a finding. Its name ends with its unit: timeout_ms, body_bytes, rate_per_s.
struct Number {
  std::string_view name;
  double value;

  template <class T>
    requires std::is_arithmetic_v<T>
  constexpr Number(std::string_view of, T number) : name(of), value(static_cast<double>(number)) {}
};

/// The part of the configuration a finding is about.
enum class Section : std::uint8_t { Global, Listener, Upstream, Route };

struct Finding {
  Code code{};
  Section section{};
  std::uint16_t index = 0;  ///< Into listeners, upstreams or routes; 0 for Global.
  /// The settings that cause it, the one to change first. A finding none of whose settings stands
  /// in the file is about defaults, and is not worth a word. Empty: it is about the section itself.
  std::vector<std::string_view> keys;
  std::string message;
  std::string fix;
  std::vector<Number> numbers;
  /// The setting has no effect here. Only worth a word if that is so wherever it is in force.
  bool dead = false;
  /// It follows from an assumption that was stated, so it holds for defaults too.
  bool stated = false;
};

/// What the file does not say.
struct Assumptions {
  std::optional<double> rate;           ///< Requests a second to each upstream.
  std::map<std::string, double> rates;  ///< The same for single upstreams, by name.
  unsigned layers = 1;                  ///< Services in a row that retry alike, this one included.
  /// From SIGTERM to SIGKILL. The default is that of Kubernetes.
  Duration grace = std::chrono::seconds{30};
  bool grace_stated = false;
};

/// No bound on plausible rates is right for everybody; what only shows above this many requests a
/// second through one sidecar is worth a word even when no rate was stated. Chosen.
inline constexpr double kPlausibleRate = 50;
/// More than this load in an outage is worth a word: it takes an upstream at half of its capacity
/// over the edge. Chosen.
inline constexpr double kLoadMax = 2.0;
/// Fewer bodies than this in the replay memory are worth a word. Chosen.
inline constexpr std::uint64_t kReplaysMin = 16;

/// Every finding, in no particular order.
std::vector<Finding> advise(const config::Config& config, const Assumptions& given);

}  // namespace fusegate::advice
