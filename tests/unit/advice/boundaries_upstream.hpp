#pragma once

#include "advice_support.hpp"

#include <vector>

namespace fusegate::advice {

/// The setting at which a warning just comes, and the one at which it just does not.
struct Boundary {
  const char* name;
  Code code;
  void (*fires)(Rig&);
  void (*silent)(Rig&);
};

using policy::BreakerMode;

inline const std::vector<Boundary>& machines() {
  static const std::vector<Boundary> all{
      {"no rule", Code::BreakerNeverOpens,
       [](Rig& r) {
         r.breaker().consecutive_failures = 0, r.breaker().failure_rate.threshold = {};
       },
       [](Rig& r) { r.breaker().consecutive_failures = 0; }},
      {"more than fifty a second", Code::BreakerVolumeUnreachable,
       [](Rig& r) {
         r.breaker().consecutive_failures = 0, r.breaker().failure_rate.min_requests = 501;
       },
       [](Rig& r) {
         r.breaker().consecutive_failures = 0, r.breaker().failure_rate.min_requests = 500;
       }},
      {"a run opens it too", Code::BreakerVolumeUnreachable,
       [](Rig& r) {
         r.breaker().consecutive_failures = 0, r.breaker().failure_rate.min_requests = 5000;
       },
       [](Rig& r) { r.breaker().failure_rate.min_requests = 5000; }},
      {"a rate that was stated, without retries", Code::BreakerVolumeUnreachable,
       [](Rig& r) { r.given.rate = 1.99, r.policy().retries = 0; },
       [](Rig& r) { r.given.rate = 2, r.policy().retries = 0; }},
      {"the rate of the upstream wins", Code::BreakerVolumeUnreachable,
       [](Rig& r) { r.given.rate = 100, r.given.rates["orders"] = 0.1; },
       [](Rig& r) { r.given.rate = 0.1, r.given.rates["orders"] = 100; }},
      {"no machine", Code::BreakerSettingUnused,
       [](Rig& r) { r.breaker().mode = BreakerMode::Off, r.upstream().ejection.enabled = false; },
       [](Rig& r) { r.breaker().mode = BreakerMode::Off; }},
      {"no endpoint to judge", Code::BreakerSettingUnused,
       [](Rig& r) { r.breaker().mode = BreakerMode::Off, r.list(1); },
       [](Rig& r) { r.breaker().mode = BreakerMode::Off, r.list(2); }},
      {"too quiet to shed", Code::BreakerVolumeUnreachable,
       [](Rig& r) { r.breaker().mode = BreakerMode::Shed, r.given.rate = 1.99; },
       [](Rig& r) { r.breaker().mode = BreakerMode::Shed, r.given.rate = 2; }},
      {"never so many to shed", Code::BreakerVolumeUnreachable,
       [](Rig& r) {
         r.breaker().mode = BreakerMode::Shed, r.breaker().failure_rate.min_requests = 501;
       },
       [](Rig& r) {
         r.breaker().mode = BreakerMode::Shed, r.breaker().failure_rate.min_requests = 500;
       }},
      {"what shedding does not read", Code::BreakerSettingUnused,
       [](Rig& r) { r.breaker().mode = BreakerMode::Shed, r.list(1); },
       [](Rig& r) { r.breaker().mode = BreakerMode::Shadow, r.list(1); }},
      {"slower than a try", Code::SlowRateUnreachable,
       [](Rig& r) { r.breaker().slow_rate = {Ratio::percent(50), 15s}; },
       [](Rig& r) { r.breaker().slow_rate = {Ratio::percent(50), 14999ms}; }},
      {"a ramp without time", Code::RampWithoutEffect, [](Rig& r) { r.breaker().ramp.over = 0s; },
       [](Rig& r) { r.breaker().ramp.over = 1ms; }},
      {"a ramp without a slope", Code::RampWithoutEffect,
       [](Rig& r) { r.breaker().ramp.from = Ratio::percent(100); },
       [](Rig& r) { r.breaker().ramp.from = Ratio::percent(99); }},
      {"the last endpoint", Code::EjectionWithoutEffect, [](Rig& r) { r.list(1); },
       [](Rig& r) { r.list(2); }},
      {"less than one endpoint", Code::EjectionRoundsToNone,
       [](Rig& r) { r.list(3), r.upstream().ejection.max_percent = Ratio::percent(33); },
       [](Rig& r) { r.list(3), r.upstream().ejection.max_percent = Ratio::percent(34); }},
      {"checks may take it out too", Code::BreakerSettingUnused,
       [](Rig& r) { r.breaker().mode = BreakerMode::Off, r.upstream().ejection.enabled = false; },
       [](Rig& r) {
         r.breaker().mode = BreakerMode::Off;
         r.upstream().ejection.enabled = false;
         r.upstream().health_check.emplace();
       }},
      {"nothing to take out", Code::HealthCheckWithoutEffect,
       [](Rig& r) { r.upstream().health_check.emplace(), r.list(1); },
       [](Rig& r) { r.upstream().health_check.emplace(), r.list(2); }},
      {"longer than the interval", Code::HealthCheckSlow,
       [](Rig& r) { r.upstream().health_check = {"/", 1s, 1001ms, 2, 3}; },
       [](Rig& r) { r.upstream().health_check = {"/", 1s, 1s, 2, 3}; }},
      {"endpoints have too few connections", Code::InFlightUnreachable, [](Rig& r) { r.list(7); },
       [](Rig& r) { r.list(8); }},
      {"clients have too few connections", Code::InFlightUnreachable,
       [](Rig& r) { r.config.runtime.max_connections = 1023; },
       [](Rig& r) { r.config.runtime.max_connections = 1024; }},
      {"more idle than there are", Code::IdleUnreachable,
       [](Rig& r) { r.upstream().connections.max_idle = 129; },
       [](Rig& r) { r.upstream().connections.max_idle = 128; }},
      {"a queue without places", Code::QueueWithoutEffect,
       [](Rig& r) { r.upstream().concurrency.queue.length = 0; },
       [](Rig& r) { r.upstream().concurrency.queue.length = 1; }},
      {"a queue without patience", Code::QueueWithoutEffect,
       [](Rig& r) { r.upstream().concurrency.queue.wait = 0s; },
       [](Rig& r) { r.upstream().concurrency.queue.wait = 1ms; }},
  };
  return all;
}

inline const std::vector<Boundary>& roads() {
  static const std::vector<Boundary> all{
      {"behind everything", Code::RouteShadowed, [](Rig& r) { r.add_route("/x"); },
       [](Rig& r) { r.route().match.methods = {"GET"}, r.add_route("/x"); }},
      {"two slashes", Code::RoutePathUnreachable, [](Rig& r) { r.route().match.path = "/a//b"; },
       [](Rig& r) { r.route().match.path = "/a/b/"; }},
      {"refused by the path rules", Code::RoutePathUnreachable,
       [](Rig& r) { r.route().match.path = "/a%2fb"; },
       [](Rig& r) { r.route().match.path = "/a%20b"; }},
      {"lower-case digits", Code::RoutePathUnreachable,
       [](Rig& r) { r.route().match.path = "/%e4"; },
       [](Rig& r) { r.route().match.path = "/%E4"; }},
      {"named by nobody", Code::RouteUnserved,
       [](Rig& r) { r.add_route("/x"), r.config.listeners[0].routes = {0}; },
       [](Rig& r) {
         r.add_route("/x"), r.config.listeners[0].routes = {0};
         r.config.listeners.emplace_back();
       }},
      {"without a route", Code::UpstreamUnused, [](Rig& r) { r.add_upstream("payments"); },
       [](Rig& r) { r.add_upstream("payments"), r.add_route("/x").upstream = 1; }},
      {"all addresses", Code::TrustEveryone,
       [](Rig& r) { r.config.listeners[0].trust = {{false, {}, 0}}; },
       [](Rig& r) { r.config.listeners[0].trust = {{false, {}, 1}}; }},
      {"a server that proves nothing", Code::TlsNotVerified,
       [](Rig& r) { r.secure(), r.upstream().tls.verify = false; }, [](Rig& r) { r.secure(); }},
      {"nobody to verify", Code::TlsNotVerified,
       [](Rig& r) { r.secure(), r.upstream().tls.verify = false; },
       [](Rig& r) { r.upstream().tls.verify = false; }},
      {"authorities of plain text", Code::TlsSettingUnused,
       [](Rig& r) { r.upstream().tls.ca_file = "ca.pem"; },
       [](Rig& r) { r.secure(), r.upstream().tls.ca_file = "ca.pem"; }},
      {"authorities that nobody asks", Code::TlsSettingUnused,
       [](Rig& r) { r.secure(), r.upstream().tls = {.ca_file = "ca.pem", .verify = false}; },
       [](Rig& r) { r.secure(), r.upstream().tls = {.ca_file = "ca.pem"}; }},
  };
  return all;
}

}  // namespace fusegate::advice
