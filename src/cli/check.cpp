#include "cli/command.hpp"
#include "cli/load_file.hpp"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <iostream>

namespace fusegate::cli {
namespace {

using config_file::Diagnostic;
using config_file::Severity;

boost::json::object to_json(const Diagnostic& finding) {
  return {{"severity", finding.severity == Severity::Error ? "error" : "warning"},
          {"file", finding.file},
          {"line", finding.line},
          {"column", finding.column},
          {"length", finding.length},
          {"path", finding.path},
          {"message", finding.message},
          {"suggestion", finding.suggestion}};
}

void print_json(bool valid, const std::vector<Diagnostic>& findings) {
  boost::json::array list;
  for (const Diagnostic& finding : findings) {
    list.emplace_back(to_json(finding));
  }
  const boost::json::object result{{"valid", valid}, {"findings", std::move(list)}};
  std::cout << boost::json::serialize(result) << "\n";
}

void add_options(CLI::App& command, Options& options) {
  command.add_flag("--strict", options.strict, "Exit with 3 when there are warnings");
  add_format(command, options, {"text", "json"});
}

int check(const Options& options) {
  const auto loaded = load_file(options);
  const auto& findings = loaded ? loaded->warnings : loaded.error();
  if (options.format == "json") {
    print_json(loaded.has_value(), findings);
  } else {
    report(findings, options);
  }
  if (!loaded) {
    return kFailed;
  }
  if (options.format != "json") {
    std::cout << options.file << ": valid, " << loaded->config->upstreams.size() << " upstreams, "
              << loaded->config->routes.size() << " routes, " << findings.size() << " warnings\n";
  }
  return options.strict && !findings.empty() ? kWarnings : kOk;
}

}  // namespace

constexpr Command kCheck{"check", "Show every error and warning of the configuration.",
                         "Examples:\n  fusegate -c fusegate.yaml check\n"
                         "  fusegate -c fusegate.yaml check --strict --format json",
                         add_options, check};

}  // namespace fusegate::cli
