#include "telemetry/log.hpp"

#include "unit/telemetry/telemetry_rig.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>

#include <algorithm>
#include <limits>

namespace fusegate::telemetry {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;

template <class Use>
std::string log_of(const config::Log& settings, Use use) {
  test::Pipe pipe;
  {
    Logger logger(settings, pipe.writer());
    use(logger);
  }
  return pipe.drain();
}

config::Log as(config::LogFormat format) { return {.format = format}; }

TEST(Logger, WritesOneJsonObjectALine) {
  const std::string all = log_of(as(config::LogFormat::Json), [](Logger& logger) {
    logger.warn("breaker moved", {{"upstream", "orders"},
                                  {"failures", 12},
                                  {"ratio", 0.5},
                                  {"shadow", false},
                                  {"nan", std::numeric_limits<double>::quiet_NaN()}});
  });
  EXPECT_THAT(all, MatchesRegex(R"(\{"ts":"[0-9T:.-]{23}Z","level":"warn","msg":"breaker moved",.*)"
                                "\n"));
  EXPECT_THAT(all, EndsWith(R"("msg":"breaker moved","upstream":"orders","failures":12,)"
                            R"("ratio":0.5,"shadow":false,"nan":null})"
                            "\n"));
}

TEST(Logger, WritesTextForPeople) {
  const std::string all = log_of(as(config::LogFormat::Text), [](Logger& logger) {
    logger.info("listening", {{"address", "127.0.0.1:80"}, {"note", "two words"}});
  });
  EXPECT_THAT(all, EndsWith("Z INFO  listening address=127.0.0.1:80 note=\"two words\"\n"));
}

TEST(Logger, ChoosesJsonWhenNobodyWatches) {
  const std::string all =
      log_of(as(config::LogFormat::Auto), [](Logger& logger) { logger.info("x"); });
  EXPECT_EQ(all.front(), '{');
}

TEST(Logger, EscapesFields) {
  const std::string all = log_of(as(config::LogFormat::Json), [](Logger& logger) {
    logger.error("bad name", {{"name", "a\"\n\xff{}%v"}});
  });
  EXPECT_THAT(all, HasSubstr(R"("name":"a\"\n\ufffd{}%v")"));
  EXPECT_EQ(std::ranges::count(all, '\n'), 1);
}

TEST(Logger, CutsLongFieldsAndStaysValid) {
  const std::string huge(10'000, '\n');
  const std::string all = log_of(as(config::LogFormat::Json), [&](Logger& logger) {
    logger.error("long", {{"a", huge}, {"b", huge}, {"c", 1}});
  });
  EXPECT_LE(all.size(), Logger::kLineMax);
  EXPECT_THAT(all, EndsWith("\\u2026\"}\n"));
}

TEST(Logger, HidesLinesBelowItsLevelUntilItIsChanged) {
  const std::string all = log_of(as(config::LogFormat::Json), [](Logger& logger) {
    logger.debug("hidden");
    logger.set_level(Level::Debug);
    logger.debug("shown");
    logger.set_level(Level::Error);
    logger.warn("hidden too");
    const auto counts = logger.counts();
    EXPECT_EQ(counts.lines[static_cast<std::size_t>(Level::Debug)], 1u);
    EXPECT_EQ(counts.lines[static_cast<std::size_t>(Level::Warn)], 0u);
  });
  EXPECT_THAT(all, HasSubstr("shown"));
  EXPECT_EQ(all.find("hidden"), std::string::npos);
}

TEST(Logger, DropsAndCountsWhenNobodyReads) {
  test::Pipe pipe;
  ::fcntl(pipe.writer(), F_SETPIPE_SZ, 4096);
  const std::string text(1000, 'x');
  constexpr std::uint64_t kLines = 3 * Logger::kQueueLines;
  Logger logger(as(config::LogFormat::Json), pipe.writer());
  for (std::uint64_t i = 0; i < kLines; ++i) {
    logger.info("flood", {{"text", text}});
  }
  const auto counts = logger.counts();
  EXPECT_EQ(counts.lines[static_cast<std::size_t>(Level::Info)], kLines);
  EXPECT_GE(counts.dropped, kLines - Logger::kQueueLines - 8);
  pipe.close_reader();
}

}  // namespace
}  // namespace fusegate::telemetry
