#pragma once

#include <fusegate/advice/advice.hpp>

#include "cli/options.hpp"
#include "config_file/config_file.hpp"

#include <expected>
#include <vector>

namespace fusegate::cli {

/// Are the files that the configuration names looked at, too? Those who only want to know what it
/// says need not have them.
enum class Files : bool { Leave, Check };

/// Reads and loads what the options name; `-` is standard input. `given` is for the
/// warnings.
std::expected<config_file::Loaded, std::vector<config_file::Diagnostic>> load_file(
    const Options& options, Files files = Files::Leave, const advice::Assumptions& given = {});
/// Prints the findings as text to standard error, coloured on a terminal, and a closing line.
void report(const std::vector<config_file::Diagnostic>& findings, const Options& options);

}  // namespace fusegate::cli
