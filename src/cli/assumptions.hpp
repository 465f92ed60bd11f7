#pragma once

#include <fusegate/advice/advice.hpp>

#include "cli/options.hpp"

#include <CLI/CLI.hpp>

#include <expected>
#include <string>

namespace fusegate::cli {

/// `--rate` and `--layers`, which check and explain share.
void add_assumptions(CLI::App& command, Options& options);

/// What the options say about the world around the file. The error is a sentence for a person, who
/// typed it: the exit code is that of a wrong command line.
std::expected<advice::Assumptions, std::string> assumptions_of(const Options& options);

/// A rate for an upstream that the configuration does not have, with the nearest name; empty = all
/// are known.
std::string unknown_upstream(const advice::Assumptions& given, const config::Config& config);

}  // namespace fusegate::cli
