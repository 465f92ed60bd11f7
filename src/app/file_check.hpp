#pragma once

#include <fusegate/config/config.hpp>

#include "config_file/config_file.hpp"

#include <vector>

namespace fusegate::app {

/// Reads the files that a configuration names, as `run` will, and says what is wrong with them.
std::vector<config_file::FileProblem> check_files(const config::Config& config);

}  // namespace fusegate::app
