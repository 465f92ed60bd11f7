#include <fusegate/base/version.hpp>

#include "cli/command.hpp"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <iostream>

namespace fusegate::cli {
namespace {

void add_options(CLI::App& command, Options& options) {
  add_format(command, options, {"text", "json"});
}

int print_version(const Options& options) {
  if (options.format == "json") {
    const boost::json::object result{{"version", version()},
                                     {"revision", revision()},
                                     {"compiler", compiler()},
                                     {"boost", boost()}};
    std::cout << boost::json::serialize(result) << "\n";
    return kOk;
  }
  std::cout << "fusegate " << version() << " (" << revision() << ", " << compiler() << ", Boost "
            << boost() << ")\n";
  return kOk;
}

}  // namespace

constexpr Command kVersion{"version", "Print the version.",
                           "Example:\n  fusegate version --format json", add_options,
                           print_version};

}  // namespace fusegate::cli
