#include "cli/load_file.hpp"

#include "app/file_check.hpp"
#include "config_file/document.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

namespace fusegate::cli {
namespace {

using config_file::Diagnostic;

std::optional<std::string> environment(std::string_view name) {
  const char* const value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

/// Reads one byte more than a configuration may have, so that the loader sees a file that is too
/// long without this program holding all of it.
std::string read_bounded(std::istream& in) {
  std::string text(config_file::kFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::expected<std::string, Diagnostic> read_text(const std::string& file) {
  if (file == "-") {
    return read_bounded(std::cin);
  }
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  std::string text;
  if (in) {
    text = read_bounded(in);
  }
  if (!in.is_open() || in.bad()) {
    Diagnostic problem;
    problem.file = file;
    problem.message = std::string("cannot be read: ") + std::strerror(errno);
    problem.suggestion = "name a file with -c FILE, or FUSEGATE_CONFIG";
    return std::unexpected(problem);
  }
  return text;
}

std::vector<config_file::Override> overrides_of(const Options& options) {
  std::vector<config_file::Override> result;
  const auto add = [&](const char* path, const std::string& value, const char* variable) {
    if (!value.empty()) {
      const auto from_environment = environment(variable);
      const bool same = from_environment && *from_environment == value;
      result.push_back({path, value, same ? variable : "command line"});
    }
  };
  add("log.level", options.log_level, "FUSEGATE_LOG_LEVEL");
  add("admin.listen", options.admin_listen, "FUSEGATE_ADMIN_LISTEN");
  add("status.listen", options.status_listen, "FUSEGATE_STATUS_LISTEN");
  return result;
}

}  // namespace

std::expected<config_file::Loaded, std::vector<Diagnostic>> load_file(
    const Options& options, Files files, const advice::Assumptions& given) {
  const config_file::FileCheck check =
      files == Files::Check ? config_file::FileCheck{app::check_files} : nullptr;
  const auto overrides = overrides_of(options);
  if (!options.upstream.empty()) {
    const auto text = config_file::minimal_file(
        options.listen.empty() ? "127.0.0.1:8080" : options.listen, options.upstream);
    return config_file::load(text, "command line", environment, overrides, given, check);
  }
  const auto text = read_text(options.file);
  if (!text) {
    return std::unexpected(std::vector<Diagnostic>{text.error()});
  }
  const auto name = options.file == "-" ? std::string("stdin") : options.file;
  return config_file::load(*text, name, environment, overrides, given, check);
}

void report(const std::vector<Diagnostic>& findings, const Options& options) {
  const bool color = !options.no_color && isatty(STDERR_FILENO) == 1 && !environment("NO_COLOR");
  std::size_t errors = 0;
  for (const Diagnostic& finding : findings) {
    errors += finding.severity == config_file::Severity::Error ? 1 : 0;
    std::cerr << config_file::format(finding, color);
  }
  if (errors > 0) {
    std::cerr << errors << (errors == 1 ? " error" : " errors")
              << "; the configuration is not used\n";
  }
}

}  // namespace fusegate::cli
