// How much load retries add, and what holds them back.
#include "advice/rules.hpp"

#include <cmath>

namespace fusegate::advice {
namespace {

double seconds(Duration value) { return std::chrono::duration<double>(value).count(); }

/// What the budget allows in one full window at `rate`, rounded down as the budget does.
double allowed_per_window(const policy::BudgetSettings& budget, double rate) {
  return std::floor(budget.percent.value() * rate * seconds(budget.window) + 1e-9) +
         budget.min_retries;
}

void allows_nothing(const Study& study, const UpstreamView& view) {
  const auto& budget = view.upstream.retry_budget;
  const auto rate = study.rate_of(view.upstream);
  const bool never = budget.percent.millionths == 0 && budget.min_retries == 0;
  const bool at_rate = !never && rate && allowed_per_window(budget, *rate) < 1;
  if (!never && !at_rate) {
    return;
  }
  const double window = seconds(budget.window);
  Numbers numbers{{"percent", budget.percent.value() * 100},
                  {"min_retries", budget.min_retries},
                  {"window_ms", milliseconds(budget.window)}};
  if (rate) {
    numbers.push_back({"rate_per_s", *rate});
  }
  study
      .add(Code::BudgetAllowsNothing, Section::Upstream, view.index,
           {"retry_budget.min_retries", "retry_budget.percent"},
           never ? std::string("0% and no min_retries allow no retry at all")
                 : fill("at {} requests/s there are {} in a window, and {} of that is less than "
                        "one retry",
                        plain(*rate), plain(*rate * window), plain(budget.percent)),
           "write min_retries: 10, or retries: 0 where none are wanted", std::move(numbers))
      .stated = at_rate;
}

void never_binds(const Study& study, const UpstreamView& view) {
  const auto& budget = view.upstream.retry_budget;
  const auto stated = study.rate_of(view.upstream);
  const double rate = stated.value_or(kPlausibleRate);
  const double wanted = view.most_retries() * rate * seconds(budget.window);
  if (allowed_per_window(budget, rate) < wanted) {
    return;
  }
  const bool by_percent = budget.percent.value() >= view.most_retries();
  study.add(Code::BudgetNeverBinds, Section::Upstream, view.index,
            {by_percent ? "retry_budget.percent" : "retry_budget.min_retries",
             by_percent ? "retry_budget.min_retries" : "retry_budget.percent"},
            fill("at {} requests/s it pays for {} retries in {}, and there are never more than {}: "
                 "in an outage the load grows to {} times",
                 plain(rate), plain(allowed_per_window(budget, rate)), plain(budget.window),
                 plain(wanted), view.most_retries() + 1),
            "write percent: 20% and min_retries: 10",
            {{"rate_per_s", rate},
             {"allowed", allowed_per_window(budget, rate)},
             {"wanted", wanted},
             {"load_factor", view.most_retries() + 1.0}});
}

}  // namespace

void study_budget(const Study& study, const UpstreamView& view) {
  if (view.most_retries() == 0) {
    return;
  }
  allows_nothing(study, view);
  never_binds(study, view);
}

void study_layers(const Study& study, const RouteView& view) {
  const unsigned layers = study.given.layers;
  if (layers < 2 || view.policy.retries == 0) {
    return;
  }
  const double tries = view.policy.retries + 1.0;
  const double held =
      load_factor(view.policy, view.upstream.retry_budget, study.rate_of(view.upstream));
  const double product = std::pow(held, layers);
  if (product <= kLoadMax) {
    return;
  }
  study
      .add(Code::LayersMultiply, Section::Route, view.index,
           {"retries", "retry_budget.percent", "retry_budget.min_retries"},
           fill("{} services in a row that retry like this make up to {} attempts of one request "
                "({} each), and within their budgets still {} times the load ({} each)",
                layers, plain(std::pow(tries, layers)), plain(tries), plain(product), plain(held)),
           "retry in one of them only and write retries: 0 in the others, or let them know of "
           "each other (listeners[].trust)",
           {{"layers", layers},
            {"tries", tries},
            {"attempts", std::pow(tries, layers)},
            {"load_factor_each", held},
            {"load_factor", product}})
      .stated = true;
}

}  // namespace fusegate::advice
