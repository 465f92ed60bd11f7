#include "cli/command.hpp"
#include "cli/load_file.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace fusegate::cli {
namespace {

config_file::Format format_of(const Options& options) {
  return options.format == "json" ? config_file::Format::Json : config_file::Format::Yaml;
}

void add_dump_config_options(CLI::App& command, Options& options) {
  command.add_flag("--defaults", options.defaults, "The built-in defaults; reads no file");
  add_format(command, options, {"yaml", "json"});
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

}  // namespace

constexpr Command kDumpConfig{"dump-config",
                              "Print the fully resolved configuration, without secrets.",
                              "Examples:\n  fusegate -c fusegate.yaml dump-config --format json\n"
                              "  fusegate dump-config --defaults",
                              add_dump_config_options, dump_config};

}  // namespace fusegate::cli
