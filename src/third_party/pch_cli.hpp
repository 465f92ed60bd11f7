#pragma once
// Precompiled for the command line: CLI11 takes several times as long to read as a command to
// compile.
#include "third_party/pch_std.hpp"

#include <CLI/CLI.hpp>
