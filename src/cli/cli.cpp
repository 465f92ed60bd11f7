#include "cli/cli.hpp"

#include "cli/commands.hpp"

#include <CLI/CLI.hpp>

#include <array>
#include <exception>
#include <iostream>
#include <string>

namespace fusegate::cli {
namespace {

constexpr std::array<const char*, 7> kLater{"explain", "simulate", "status",    "reload",
                                            "drain",   "quit",     "completion"};

struct Command {
  const char* name;
  const char* text;
  const char* example;
  int (*action)(const Options&);
};
constexpr std::array<Command, 6> kCommands{{
    {"run", "Serve until SIGTERM (also without a command).",
     "Examples:\n  fusegate -c fusegate.yaml run\n"
     "  fusegate run --listen 127.0.0.1:8080 --upstream http://orders:8080",
     run},
    {"check", "Show every error and warning of the configuration.",
     "Example:\n  fusegate -c fusegate.yaml check --strict --format json", check},
    {"dump-config", "Print the fully resolved configuration, without secrets.",
     "Examples:\n  fusegate -c fusegate.yaml dump-config --format json\n"
     "  fusegate dump-config --defaults",
     dump_config},
    {"schema", "Print the JSON Schema of configuration files, for editors.",
     "Example:\n  fusegate schema > fusegate.schema.json", schema},
    {"healthcheck", "Ask /readyz of a running instance; for images without a shell.",
     "Example:\n  fusegate -c fusegate.yaml healthcheck", healthcheck},
    {"version", "Print the version.", "Example:\n  fusegate version --format json", version},
}};

void add_format(CLI::App& command, Options& options, std::vector<std::string> forms) {
  command.add_option("--format", options.format, "Form of the result")
      ->check(CLI::IsMember(std::move(forms)));
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("-c,--config", options.file, "Configuration file; - = standard input")
      ->envname("FUSEGATE_CONFIG")
      ->capture_default_str();
  app.add_flag("--no-color", options.no_color, "No colours on a terminal");
  app.add_option("--log-level", options.log_level, "Instead of log.level of the file")
      ->envname("FUSEGATE_LOG_LEVEL");
  app.add_option("--admin-listen", options.admin_listen, "Instead of admin.listen of the file")
      ->envname("FUSEGATE_ADMIN_LISTEN");
  app.add_option("--status-listen", options.status_listen, "Instead of status.listen of the file")
      ->envname("FUSEGATE_STATUS_LISTEN");
}

void add_commands(CLI::App& app, Options& options) {
  for (const Command& command : kCommands) {
    CLI::App* const sub = app.add_subcommand(command.name, command.text);
    sub->footer(command.example);
    sub->fallthrough();
  }
  CLI::App* const run_command = app.get_subcommand("run");
  run_command->add_option("--listen", options.listen, "Address to listen on, without a file");
  run_command->add_option("--upstream", options.upstream, "Url to forward to, without a file");
  CLI::App* const check_command = app.get_subcommand("check");
  check_command->add_flag("--strict", options.strict, "Exit with 3 when there are warnings");
  add_format(*check_command, options, {"text", "json"});
  CLI::App* const dump_command = app.get_subcommand("dump-config");
  dump_command->add_flag("--defaults", options.defaults, "The built-in defaults; reads no file");
  add_format(*dump_command, options, {"yaml", "json"});
  add_format(*app.get_subcommand("version"), options, {"text", "json"});
  for (const char* name : kLater) {
    app.add_subcommand(name, "Not supported yet.")->allow_extras();
  }
}

int dispatch(const CLI::App& app, const Options& options) {
  for (const char* name : kLater) {
    if (app.got_subcommand(name)) {
      std::cerr << "fusegate " << name << ": not supported yet\n";
      return kFailed;
    }
  }
  for (const Command& command : kCommands) {
    if (app.got_subcommand(command.name)) {
      return command.action(options);
    }
  }
  return run(options);
}

int parse_and_dispatch(int argc, const char* const* argv) {
  Options options;
  CLI::App app("Fusegate: a sidecar HTTP proxy with retries, budgets and breakers.", "fusegate");
  app.footer(
      "Examples:\n  fusegate -c fusegate.yaml\n  fusegate -c fusegate.yaml check\n"
      "Help of a command:\n  fusegate check --help");
  add_options(app, options);
  add_commands(app, options);
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? kOk : kUsage;
  }
  return dispatch(app, options);
}

}  // namespace

int main(int argc, const char* const* argv) {
  try {
    return parse_and_dispatch(argc, argv);
  } catch (const std::exception& error) {
    // The parser library reports mistakes in its use this way; memory may also run out.
    std::cerr << "fusegate: " << error.what() << "\n";
    return kFailed;
  }
}

}  // namespace fusegate::cli
