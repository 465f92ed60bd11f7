#pragma once

#include "cli/options.hpp"

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace fusegate::cli {

/// One command. Each is defined in a file of its own and listed in tree.cpp; its options and the
/// values they take reach the help and the completion scripts from there.
struct Command {
  const char* name;
  const char* text;      ///< One sentence, for the list of commands.
  const char* examples;  ///< Stand below the options in its help.
  /// Adds the options of its own; nullptr when there are none.
  void (*add_options)(CLI::App& command, Options& options);
  int (*action)(const Options& options);  ///< Returns an exit code.
};

extern const Command kRun;
extern const Command kCheck;
extern const Command kExplain;
extern const Command kSimulate;
extern const Command kDumpConfig;
extern const Command kSchema;
extern const Command kHealthcheck;
extern const Command kCompletion;
extern const Command kVersion;

/// The group of commands that are named, but not built; the help shows it as a heading.
inline constexpr const char* kLaterGroup = "Not supported yet";

/// Gives the command `--format`, one of `forms`.
void add_format(CLI::App& command, Options& options, const std::vector<std::string>& forms);

/// Describes the whole command line; what is parsed lands in `options`, which must outlive `app`.
void describe(CLI::App& app, Options& options);

/// Does what the parsed command line asks for. Returns an exit code.
int perform(const CLI::App& app, const Options& options);

}  // namespace fusegate::cli
