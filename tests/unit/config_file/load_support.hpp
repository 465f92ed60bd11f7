#pragma once

#include "config_file/config_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace fusegate::config_file {

using Variables = std::map<std::string, std::string, std::less<>>;
using Result = std::expected<Loaded, std::vector<Diagnostic>>;

inline Result load_text(const std::string& text, const Variables& variables = {},
                        std::span<const Override> overrides = {},
                        const FileCheck& check_files = {}) {
  const Environment env = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  return load(text, "fusegate.yaml", env, overrides, {}, check_files);
}

/// The configuration, or a failed test and an empty one.
inline config::Config must_load(const std::string& text, const Variables& variables = {}) {
  const auto loaded = load_text(text, variables);
  if (loaded) {
    return *loaded->config;
  }
  for (const auto& error : loaded.error()) {
    ADD_FAILURE() << format(error);
  }
  return {};
}

inline std::vector<Diagnostic> must_fail(const std::string& text, const Variables& variables = {}) {
  const auto loaded = load_text(text, variables);
  EXPECT_FALSE(loaded.has_value()) << text;
  return loaded ? std::vector<Diagnostic>{} : loaded.error();
}

/// A file of the source tree.
inline std::string read_source(const std::string& name) {
  std::ifstream in(std::string(FUSEGATE_SOURCE_DIR) + "/" + name);
  EXPECT_TRUE(in.is_open()) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

inline const std::string kMinimal =
    "listen: 127.0.0.1:8080\n"
    "upstreams:\n"
    "  app:\n"
    "    url: http://app:8080\n";

}  // namespace fusegate::config_file
