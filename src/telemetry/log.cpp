#include "telemetry/log.hpp"

#include "telemetry/clock.hpp"
#include "telemetry/fd_output.hpp"
#include "telemetry/line.hpp"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/sink.h>

#include <atomic>
#include <mutex>
#include <string>

namespace fusegate::telemetry {
namespace {

constexpr std::array<std::string_view, kLevels> kWords{"trace", "debug", "info", "warn", "error"};
/// Of equal width, so that messages line up on a terminal.
constexpr std::array<std::string_view, kLevels> kTextWords{"TRACE", "DEBUG", "INFO ", "WARN ",
                                                           "ERROR"};

std::size_t index(Level level) { return static_cast<std::size_t>(level); }

/// The end of the pipe in spdlog's thread: whole lines go out as they are.
class LineSink final : public spdlog::sinks::sink {
 public:
  explicit LineSink(int fd) : output_(fd) {}

  void log(const spdlog::details::log_msg& message) override {
    if (!output_.write({message.payload.data(), message.payload.size()})) {
      lost_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  void flush() override {}
  // The lines arrive formatted: spdlog's own patterns escape nothing.
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  FdOutput& output() { return output_; }
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  FdOutput output_;
  std::atomic<std::uint64_t> lost_{0};
};

void append_value(Line& line, const LogField::Value& value, bool json) {
  // Leaves room for the end of the line whatever the value is.
  const std::size_t max = line.room() > 64 ? line.room() - 64 : 0;
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    json ? line.quoted(*text, max) : line.word(*text, max);
  } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    line.integer(*whole);
  } else if (const auto* number = std::get_if<double>(&value)) {
    line.number(*number);
  } else {
    line.raw(std::get<bool>(value) ? "true" : "false");
  }
}

void append_json(Line& line, Timestamp& stamp, WallTime at, Level level, std::string_view message,
                 std::initializer_list<LogField> fields) {
  line.raw(R"({"ts":")");
  stamp.append(line, at);
  line.raw(R"(","level":")");
  line.raw(kWords[index(level)]);
  line.raw(R"(","msg":)");
  line.quoted(message, Logger::kLineMax / 2);
  for (const LogField& field : fields) {
    if (line.room() < field.key.size() + 128) {
      break;
    }
    line.raw(R"(,")");
    line.raw(field.key);
    line.raw(R"(":)");
    append_value(line, field.value, true);
  }
  line.raw("}\n");
}

void append_text(Line& line, Timestamp& stamp, WallTime at, Level level, std::string_view message,
                 std::initializer_list<LogField> fields) {
  stamp.append(line, at);
  line.raw(' ');
  line.raw(kTextWords[index(level)]);
  line.raw(' ');
  line.raw(message.substr(0, Logger::kLineMax / 2));
  for (const LogField& field : fields) {
    if (line.room() < field.key.size() + 128) {
      break;
    }
    line.raw(' ');
    line.raw(field.key);
    line.raw('=');
    append_value(line, field.value, false);
  }
  line.raw('\n');
}

}  // namespace

std::string_view word(Level level) { return kWords[index(level)]; }

struct Logger::Impl {
  Impl(const config::Log& settings, int fd)
      : sink(std::make_shared<LineSink>(fd)),
        pool(std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1)),
        logger(std::make_shared<spdlog::async_logger>(
            "fusegate", sink, pool, spdlog::async_overflow_policy::overrun_oldest)),
        json(settings.format == config::LogFormat::Json ||
             (settings.format == config::LogFormat::Auto && !sink->output().is_terminal())),
        level(settings.level) {
    logger->set_level(spdlog::level::trace);
  }

  std::shared_ptr<LineSink> sink;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
  const bool json;
  std::atomic<Level> level;
  std::array<std::atomic<std::uint64_t>, kLevels> lines{};
  std::atomic<std::uint64_t> refused{0};  ///< Lines that spdlog had no memory to queue.
  std::mutex stamp_mutex;
  Timestamp stamp;
};

Logger::Logger(const config::Log& settings, int fd) : impl_(std::make_unique<Impl>(settings, fd)) {}

Logger::~Logger() {
  impl_->sink->output().limit_patience(std::chrono::nanoseconds(kDrainMax).count());
  // Ends the thread after the last queued line, so that nobody else holds the logger afterwards.
  impl_->pool.reset();
}

void Logger::log(Level level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!enabled(level)) {
    return;
  }
  impl_->lines[index(level)].fetch_add(1, std::memory_order_relaxed);
  char buffer[kLineMax];
  Line line(buffer, sizeof buffer);
  {
    const std::lock_guard lock(impl_->stamp_mutex);
    const auto append = impl_->json ? append_json : append_text;
    append(line, impl_->stamp, wall_now(), level, message, fields);
  }
  try {
    impl_->logger->log(spdlog::level::info, spdlog::string_view_t(buffer, line.size()));
  } catch (const std::exception&) {
    // Out of memory: a lost line is better than a lost process.
    impl_->refused.fetch_add(1, std::memory_order_relaxed);
  }
}

Level Logger::level() const { return impl_->level.load(std::memory_order_relaxed); }
void Logger::set_level(Level level) { impl_->level.store(level, std::memory_order_relaxed); }

Logger::Counts Logger::counts() const {
  Counts counts;
  for (std::size_t i = 0; i < kLevels; ++i) {
    counts.lines[i] = impl_->lines[i].load(std::memory_order_relaxed);
  }
  counts.dropped = impl_->pool->overrun_counter() + impl_->sink->lost() +
                   impl_->refused.load(std::memory_order_relaxed);
  return counts;
}

}  // namespace fusegate::telemetry
