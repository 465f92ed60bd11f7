#include "cli/command.hpp"

#include <CLI/CLI.hpp>

#include <array>
#include <iostream>

namespace fusegate::cli {
namespace {

constexpr std::array<const Command*, 9> kCommands{&kRun,         &kCheck,      &kExplain,
                                                  &kSimulate,    &kDumpConfig, &kSchema,
                                                  &kHealthcheck, &kCompletion, &kVersion};

/// Commands that have a name already, so that scripts that use them fail with a clear sentence.
constexpr std::array<const char*, 4> kLater{"status", "reload", "drain", "quit"};

/// The values of --log-level are checked with the configuration, where the place of a wrong one
/// can be named; the type only tells the help and the completion scripts.
void add_global_options(CLI::App& app, Options& options) {
  app.add_option("-c,--config", options.file, "Configuration file; - = standard input")
      ->envname("FUSEGATE_CONFIG")
      ->type_name("FILE")
      ->capture_default_str();
  app.add_flag("--no-color", options.no_color, "No colours on a terminal");
  app.add_option("--log-level", options.log_level, "Instead of log.level of the file")
      ->envname("FUSEGATE_LOG_LEVEL")
      ->type_name("{trace,debug,info,warn,error}");
  app.add_option("--admin-listen", options.admin_listen, "Instead of admin.listen of the file")
      ->envname("FUSEGATE_ADMIN_LISTEN")
      ->type_name("ADDRESS");
  app.add_option("--status-listen", options.status_listen, "Instead of status.listen of the file")
      ->envname("FUSEGATE_STATUS_LISTEN")
      ->type_name("ADDRESS");
}

}  // namespace

void add_format(CLI::App& command, Options& options, const std::vector<std::string>& forms) {
  command.add_option("--format", options.format, "Form of the result; the first is the default")
      ->check(CLI::IsMember(forms));
}

void describe(CLI::App& app, Options& options) {
  app.name("fusegate");
  app.description("Fusegate: a sidecar HTTP proxy with retries, budgets and breakers.");
  app.footer(
      "Examples:\n  fusegate -c fusegate.yaml\n  fusegate -c fusegate.yaml check\n"
      "Help of a command:\n  fusegate check --help");
  app.require_subcommand(0, 1);
  add_global_options(app, options);
  for (const Command* command : kCommands) {
    CLI::App* const sub = app.add_subcommand(command->name, command->text);
    sub->footer(command->examples);
    sub->fallthrough();
    if (command->add_options != nullptr) {
      command->add_options(*sub, options);
    }
  }
  for (const char* name : kLater) {
    app.add_subcommand(name, "Comes with a later version.")->allow_extras()->group(kLaterGroup);
  }
}

int perform(const CLI::App& app, const Options& options) {
  for (const char* name : kLater) {
    if (app.got_subcommand(name)) {
      std::cerr << "fusegate " << name << ": not supported yet\n";
      return kFailed;
    }
  }
  for (const Command* command : kCommands) {
    if (app.got_subcommand(command->name)) {
      return command->action(options);
    }
  }
  return kRun.action(options);
}

}  // namespace fusegate::cli
