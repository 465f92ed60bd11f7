#pragma once

#include <fusegate/advice/advice.hpp>
#include <fusegate/advice/arithmetic.hpp>
#include <fusegate/advice/plain.hpp>
#include <fusegate/base/fill.hpp>

#include <utility>
#include <vector>

/// The rules, grouped by what they look at. Each adds what it finds.
namespace fusegate::advice {

using Keys = std::vector<std::string_view>;
using Numbers = std::vector<Number>;

/// What the rules read, and where they write.
struct Study {
  const config::Config& config;
  const Assumptions& given;
  std::vector<Finding>& found;

  Finding& add(Code code, Section section, std::size_t index, Keys keys, std::string message,
               std::string fix, Numbers numbers = {}) const {
    found.push_back({code, section, static_cast<std::uint16_t>(index), std::move(keys),
                     std::move(message), std::move(fix), std::move(numbers), false, false});
    return found.back();
  }
  /// The setting `key` is without effect here.
  void dead(Code code, Section section, std::size_t index, std::string_view key,
            std::string message, std::string fix, Numbers numbers = {}) const {
    add(code, section, index, {key}, std::move(message), std::move(fix), std::move(numbers)).dead =
        true;
  }
  std::optional<double> rate_of(const config::UpstreamConfig& upstream) const {
    const auto own = given.rates.find(upstream.name);
    return own == given.rates.end() ? given.rate : own->second;
  }
};

/// A route and the upstream it leads to.
struct RouteView {
  std::size_t index;
  const config::RouteConfig& route;
  const config::RequestPolicy& policy;
  const config::UpstreamConfig& upstream;
};

/// An upstream and the routes that lead to it.
struct UpstreamView {
  std::size_t index;
  const config::UpstreamConfig& upstream;
  std::vector<const config::RequestPolicy*> policies;

  std::uint32_t most_retries() const;
};

void study_times(const Study& study, const RouteView& view);
void study_backoff(const Study& study, const RouteView& view);
void study_retries(const Study& study, const RouteView& view);
void study_replay(const Study& study, const RouteView& view);
void study_hedge(const Study& study, const RouteView& view);
void study_faults(const Study& study, const RouteView& view);
void study_layers(const Study& study, const RouteView& view);
void study_budget(const Study& study, const UpstreamView& view);
void study_breaker(const Study& study, const UpstreamView& view);
void study_ejection(const Study& study, const UpstreamView& view);
void study_health(const Study& study, const UpstreamView& view);
void study_limits(const Study& study, const UpstreamView& view);
void study_tls(const Study& study, const UpstreamView& view);
void study_shutdown(const Study& study);
void study_log(const Study& study);
void study_listeners(const Study& study);
void study_routes(const Study& study);

}  // namespace fusegate::advice
