#pragma once

#include <fusegate/advice/advice.hpp>
#include <fusegate/config/config.hpp>

#include "config_file/diagnostic.hpp"
#include "config_file/variables.hpp"

#include <cstddef>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The configuration language: YAML text in, `config::Config` out, and back.
namespace fusegate::config_file {

/// A value from outside the file that wins over it, e.g. `FUSEGATE_LOG_LEVEL`.
struct Override {
  std::string path;    ///< A key at the top of the table, e.g. "log.level".
  std::string value;   ///< As it would stand in the file.
  std::string source;  ///< Where it came from, for errors.
};

struct Loaded {
  config::ConfigPtr config;
  std::vector<Diagnostic> warnings;
};

/// What is wrong with a file that a setting names.
struct FileProblem {
  advice::Section section{};  ///< Listener or Upstream.
  std::size_t index = 0;
  std::string key;  ///< The setting, e.g. "tls.certificate".
  std::string message;
  bool warning = false;  ///< The file can be used all the same.
};
/// Looks at the files that a configuration names.
using FileCheck = std::function<std::vector<FileProblem>(const config::Config& config)>;
/// The code of the warnings about files: their section in docs/warnings.md.
inline constexpr std::string_view kFileWarning = "certificate-not-valid";

/// Reads a configuration. `filename` is what messages call it; `given` is what the warnings assume;
/// the files that it names are looked at when there is somebody to do it.
/// On failure: every error and every warning, in the order of the file, at most `kDiagnosticsMax`.
std::expected<Loaded, std::vector<Diagnostic>> load(const std::string& text,
                                                    const std::string& filename,
                                                    const Environment& env,
                                                    std::span<const Override> overrides = {},
                                                    const advice::Assumptions& given = {},
                                                    const FileCheck& check_files = {});
inline constexpr std::size_t kDiagnosticsMax = 200;

enum class Format { Yaml, Json };

/// Every setting as it is in force; the loader reads the YAML back to an equal configuration.
/// Secrets are replaced by "(redacted)".
std::string dump(const config::Config& config, Format format = Format::Yaml);

/// Hash of everything that an upstream's section resolves to, its name apart: equal settings, equal
/// hash.
std::string settings_hash(const config::UpstreamConfig& upstream);

/// The built-in defaults in the shape of a file, with one upstream and one route as examples.
std::string dump_defaults(Format format = Format::Yaml);

/// A configuration file for `run --listen A --upstream URL`.
std::string minimal_file(std::string_view listen, std::string_view upstream_url);

/// The JSON Schema (draft 7) of a configuration file.
std::string schema();

}  // namespace fusegate::config_file
