#pragma once

#include <fusegate/config/config.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <variant>

namespace fusegate::telemetry {

using Level = config::LogLevel;
inline constexpr std::size_t kLevels = 5;

/// "trace", "debug", "info", "warn" or "error".
std::string_view word(Level level);

/// One fact of a log line. The views need to live only as long as the call.
struct LogField {
  using Value = std::variant<std::string_view, std::int64_t, double, bool>;
  LogField(std::string_view key_, std::string_view text) : key(key_), value(text) {}
  LogField(std::string_view key_, const char* text) : key(key_), value(std::string_view(text)) {}
  LogField(std::string_view key_, bool truth) : key(key_), value(truth) {}
  LogField(std::string_view key_, double number) : key(key_), value(number) {}
  LogField(std::string_view key_, std::integral auto number)
      : key(key_), value(static_cast<std::int64_t>(number)) {}

  std::string_view key;  ///< Constant: lower-case letters and underscores.
  Value value;
};

/// Diagnostics: what operators read about the process itself, by default on standard error.
///
/// The line is formatted by the caller and handed to one background thread through a queue of
/// `kQueueLines`; when the queue is full the oldest line is dropped and counted, so a stuck reader
/// of standard error never stops the proxy. All functions may be called from any thread.
class Logger {
 public:
  static constexpr std::size_t kQueueLines = 1024;
  /// Longer lines are cut, so that a line always fits one atomic write to a pipe (PIPE_BUF).
  static constexpr std::size_t kLineMax = 4096;
  /// How long the destructor waits for a reader of the queued lines.
  static constexpr std::chrono::seconds kDrainMax{2};

  /// `fd` stays the caller's. Auto = text when `fd` is a terminal, else JSON.
  explicit Logger(const config::Log& settings, int fd = 2);
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;
  ~Logger();  ///< Writes what is queued, for at most `kDrainMax`.

  /// `message` is constant text; whatever varies is a field.
  void log(Level level, std::string_view message, std::initializer_list<LogField> fields = {});
  void trace(std::string_view message, std::initializer_list<LogField> fields = {}) {
    log(Level::Trace, message, fields);
  }
  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
    log(Level::Debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) {
    log(Level::Info, message, fields);
  }
  void warn(std::string_view message, std::initializer_list<LogField> fields = {}) {
    log(Level::Warn, message, fields);
  }
  void error(std::string_view message, std::initializer_list<LogField> fields = {}) {
    log(Level::Error, message, fields);
  }

  bool enabled(Level level) const { return level >= this->level(); }
  Level level() const;
  void set_level(Level level);

  struct Counts {
    std::array<std::uint64_t, kLevels> lines{};  ///< Accepted, by level.
    std::uint64_t dropped = 0;                   ///< Of those, discarded because nobody read them.
  };
  Counts counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fusegate::telemetry
