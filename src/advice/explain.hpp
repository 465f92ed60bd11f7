#pragma once

#include <fusegate/advice/arithmetic.hpp>
#include <fusegate/advice/explain.hpp>
#include <fusegate/advice/plain.hpp>
#include <fusegate/base/fill.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

/// The topics of an explanation, one function each. A topic adds its figures to `out`.
namespace fusegate::advice {

using Sentences = std::vector<std::string>;

struct Subject {
  const config::Config& config;
  const Assumptions& given;
  std::uint16_t index;
  const config::RouteConfig& route;
  const config::RequestPolicy& policy;
  const config::UpstreamConfig& upstream;
  std::optional<double> rate;  ///< Requests a second to the upstream, when stated.
};

// How a request is handled: explain_request.cpp and explain_retries.cpp.
Sentences explain_match(const Subject& subject, Explanation& out);
Sentences explain_target(const Subject& subject, Explanation& out);
Sentences explain_time(const Subject& subject, Explanation& out);
Sentences explain_retries(const Subject& subject, Explanation& out);
Sentences explain_waits(const Subject& subject, Explanation& out);
Sentences explain_load(const Subject& subject, Explanation& out);
// What its upstream does: explain_upstream.cpp and explain_limits.cpp.
Sentences explain_breaker(const Subject& subject, Explanation& out);
Sentences explain_ejection(const Subject& subject, Explanation& out);
Sentences explain_checks(const Subject& subject, Explanation& out);
Sentences explain_limits(const Subject& subject, Explanation& out);
Sentences explain_hedging(const Subject& subject, Explanation& out);
Sentences explain_fallback(const Subject& subject, Explanation& out);
Sentences explain_faults(const Subject& subject, Explanation& out);

}  // namespace fusegate::advice
