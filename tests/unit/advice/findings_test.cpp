// What the findings say: figures, keys and the words.
#include <fusegate/advice/plain.hpp>

#include "advice_support.hpp"

namespace fusegate::advice {
namespace {

TEST(Code, WordsAreUniqueAndFindTheirCode) {
  for (std::size_t i = 0; i < kCodes; ++i) {
    const auto code = static_cast<Code>(i);
    EXPECT_EQ(code_of(word(code)), code) << word(code);
    EXPECT_EQ(word(code).find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string_view::npos);
  }
  EXPECT_EQ(code_of("route-shadowedd"), std::nullopt);
}

TEST(Finding, CountsTheTriesThatStart) {
  Rig rig;
  rig.policy().retries = 4;
  rig.policy().per_try_timeout = 1s;
  rig.policy().timeout = 3s;
  rig.retry().backoff.initial = 0s;
  const auto found = rig.found(Code::TriesExceedTimeout);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(number(found[0], "tries"), 5);
  EXPECT_EQ(number(found[0], "tries_that_start"), 3);
  EXPECT_EQ(number(found[0], "timeout_ms"), 3000);
  EXPECT_NE(found[0].fix.find("timeout: 5s"), std::string::npos) << found[0].fix;
  EXPECT_EQ(found[0].keys.front(), "per_try_timeout");
}

TEST(Finding, SuggestsATryThatFits) {
  Rig rig;
  rig.policy().per_try_timeout = 1s;
  rig.policy().timeout = 2s;
  const auto found = rig.found(Code::TriesExceedTimeout);
  ASSERT_EQ(found.size(), 1U);
  // (2000 - 12.5 - 25) / 3 = 654.2
  EXPECT_NE(found[0].fix.find("at most 654ms"), std::string::npos) << found[0].fix;
}

TEST(Finding, MultipliesLayersWithAndWithoutBudgets) {
  Rig rig;
  rig.given.layers = 4;
  const auto found = rig.found(Code::LayersMultiply);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(number(found[0], "attempts"), 81);
  EXPECT_NEAR(number(found[0], "load_factor"), 2.0736, 1e-9);
  EXPECT_TRUE(found[0].stated);
}

TEST(Finding, NamesEveryRouteThatCoversTogether) {
  Rig rig;
  rig.route().match.methods = {"GET"};
  rig.add_route("/a").match.methods = {"POST"};
  rig.add_route("/a/b").match.methods = {"POST", "GET"};
  const auto found = rig.found(Code::RouteShadowed);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].index, 2);
  EXPECT_NE(found[0].message.find("\"/\" and \"/a\" before it match together"), std::string::npos)
      << found[0].message;
}

TEST(Finding, LeavesSheddingTheSettingsItReads) {
  Rig rig;
  rig.list(1);
  const auto unused = [&](policy::BreakerMode mode) {
    rig.breaker().mode = mode;
    std::vector<std::string_view> keys;
    for (const Finding& finding : rig.found(Code::BreakerSettingUnused)) {
      keys.push_back(finding.keys.front());
    }
    return keys;
  };
  const std::string_view window = "breaker.failure_rate.window";
  EXPECT_EQ(std::ranges::count(unused(policy::BreakerMode::Shed), window), 0);
  EXPECT_EQ(std::ranges::count(unused(policy::BreakerMode::Off), window), 1);
  EXPECT_EQ(std::ranges::count(unused(policy::BreakerMode::Shed), "breaker.open.max"), 1);
}

TEST(Finding, AsksForTheShareThatEjectsOne) {
  Rig rig;
  rig.list(7);
  rig.upstream().ejection.max_percent = Ratio::percent(10);
  const auto found = rig.found(Code::EjectionRoundsToNone);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].fix.find("15%"), std::string::npos) << found[0].fix;
  rig.upstream().ejection.max_percent = Ratio::percent(15);
  EXPECT_FALSE(rig.warns(Code::EjectionRoundsToNone));
}

TEST(Plain, SaysFiguresAsAPersonDoes) {
  EXPECT_EQ(plain(Duration{12'500'000}), "12.5ms");
  EXPECT_EQ(plain(Duration{999'900'000}), "1s");
  EXPECT_EQ(plain(Duration{1500ms}), "1.5s");
  EXPECT_EQ(plain(Duration{90s}), "1m30s");
  EXPECT_EQ(plain(Duration{2h}), "2h");
  EXPECT_EQ(plain(Duration{}), "0s");
  EXPECT_EQ(plain(Ratio::percent(0.5)), "0.5%");
  EXPECT_EQ(plain(1.728), "1.73");
  EXPECT_EQ(plain(27.0), "27");
  EXPECT_EQ(plain_size(256 * 1024), "256KiB");
  EXPECT_EQ(plain_size(3 * 512 * 1024), "1.5MiB");
  EXPECT_EQ(at_most(3075ms), "3.07s");
  EXPECT_EQ(at_least(3071ms), "3.08s");
  EXPECT_EQ(listed({"a", "b", "c"}), "a, b and c");
}

}  // namespace
}  // namespace fusegate::advice
