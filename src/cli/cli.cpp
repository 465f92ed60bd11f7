#include "cli/cli.hpp"

#include "cli/command.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>

namespace fusegate::cli {
namespace {

/// A result that was not written whole, e.g. because the disk is full, is a failure.
int flushed(int code) {
  if (std::cout.flush()) {
    return code;
  }
  std::cerr << "fusegate: standard output cannot be written\n";
  return code == kOk ? kFailed : code;
}

int parse_and_perform(int argc, const char* const* argv) {
  Options options;
  CLI::App app;
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? kOk : kUsage;
  }
  return flushed(perform(app, options));
}

}  // namespace

int main(int argc, const char* const* argv) {
  try {
    return parse_and_perform(argc, argv);
  } catch (const std::exception& error) {
    // The parser library reports mistakes in its use this way; memory may also run out.
    std::cerr << "fusegate: " << error.what() << "\n";
    return kFailed;
  }
}

}  // namespace fusegate::cli
