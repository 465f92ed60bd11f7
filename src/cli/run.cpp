#include "app/app.hpp"
#include "cli/command.hpp"
#include "cli/load_file.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace fusegate::cli {
namespace {

void add_run_options(CLI::App& command, Options& options) {
  command.add_option("--listen", options.listen, "Address to listen on, without a file")
      ->type_name("ADDRESS");
  command.add_option("--upstream", options.upstream, "Url to forward to, without a file")
      ->type_name("URL");
}

int run(const Options& options) {
  if (!options.listen.empty() && options.upstream.empty()) {
    std::cerr << "fusegate run: --listen needs --upstream URL; with a file, write listen there\n";
    return kUsage;
  }
  const auto loaded = load_file(options, Files::Check);
  report(loaded ? loaded->warnings : loaded.error(), options);
  if (!loaded) {
    return kFailed;
  }
  return app::run(loaded->config, options.upstream.empty() ? options.file : "");
}

}  // namespace

constexpr Command kRun{"run", "Serve until SIGTERM (also without a command).",
                       "Examples:\n  fusegate -c fusegate.yaml run\n"
                       "  fusegate run --listen 127.0.0.1:8080 --upstream http://orders:8080",
                       add_run_options, run};

}  // namespace fusegate::cli
