#include "config_file/scalars.hpp"

#include "config_file/suggest.hpp"
#include "config_file/variables.hpp"

#include <gtest/gtest.h>

namespace fusegate::config_file {
namespace {

using namespace std::chrono_literals;

TEST(ParseDuration, ReadsPartsAndFractions) {
  EXPECT_EQ(parse_duration("250ms"), Duration{250ms});
  EXPECT_EQ(parse_duration("1.5s"), Duration{1500ms});
  EXPECT_EQ(parse_duration("1m30s"), Duration{90s});
  EXPECT_EQ(parse_duration("2h0.5s"), Duration{2h + 500ms});
  EXPECT_EQ(parse_duration("2.5ms"), Duration{2500us});
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const auto* text : {"", "5", "s", "5 s", "-1s", "1s1s", "1s1m", "1.s", ".5s", "1.5m30s",
                           "1us", "1d", "99999999999h", "0.0000000001s", "1e3s"}) {
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
  }
}

TEST(ParseSize, ReadsBinaryUnitsOnly) {
  EXPECT_EQ(parse_size("512B"), 512U);
  EXPECT_EQ(parse_size("64KiB"), 65536U);
  EXPECT_EQ(parse_size("0B"), 0U);
  for (const auto* text : {"", "5", "1KB", "1k", "1.5MiB", "-1B", "99999999999GiB"}) {
    EXPECT_FALSE(parse_size(text).has_value()) << text;
  }
}

TEST(ParsePercent, IsExact) {
  EXPECT_EQ(parse_percent("20%"), Ratio{200'000});
  EXPECT_EQ(parse_percent("0.0001%"), Ratio{1});
  for (const auto* text : {"20", "%", "0.00001%", "-1%", "99999999%"}) {
    EXPECT_FALSE(parse_percent(text).has_value()) << text;
  }
}

TEST(Formats, ReadBackToTheSameValue) {
  for (const Duration value : {Duration{0}, Duration{1}, Duration{1500ms}, Duration{60s},
                               Duration{90s}, Duration{5min}, Duration{25h}, Duration{2500us}}) {
    EXPECT_EQ(parse_duration(format_duration(value)), value) << format_duration(value);
  }
  for (const config::Bytes value : {0UL, 1UL, 1023UL, 1024UL, 65536UL, 1UL << 30U}) {
    EXPECT_EQ(parse_size(format_size(value)), value);
  }
  for (const std::uint32_t value : {0U, 1U, 5000U, 1'000'000U}) {
    EXPECT_EQ(parse_percent(format_percent(Ratio{value})), Ratio{value});
  }
  EXPECT_EQ(format_duration(5min), "5m");
  EXPECT_EQ(format_duration(60s), "60s");
}

TEST(Substitute, ReplacesVariablesOnce) {
  const Environment env = [](std::string_view name) -> std::optional<std::string> {
    return name == "A" ? std::optional<std::string>("${B}$$") : std::nullopt;
  };
  EXPECT_EQ(substitute("x${A}y", env)->text, "x${B}$$y");
  EXPECT_EQ(substitute("${B:-z:-}", env)->text, "z:-");
  EXPECT_EQ(substitute("$${A} $5", env)->text, "${A} $5");
  EXPECT_FALSE(substitute("${B}", env).has_value());
  EXPECT_FALSE(substitute("${B?x}", env).has_value());
  EXPECT_TRUE(substitute("${MY_PASSWORD:-x}", env)->secret);
}

TEST(Nearest, FindsOtherSpellingsButNoStrangers) {
  const std::string_view names[]{"max_percent", "retries", "timeout"};
  EXPECT_EQ(nearest("maxPercent", names), "max_percent");
  EXPECT_EQ(nearest("tiemout", names), "timeout");
  EXPECT_EQ(nearest("colour", names), "");
}

}  // namespace
}  // namespace fusegate::config_file
