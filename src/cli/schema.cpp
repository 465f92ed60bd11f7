#include "cli/command.hpp"
#include "config_file/config_file.hpp"

#include <iostream>

namespace fusegate::cli {
namespace {

int schema(const Options&) {
  std::cout << config_file::schema();
  return kOk;
}

}  // namespace

constexpr Command kSchema{"schema", "Print the JSON Schema of configuration files, for editors.",
                          "Example:\n  fusegate schema > fusegate.schema.json", nullptr, schema};

}  // namespace fusegate::cli
