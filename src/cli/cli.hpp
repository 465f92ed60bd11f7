#pragma once

namespace fusegate::cli {

/// The command line of Fusegate. Returns the exit code of the process: 0 done, 1 failed, 2 wrong
/// command line, 3 warnings under `check --strict`. Results go to standard output, everything else
/// to standard error.
int main(int argc, const char* const* argv);

}  // namespace fusegate::cli
