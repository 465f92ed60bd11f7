#include "state/codec.hpp"

#include <fusegate/exchange/upstream_state.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace fusegate::state {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kWritten{std::chrono::milliseconds{1'790'000'000'000}};
constexpr Instant kTaken{5000s};

/// Of an upstream with an open breaker, a spent budget and one ejected endpoint.
Snapshot sample() {
  config::UpstreamConfig settings;
  exchange::UpstreamState state{settings, 1, kTaken - 10s};
  state.set_endpoints({"10.0.0.1:80", "[fd00::7]:80"}, kTaken - 10s);
  for (int i = 0; i < 5; ++i) {
    const auto admission = state.breaker().admit(true, 1s, state.rng(), kTaken - 1s);
    state.settle(*state.endpoints()[1], state.readmit(*state.endpoints()[1], true, 1s, kTaken - 1s),
                 std::nullopt, policy::Verdict::Failure, 1ms, 5s, kTaken - 1s);
    state.breaker().settle(*admission.permit, policy::Verdict::Failure, 1ms, 5s, state.rng(),
                           kTaken - 1s);
    state.budget().on_request(kTaken - 1s);
  }
  state.drain_transitions(kTaken);
  Snapshot snapshot{.taken = kTaken, .written = kWritten, .sections = {}};
  snapshot.sections.push_back({"orders", std::string(64, 'a'), state.memory(kTaken)});
  snapshot.sections.push_back({"a \"b\" \xc3\xa9", std::string(64, 'b'), state.memory(kTaken)});
  return snapshot;
}

TEST(StateCodec, ReadsBackWhatItWroteOnAnotherTimeLine) {
  const Snapshot written = sample();
  const Instant now{77s};
  const auto read = decode(encode(written), now, kWritten + 3s);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->taken, now - 3s);
  ASSERT_EQ(read->sections.size(), 2U);
  const Duration shift = read->taken - kTaken;
  for (std::size_t i = 0; i < 2; ++i) {
    const Section& in = written.sections[i];
    const Section& out = read->sections[i];
    EXPECT_EQ(out.upstream, in.upstream);
    EXPECT_EQ(out.settings, in.settings);
    EXPECT_EQ(out.memory.breaker.state, BreakerState::Open);
    EXPECT_EQ(out.memory.breaker.since, in.memory.breaker.since + shift);
    EXPECT_EQ(out.memory.breaker.open_until, in.memory.breaker.open_until + shift);
    EXPECT_EQ(out.memory.breaker.window.slots, in.memory.breaker.window.slots);
    EXPECT_EQ(out.memory.budget.newest_end, in.memory.budget.newest_end + shift);
    ASSERT_EQ(out.memory.endpoints.size(), 1U);
    EXPECT_EQ(out.memory.endpoints[0].name, "[fd00::7]:80");
    EXPECT_TRUE(out.memory.endpoints[0].ejected);
    EXPECT_EQ(out.memory.endpoints[0].last->reason, in.memory.endpoints[0].last->reason);
  }
}

TEST(StateCodec, SameTimeLineGivesEqualValues) {
  const Snapshot written = sample();
  const auto read = decode(encode(written), kTaken, kWritten);
  ASSERT_TRUE(read) << read.error();
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read->sections[i].memory, written.sections[i].memory);
  }
}

TEST(StateCodec, AForcedBreakerStaysForced) {
  using policy::Forced;
  for (const Forced how : {Forced::No, Forced::Open, Forced::Closed}) {
    for (const Instant until : {kTaken + 5min, kNever}) {
      exchange::UpstreamState state{config::UpstreamConfig{}, 1, kTaken};
      state.force_breaker(how, until, kTaken);
      const Snapshot written{kTaken, kWritten, {{"orders", "", state.memory(kTaken)}}};
      const auto read = decode(encode(written), kTaken, kWritten);
      ASSERT_TRUE(read) << read.error();
      EXPECT_EQ(read->sections[0].memory, written.sections[0].memory) << word(how);
      exchange::UpstreamState next{config::UpstreamConfig{}, 1, kTaken};
      ASSERT_TRUE(next.restore(read->sections[0].memory, kTaken + 60s, kTaken));
      EXPECT_EQ(next.breaker().forced(), how);
    }
  }
}

TEST(StateCodec, ThrottleOfABreakerThatShedsIsKept) {
  config::UpstreamConfig settings;
  settings.breaker.mode = policy::BreakerMode::Shed;
  exchange::UpstreamState state{settings, 1, kTaken - 10s};
  for (int i = 0; i < 300; ++i) {
    const auto admission = state.breaker().admit(true, 1s, state.rng(), kTaken);
    if (admission.permit) {
      state.breaker().settle(*admission.permit, policy::Verdict::Failure, 0ms, std::nullopt,
                             state.rng(), kTaken);
    }
  }
  ASSERT_LT(state.breaker().admitted_share(kTaken), 0.1);
  const Snapshot written{kTaken, kWritten, {{"orders", "", state.memory(kTaken)}}};
  const auto read = decode(encode(written), kTaken, kWritten);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->sections[0].memory, written.sections[0].memory);
  exchange::UpstreamState next{settings, 1, kTaken};
  ASSERT_TRUE(next.restore(read->sections[0].memory, kTaken + 60s, kTaken));
  EXPECT_EQ(next.breaker().admitted_share(kTaken), state.breaker().admitted_share(kTaken));
}

TEST(StateCodec, AgeIsBoundedBothWays) {
  const std::string text = encode(sample());
  EXPECT_TRUE(decode(text, kTaken, kWritten + 60s));
  EXPECT_EQ(decode(text, kTaken, kWritten + 61s).error(), "it is 61 s old; 60 s is the limit");
  EXPECT_TRUE(decode(text, kTaken, kWritten - 2s)) << "a clock that was set right";
  EXPECT_EQ(decode(text, kTaken, kWritten - 2s)->taken, kTaken);
  EXPECT_EQ(decode(text, kTaken, kWritten - 10s).error(), "it was written 10 s in the future");
}

TEST(StateCodec, SaysWhatIsWrong) {
  struct Case {
    std::string text;
    const char* error;
  };
  const std::string good = encode(sample());
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  const auto framed = [](const std::string& body) {
    return R"({"fusegate_state":1,"checksum":")" + checksum(body) + R"(","body":)" + body + "}";
  };
  const Case cases[] = {
      {"", "it is damaged: not a JSON object"},
      {"[]", "it is damaged: not a JSON object"},
      {"\x1f\x8b binary", "it is damaged: not a JSON object"},
      {std::string(100'000, '['), "it is damaged: not a JSON object"},
      {"{}", "it is damaged: not a state file of Fusegate"},
      {with(R"("fusegate_state":1)", R"("fusegate_state":2)"),
       "it is of version 2; this program reads version 1"},
      {with("orders", "0rders"), "it is damaged: the checksum is wrong"},
      {framed("{}"), "it is damaged: written_ms is missing or makes no sense"},
      {framed(R"({"written_ms":-5})"), "it is damaged: written_ms is missing or makes no sense"},
      {framed(R"({"written_ms":1790000000000})"),
       "it is damaged: upstreams is missing or makes no sense"},
      {framed(R"({"written_ms":1790000000000,"upstreams":[7]})"),
       "it is damaged: an upstream is missing or makes no sense"},
      {framed(R"({"written_ms":1790000000000,"upstreams":[{"name":"a","settings":"b"}]})"),
       "it is damaged: breaker is missing or makes no sense"},
  };
  for (const Case& c : cases) {
    const auto read = decode(c.text, kTaken, kWritten);
    ASSERT_FALSE(read) << c.text.substr(0, 100);
    EXPECT_EQ(read.error(), c.error);
  }
}

/// The body with one value replaced and a right checksum: as if written by hand.
std::string forged(std::string_view from, std::string_view to) {
  std::string body = encode(sample());
  body = body.substr(body.find(R"({"written_ms")"));
  body.resize(body.size() - 2);
  const auto place = body.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  body.replace(place, from.size(), to);
  return R"({"fusegate_state":1,"checksum":")" + checksum(body) + R"(","body":)" + body + "}";
}

TEST(StateCodec, WrongTypesAndAbsurdNumbersAreRefused) {
  ASSERT_TRUE(decode(forged("orders", "orders"), kTaken, kWritten));
  const std::pair<const char*, const char*> changes[] = {
      {R"("run":5)", R"("run":"5")"},
      {R"("run":5)", R"("run":-5)"},
      {R"("run":5)", R"("run":4294967296)"},
      {R"("run":5)", R"("run":null)"},
      {R"("since":-1000000000)", R"("since":-9223372036854775807)"},
      {R"("since":-1000000000)", R"("since":9223372036854775807)"},
      {R"("state":"open")", R"("state":"opened")"},
      {R"("state":"open")", R"("state":1)"},
      {R"("slot":1000000000)", R"("slot":0)"},
      {R"("slots":[[)", R"("slots":[[1,2,3],[)"},
      {R"("slots":[[)", R"("slots":[["x",)"},
      {R"("ejected":true)", R"("ejected":"true")"},
      {R"("endpoints":[)", R"("endpoints":[null,)"},
      {R"("budget":{)", R"("budget":[],"x":{)"},
      {R"("from":"closed")", R"("from":"shut")"},
  };
  for (const auto& [from, to] : changes) {
    const auto read = decode(forged(from, to), kTaken, kWritten);
    EXPECT_FALSE(read) << to;
    EXPECT_TRUE(read || read.error().starts_with("it is damaged: ")) << to;
  }
}

TEST(StateCodec, EveryTruncationIsRefused) {
  const std::string text = encode(sample());
  for (std::size_t size = 0; size + 2 <= text.size(); ++size) {
    EXPECT_FALSE(decode(std::string_view{text}.substr(0, size), kTaken, kWritten)) << size;
  }
}

TEST(StateCodec, EveryFlippedBitIsRefused) {
  const std::string text = encode(sample());
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string damaged = text;
      damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ (1U << bit));
      ASSERT_FALSE(decode(damaged, kTaken, kWritten)) << at << " bit " << bit;
    }
  }
}

TEST(StateCodec, RandomDamageWithARightChecksumNeverCrashesAnUpstream) {
  std::string body = encode(sample());
  body = body.substr(body.find(R"({"written_ms")"));
  body.resize(body.size() - 2);
  std::size_t decoded = 0;
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng dice{seed};
    std::string changed = body;
    for (std::uint64_t edits = 1 + dice.below(4); edits > 0; --edits) {
      // Digits and letters become others, so that much of it stays JSON.
      const std::size_t at = dice.below(changed.size());
      constexpr std::string_view kDigits = "0123456789";
      if (kDigits.contains(changed[at])) {
        changed[at] = kDigits[dice.below(kDigits.size())];
      } else if (dice.below(4) == 0) {
        changed[at] = static_cast<char>(32 + dice.below(95));
      }
    }
    const auto read = decode(
        R"({"fusegate_state":1,"checksum":")" + checksum(changed) + R"(","body":)" + changed + "}",
        kTaken, kWritten);
    if (!read) {
      continue;
    }
    ++decoded;
    for (const Section& section : read->sections) {
      config::UpstreamConfig settings;
      exchange::UpstreamState state{settings, seed, kTaken};
      state.set_endpoints({"10.0.0.1:80", "[fd00::7]:80"}, kTaken);
      (void)state.restore(section.memory, kTaken + 60s, kTaken);
      for (Duration t{}; t < 200s; t += 1s) {
        const auto picked = state.pick(nullptr, 0, true, 1s, kTaken + t);
        ASSERT_EQ(picked.pick, exchange::UpstreamState::Pick::Found);
        state.settle(*picked.endpoint, picked.permit,
                     state.breaker().admit(true, 1s, state.rng(), kTaken + t).permit,
                     policy::Verdict::Success, 1ms, std::nullopt, kTaken + t);
      }
      EXPECT_EQ(state.breaker().state(), BreakerState::Closed) << "it heals, whatever was read";
      EXPECT_EQ(state.endpoint_counts().healthy, 2U);
    }
  }
  EXPECT_GT(decoded, 100U) << "the test reaches the machines";
}

}  // namespace
}  // namespace fusegate::state
