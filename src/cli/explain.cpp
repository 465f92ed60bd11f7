#include <fusegate/advice/explain.hpp>
#include <fusegate/base/fill.hpp>

#include "cli/assumptions.hpp"
#include "cli/command.hpp"
#include "cli/json_number.hpp"
#include "cli/load_file.hpp"
#include "config_file/suggest.hpp"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <iostream>

namespace fusegate::cli {
namespace {

boost::json::object to_json(const advice::Explanation& explanation) {
  boost::json::object policy;
  for (const advice::Topic& topic : explanation.topics) {
    boost::json::array sentences;
    for (const std::string& sentence : topic.sentences) {
      sentences.emplace_back(sentence);
    }
    std::string name(topic.title);
    name.front() = static_cast<char>(name.front() | 0x20);
    policy[name] = std::move(sentences);
  }
  boost::json::object numbers;
  for (const auto& [name, value] : explanation.numbers) {
    numbers[name] = json_number(value);
  }
  for (const auto& [name, values] : explanation.series) {
    boost::json::array list;
    for (const double value : values) {
      list.push_back(json_number(value));
    }
    numbers[name] = std::move(list);
  }
  return {{"route", explanation.route},
          {"upstream", explanation.upstream},
          {"policy", std::move(policy)},
          {"numbers", std::move(numbers)}};
}

/// What is wrong with the name of a route, with the nearest one; empty = it exists.
std::string unknown_route(const config::Config& config, const std::string& name) {
  std::vector<std::string_view> names;
  for (const auto& route : config.routes) {
    names.push_back(route.name);
  }
  if (name.empty() || std::ranges::find(names, name) != names.end()) {
    return {};
  }
  const auto near = config_file::nearest(name, names);
  return fill("there is no route {}; {}", config_file::quoted(name),
              near.empty() ? fill("the first is {}", config_file::quoted(names.front()))
                           : fill("did you mean {}?", config_file::quoted(near)));
}

void print(const std::vector<advice::Explanation>& explanations, bool json) {
  boost::json::array list;
  for (const auto& explanation : explanations) {
    if (json) {
      list.emplace_back(to_json(explanation));
    } else {
      std::cout << (&explanation == explanations.data() ? "" : "\n") << advice::text(explanation);
    }
  }
  if (json) {
    std::cout << boost::json::serialize(list) << "\n";
  }
}

void add_explain_options(CLI::App& command, Options& options) {
  command.add_option("--route", options.route, "Only the route with this name")->type_name("NAME");
  add_format(command, options, {"text", "json"});
  add_assumptions(command, options);
}

int explain(const Options& options) {
  const auto given = assumptions_of(options);
  if (!given) {
    std::cerr << "fusegate explain: " << given.error() << "\n";
    return kUsage;
  }
  const auto loaded = load_file(options);
  if (!loaded) {
    report(loaded.error(), options);
    return kFailed;
  }
  const config::Config& config = *loaded->config;
  if (const auto unknown = unknown_upstream(*given, config); !unknown.empty()) {
    std::cerr << "fusegate explain: " << unknown << "\n";
    return kUsage;
  }
  if (const auto unknown = unknown_route(config, options.route); !unknown.empty()) {
    std::cerr << "fusegate explain: " << unknown << "\n";
    return kFailed;
  }
  std::vector<advice::Explanation> explanations;
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    if (options.route.empty() || options.route == config.routes[i].name) {
      explanations.push_back(advice::explain(config, static_cast<std::uint16_t>(i), *given));
    }
  }
  print(explanations, options.format == "json");
  return kOk;
}

}  // namespace

constexpr Command kExplain{"explain",
                           "Tell in words what each route does, with worst-case time and load.",
                           "Examples:\n  fusegate -c fusegate.yaml explain\n"
                           "  fusegate -c fusegate.yaml explain --route pay --rate 50/s\n"
                           "  fusegate -c fusegate.yaml explain --format json",
                           add_explain_options, explain};

}  // namespace fusegate::cli
