#pragma once

#include "cli/options.hpp"
#include "config_file/config_file.hpp"

#include <expected>
#include <string>

/// One function a command; each returns an exit code.
namespace fusegate::cli {

int run(const Options& options);
int check(const Options& options);
int dump_config(const Options& options);
int schema(const Options& options);
int healthcheck(const Options& options);
int version(const Options& options);

/// Reads and loads what the options name; `-` is standard input.
std::expected<config_file::Loaded, std::vector<config_file::Diagnostic>> load_file(
    const Options& options);
/// Prints the findings as text to standard error, coloured on a terminal, and a closing line.
void report(const std::vector<config_file::Diagnostic>& findings, const Options& options);

}  // namespace fusegate::cli
