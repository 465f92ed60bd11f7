#include "cli/commands.hpp"

#include <fusegate/base/version.hpp>

#include "app/app.hpp"

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

config_file::Format format_of(const Options& options) {
  return options.format == "json" ? config_file::Format::Json : config_file::Format::Yaml;
}

}  // namespace

int run(const Options& options) {
  if (!options.listen.empty() && options.upstream.empty()) {
    std::cerr << "fusegate run: --listen needs --upstream URL; with a file, write listen there\n";
    return kUsage;
  }
  const auto loaded = load_file(options);
  report(loaded ? loaded->warnings : loaded.error(), options);
  if (!loaded) {
    return kFailed;
  }
  return app::run(loaded->config, options.upstream.empty() ? options.file : "");
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

int dump_config(const Options& options) {
  if (options.defaults) {
    std::cout << config_file::dump_defaults(format_of(options));
    return kOk;
  }
  const auto loaded = load_file(options);
  if (!loaded) {
    report(loaded.error(), options);
    return kFailed;
  }
  std::cout << config_file::dump(*loaded->config, format_of(options));
  return kOk;
}

int schema(const Options&) {
  std::cout << config_file::schema();
  return kOk;
}

int version(const Options& options) {
  if (options.format == "json") {
    const boost::json::object result{{"version", fusegate::version()},
                                     {"revision", fusegate::revision()},
                                     {"compiler", fusegate::compiler()},
                                     {"boost", fusegate::boost()}};
    std::cout << boost::json::serialize(result) << "\n";
    return kOk;
  }
  std::cout << "fusegate " << fusegate::version() << " (" << fusegate::revision() << ", "
            << fusegate::compiler() << ", Boost " << fusegate::boost() << ")\n";
  return kOk;
}

}  // namespace fusegate::cli
