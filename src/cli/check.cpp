#include <fusegate/advice/advice.hpp>
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
#include <optional>

namespace fusegate::cli {
namespace {

using config_file::Diagnostic;
using config_file::Severity;

boost::json::object to_json(const Diagnostic& finding) {
  boost::json::object numbers;
  for (const auto& [name, value] : finding.numbers) {
    numbers[name] = json_number(value);
  }
  return {{"severity", finding.severity == Severity::Error ? "error" : "warning"},
          {"code", finding.code},
          {"file", finding.file},
          {"line", finding.line},
          {"column", finding.column},
          {"length", finding.length},
          {"path", finding.path},
          {"message", finding.message},
          {"suggestion", finding.suggestion},
          {"numbers", std::move(numbers)}};
}

void print_json(bool valid, const std::vector<Diagnostic>& findings) {
  boost::json::array list;
  for (const Diagnostic& finding : findings) {
    list.emplace_back(to_json(finding));
  }
  const boost::json::object result{{"valid", valid}, {"findings", std::move(list)}};
  std::cout << boost::json::serialize(result) << "\n";
}

void add_check_options(CLI::App& command, Options& options) {
  command.add_flag("--strict", options.strict, "Exit with 3 when there are warnings");
  add_format(command, options, {"text", "json"});
  add_assumptions(command, options);
  command
      .add_option(
          "--grace", options.grace,
          "Assume that a stop may take so long before the process is killed; 30s by default")
      ->type_name("DURATION");
  command.add_option("--allow", options.allowed, "Leave out the warnings with this code")
      ->type_name("CODE")
      ->allow_extra_args(false);
}

/// A code that is no code, with the nearest one; nullopt = all are known.
std::optional<std::string> unknown_code(const std::vector<std::string>& codes) {
  const auto unknown = std::ranges::find_if(codes, [](const std::string& code) {
    return code != config_file::kFileWarning && !advice::code_of(code).has_value();
  });
  if (unknown == codes.end()) {
    return std::nullopt;
  }
  std::vector<std::string_view> all{config_file::kFileWarning};
  for (std::size_t i = 0; i < advice::kCodes; ++i) {
    all.push_back(advice::word(static_cast<advice::Code>(i)));
  }
  const auto near = config_file::nearest(*unknown, all);
  return fill("--allow: there is no warning {}{}", config_file::quoted(*unknown),
              near.empty() ? "" : fill("; did you mean {}?", config_file::quoted(near)));
}

int check(const Options& options) {
  const auto given = assumptions_of(options);
  const auto wrong = given ? unknown_code(options.allowed) : given.error();
  if (wrong) {
    std::cerr << "fusegate check: " << *wrong << "\n";
    return kUsage;
  }
  auto loaded = load_file(options, Files::Check, *given);
  if (const auto unknown = loaded ? unknown_upstream(*given, *loaded->config) : "";
      !unknown.empty()) {
    std::cerr << "fusegate check: " << unknown << "\n";
    return kUsage;
  }
  auto& findings = loaded ? loaded->warnings : loaded.error();
  std::erase_if(findings, [&](const Diagnostic& finding) {
    return std::ranges::find(options.allowed, finding.code) != options.allowed.end();
  });
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
                         "  fusegate -c fusegate.yaml check --strict --format json\n"
                         "  fusegate -c fusegate.yaml check --rate 5/s --layers 3",
                         add_check_options, check};

}  // namespace fusegate::cli
