// Bytes as a configuration file: errors have a place, and what is loaded is written out so that it
// loads to the same again.
#include "config_file/config_file.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fusegate;
  const std::string text{reinterpret_cast<const char*>(data), size};
  const auto nothing = [](std::string_view) -> std::optional<std::string> { return std::nullopt; };
  const auto loaded = config_file::load(text, "fuzz.yaml", nothing);
  if (!loaded) {
    if (loaded.error().empty()) {
      std::abort();  // Refused, and nobody is told why.
    }
    return 0;
  }
  const std::string written = config_file::dump(*loaded->config);
  const auto again = config_file::load(written, "dump.yaml", nothing);
  if (!again || config_file::dump(*again->config) != written) {
    std::abort();
  }
  return 0;
}
