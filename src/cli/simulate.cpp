#include <fusegate/base/fill.hpp>

#include "cli/command.hpp"
#include "cli/json_number.hpp"
#include "cli/load_file.hpp"
#include "config_file/scalars.hpp"
#include "config_file/suggest.hpp"
#include "sim/compare.hpp"
#include "sim/report.hpp"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <iostream>
#include <optional>

namespace fusegate::cli {
namespace {

void add_simulate_options(CLI::App& command, Options& options) {
  command.add_option("scenario", options.scenario, "What happens; all of them without a name")
      ->type_name("SCENARIO");
  command.add_flag("--list", options.list, "Tell the scenarios and do nothing");
  command.add_flag("--compare", options.compare,
                   "Beside it: the defaults, no retries, and naive ones");
  command.add_option("--route", options.route, "Play this route; the first without it")
      ->type_name("NAME");
  command.add_option("--seed", options.seed, "Another seed, another run")->capture_default_str();
  command.add_option("--load", options.load, "Requests a second, open loop")
      ->check(CLI::Range(1.0, 100000.0))
      ->capture_default_str();
  command.add_option("--endpoints", options.endpoints, "Endpoints of the service")
      ->check(CLI::Range(1U, 100U))
      ->capture_default_str();
  command.add_option("--slots", options.slots, "Requests an endpoint works on at once")
      ->check(CLI::Range(1U, 10000U))
      ->capture_default_str();
  command.add_option("--service-ms", options.service_ms, "Mean time of a request, milliseconds")
      ->check(CLI::Range(0.1, 60000.0))
      ->capture_default_str();
  command.add_option("--patience-ms", options.patience_ms, "How long a caller waits, milliseconds")
      ->check(CLI::Range(1.0, 600000.0))
      ->capture_default_str();
  add_format(command, options, {"text", "json", "svg"});
}

sim::Model model_of(const Options& options) {
  const auto milliseconds = [](double value) {
    return Duration{static_cast<Duration::rep>(value * 1e6)};
  };
  return {.rate = options.load,
          .endpoints = options.endpoints,
          .slots = options.slots,
          .service_time = milliseconds(options.service_ms),
          .patience = milliseconds(options.patience_ms)};
}

boost::json::object to_json(const sim::Outcome& outcome, const sim::Scenario& scenario,
                            const sim::Model& model) {
  const sim::Verdict verdict = sim::judge(outcome, scenario, model);
  boost::json::array seconds;
  for (const sim::Second& second : outcome.seconds) {
    seconds.push_back({{"offered", second.offered},
                       {"attempts", second.attempts},
                       {"good", second.good},
                       {"bad", second.bad},
                       {"refused", second.refused},
                       {"late", second.late},
                       {"p50_ms", json_number(second.p50_ms)},
                       {"p99_ms", json_number(second.p99_ms)},
                       {"breaker", word(second.breaker)}});
  }
  boost::json::array sentences;
  for (const std::string& sentence : sim::words(verdict, scenario)) {
    sentences.emplace_back(sentence);
  }
  boost::json::object figures{{"attempts_per_request", json_number(verdict.amplification)},
                              {"worst_second", json_number(verdict.worst_second)},
                              {"possible", json_number(verdict.possible)},
                              {"goodput_of_possible", json_number(verdict.fault_goodput)},
                              {"goodput_calm", json_number(verdict.calm_goodput)},
                              {"p99_ms", json_number(verdict.p99_ms)},
                              {"lost", verdict.lost}};
  figures["recovery_s"] =
      verdict.recovery_s < 0 ? boost::json::value(nullptr) : boost::json::value(verdict.recovery_s);
  return {{"scenario", scenario.name},     {"policy", outcome.policy},
          {"requests", outcome.requests},  {"attempts", outcome.attempts},
          {"verdict", std::move(figures)}, {"words", std::move(sentences)},
          {"seconds", std::move(seconds)}};
}

int tell_scenarios() {
  for (const sim::Scenario& scenario : sim::scenarios()) {
    std::string name(scenario.name);
    name.resize(17, ' ');
    std::cout << name << scenario.meaning << "\n";
  }
  return kOk;
}

/// The scenarios to play; empty when the name is unknown, which has been said then.
std::vector<const sim::Scenario*> chosen(const Options& options) {
  std::vector<const sim::Scenario*> result;
  std::vector<std::string_view> names;
  for (const sim::Scenario& scenario : sim::scenarios()) {
    names.push_back(scenario.name);
    if (options.scenario.empty() || options.scenario == scenario.name) {
      result.push_back(&scenario);
    }
  }
  if (result.empty()) {
    const auto near = config_file::nearest(options.scenario, names);
    std::cerr << "fusegate simulate: there is no scenario " << config_file::quoted(options.scenario)
              << "; "
              << (near.empty() ? std::string("--list tells them")
                               : fill("did you mean {}?", config_file::quoted(near)))
              << "\n";
  }
  return result;
}

const config::RouteConfig* route_of(const config::Config& config, const std::string& name) {
  if (name.empty()) {
    return config.routes.data();
  }
  const auto found = std::ranges::find(config.routes, name, &config::RouteConfig::name);
  if (found != config.routes.end()) {
    return &*found;
  }
  std::vector<std::string_view> names;
  for (const auto& route : config.routes) {
    names.push_back(route.name);
  }
  const auto near = config_file::nearest(name, names);
  std::cerr << "fusegate simulate: there is no route " << config_file::quoted(name) << "; "
            << (near.empty() ? fill("the first is {}", config_file::quoted(names.front()))
                             : fill("did you mean {}?", config_file::quoted(near)))
            << "\n";
  return nullptr;
}

void print_text(const std::vector<sim::Outcome>& outcomes, const sim::Scenario& scenario,
                const sim::Model& model, bool single) {
  const sim::Outcome& yours = outcomes.front();
  if (single) {
    std::cout << sim::time_table(yours, scenario, model);
  }
  if (outcomes.size() > 1) {
    std::cout << (single ? "\n" : "") << (single ? "" : fill("{}\n", scenario.name))
              << sim::summary_head(false);
    for (const sim::Outcome& outcome : outcomes) {
      std::cout << sim::summary_line(outcome.policy, sim::judge(outcome, scenario, model));
    }
    std::cout << (single ? "" : "\n");
  } else if (!single) {
    std::cout << sim::summary_line(scenario.name, sim::judge(yours, scenario, model));
  }
}

int simulate(const Options& options) {
  if (options.list) {
    return tell_scenarios();
  }
  const auto scenarios = chosen(options);
  if (scenarios.empty()) {
    return kUsage;
  }
  if (options.format == "svg" && scenarios.size() > 1) {
    std::cerr << "fusegate simulate: a picture shows one scenario; name it, --list tells them\n";
    return kUsage;
  }
  const auto loaded = load_file(options);
  if (!loaded) {
    report(loaded.error(), options);
    return kFailed;
  }
  const config::Config& config = *loaded->config;
  const config::RouteConfig* const route = route_of(config, options.route);
  if (route == nullptr) {
    return kFailed;
  }
  const sim::Model model = model_of(options);
  boost::json::array list;
  const bool single = scenarios.size() == 1;
  if (options.format.empty() || options.format == "text") {
    std::cout << (single || options.compare ? "" : sim::summary_head(true));
  }
  for (const sim::Scenario* scenario : scenarios) {
    const auto outcomes = sim::play_all(config.upstreams[route->upstream], route->policy, *scenario,
                                        model, options.seed, options.compare);
    if (options.format == "json") {
      for (const sim::Outcome& outcome : outcomes) {
        list.emplace_back(to_json(outcome, *scenario, model));
      }
    } else if (options.format == "svg") {
      std::cout << sim::picture(outcomes, *scenario);
    } else {
      print_text(outcomes, *scenario, model, single);
    }
  }
  if (options.format == "json") {
    std::cout << boost::json::serialize(list) << "\n";
  }
  return kOk;
}

}  // namespace

constexpr Command kSimulate{"simulate",
                            "Play an outage against the configuration, on the code that decides.",
                            "Examples:\n  fusegate -c fusegate.yaml simulate\n"
                            "  fusegate -c fusegate.yaml simulate brownout --compare\n"
                            "  fusegate -c fusegate.yaml simulate outage --format svg > outage.svg",
                            add_simulate_options, simulate};

}  // namespace fusegate::cli
