#include "telemetry/access_log.hpp"

#include "unit/telemetry/telemetry_rig.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>

#include <algorithm>
#include <thread>

namespace fusegate::telemetry {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

using testing::StartsWith;
using namespace std::chrono_literals;

std::string log_of(const exchange::Report& report,
                   config::LogFormat format = config::LogFormat::Json) {
  test::Pipe pipe;
  const auto config = test::two_routes();
  config->log.format = format;
  {
    AccessLogWriter writer(pipe.writer());
    AccessLog log(config, writer, 1);
    log.write(report);
    log.flush();
    writer.stop(5s);
  }
  return pipe.drain();
}

TEST(AccessLog, WritesTheLineOfTheContract) {
  test::Example example;
  EXPECT_EQ(
      log_of(example.report),
      R"({"ts":"2026-11-23T18:01:38.508Z","kind":"access","request_id":"r-1","trace_id":"t-1",)"
      R"("listener":"egress","route":"pay","method":"POST","host":"payments.local",)"
      R"("path":"/payments/1","protocol":"HTTP/1.1","status":200,"result":"ok","reason":"",)"
      R"("duration_ms":212.4,"overhead_ms":0.6,"bytes_in":120,"bytes_out":512,)"
      R"("client":"127.0.0.1:60952","upstream":"payments","attempts":2,"tries":[)"
      R"({"endpoint":"10.1.2.3:8443","result":"reset","ms":180.1,"reused":true},)"
      R"({"endpoint":"10.1.2.9:8443","status":200,"ms":31.3,"wait_ms":0.4}]})"
      "\n");
}

TEST(AccessLog, WritesALineForPeople) {
  test::Example example;
  EXPECT_EQ(log_of(example.report, config::LogFormat::Text),
            "2026-11-23T18:01:38.508Z 200 POST payments.local /payments/1 212.4ms ok route=pay "
            "attempts=2 client=127.0.0.1:60952 id=r-1 "
            "tries=10.1.2.3:8443:reset:180.1ms,10.1.2.9:8443:200:31.3ms\n");
}

TEST(AccessLog, NamesTheReasonOfEachResult) {
  test::Example example;
  auto& report = example.report;
  report.result = RequestResult::Failed;
  report.status = 503;
  report.denied = DenyReason::Budget;
  EXPECT_THAT(log_of(report), HasSubstr(R"("status":503,"result":"failed","reason":"budget")"));
  report.result = RequestResult::Rejected;
  report.reason = RejectReason::BreakerOpen;
  EXPECT_THAT(log_of(report), HasSubstr(R"("result":"rejected","reason":"breaker_open")"));
  report.result = RequestResult::Cut;
  report.denied = DenyReason::ResponseStarted;
  EXPECT_THAT(log_of(report), HasSubstr(R"("result":"cut","reason":"response_started")"));
}

TEST(AccessLog, LogsAClientThatLeftAs499) {
  test::Example example;
  example.report.result = RequestResult::ClientGone;
  example.report.status = 200;
  EXPECT_THAT(log_of(example.report),
              HasSubstr(R"("status":499,"result":"client_gone","reason":"client_gone")"));
}

TEST(AccessLog, LeavesNamesEmptyThatDoNotExist) {
  exchange::Report report;
  report.result = RequestResult::Rejected;
  report.reason = RejectReason::NoRoute;
  report.status = 404;
  const std::string line = log_of(report);
  EXPECT_THAT(line, HasSubstr(R"("route":"")"));
  EXPECT_THAT(line, HasSubstr(R"("upstream":"","attempts":0,"tries":[]})"));
}

TEST(AccessLog, KeepsHostileBytesInOneValidLine) {
  test::Example example;
  example.report.path = "/a\"b\nc\xff\x1b";
  const std::string line = log_of(example.report);
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
  EXPECT_THAT(line, HasSubstr(R"("path":"/a\"b\nc\ufffd\u001b")"));
  const std::string text = log_of(example.report, config::LogFormat::Text);
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(AccessLog, CutsTheLongestRequestToALineThatFits) {
  test::Example example;
  auto& report = example.report;
  const std::string huge(70'000, '\n');
  example.first.name = huge;
  report.path = report.host = report.method = report.request_id = huge;
  report.trace_id = report.client = report.protocol = huge;
  report.try_count = exchange::Report::kTriesMax;
  report.tries.fill(report.tries[0]);
  const std::string line = log_of(report);
  EXPECT_LT(line.size(), LogBlock::kCapacity / 2);
  EXPECT_THAT(line, StartsWith("{"));
  EXPECT_THAT(line, EndsWith("\"reused\":true}]}\n"));
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
}

class AccessLogChoice : public testing::Test {
 protected:
  bool wants() { return AccessLog(config_, writer_, 1).wants(example_.report); }

  std::shared_ptr<config::Config> config_ = test::two_routes();
  test::Pipe pipe_;
  AccessLogWriter writer_{pipe_.writer()};
  test::Example example_;
};

TEST_F(AccessLogChoice, TakesWhatTheRulesName) {
  auto& settings = config_->log.access;
  auto& report = example_.report;
  settings.sample = Ratio{};
  EXPECT_TRUE(wants()) << "retried";
  settings.always_retried = false;
  EXPECT_FALSE(wants());
  report.status = 500;
  EXPECT_TRUE(wants()) << "5xx";
  settings.always_5xx = false;
  report.result = RequestResult::Rejected;
  EXPECT_TRUE(wants()) << "rejected";
  settings.always_rejected = false;
  EXPECT_FALSE(wants());
  report.duration = settings.slow;
  EXPECT_TRUE(wants()) << "slow";
  settings.enabled = false;
  EXPECT_FALSE(wants()) << "off means off";
}

TEST_F(AccessLogChoice, TakesTheShareOfTheSample) {
  config_->log.access.sample = Ratio::percent(10);
  example_.report.attempts = 1;
  AccessLog log(config_, writer_, 7);
  int taken = 0;
  for (int i = 0; i < 10'000; ++i) {
    taken += log.wants(example_.report) ? 1 : 0;
  }
  EXPECT_NEAR(taken, 1000, 150);
}

/// A pipe of the smallest size, so that its reader is soon behind.
void shrink(const test::Pipe& pipe) { ::fcntl(pipe.writer(), F_SETPIPE_SZ, 4096); }

TEST(AccessLogWriter, DropsTheOldestWhenNobodyReads) {
  test::Pipe pipe;
  shrink(pipe);
  constexpr std::uint32_t kBlocks = 20;
  AccessLogWriter writer(pipe.writer(), 4);
  for (std::uint32_t i = 0; i < kBlocks; ++i) {
    auto block = writer.take();
    block->bytes.fill('x');
    block->size = LogBlock::kCapacity;
    block->lines = 10;
    writer.submit(std::move(block));
  }
  // One block may be on its way and four wait; the writer had to make room for all others.
  EXPECT_GE(writer.dropped(), (kBlocks - 5) * 10);
  writer.stop(1ms);
  EXPECT_EQ(writer.lines() + writer.dropped(), kBlocks * 10) << "every line is accounted for";
  EXPECT_EQ(writer.lines(), 0u);
}

TEST(AccessLogWriter, KeepsTheNewestLines) {
  test::Pipe pipe;
  shrink(pipe);
  AccessLogWriter writer(pipe.writer(), 1);
  for (const char letter : {'a', 'b', 'c', 'd', 'e'}) {
    auto block = writer.take();
    block->bytes.fill(letter);
    block->size = LogBlock::kCapacity;
    block->lines = 1;
    writer.submit(std::move(block));
  }
  std::string all;
  std::thread reader([&] {
    std::array<char, 4096> piece;
    while (all.size() < 5 * LogBlock::kCapacity) {
      const ssize_t got = ::read(pipe.reader(), piece.data(), piece.size());
      if (got <= 0) {
        break;
      }
      all.append(piece.data(), static_cast<std::size_t>(got));
    }
  });
  writer.stop(10s);
  pipe.close_writer();
  reader.join();
  EXPECT_EQ(all.back(), 'e');
  EXPECT_GE(writer.dropped(), 3u);
  EXPECT_EQ(writer.lines() + writer.dropped(), 5u);
}

TEST(AccessLogWriter, WritesEverythingAtTheEnd) {
  test::Pipe pipe;
  AccessLogWriter writer(pipe.writer());
  const auto config = test::two_routes();
  config->log.format = config::LogFormat::Json;
  test::Example example;
  std::string all;
  std::thread reader([&] { all = pipe.read_all(); });
  {
    AccessLog log(config, writer, 1);
    for (int i = 0; i < 1000; ++i) {
      log.record(example.report);
    }
  }
  writer.stop(10s);
  pipe.close_writer();
  reader.join();
  EXPECT_EQ(std::ranges::count(all, '\n'), 1000);
  EXPECT_EQ(writer.lines(), 1000u);
  EXPECT_EQ(writer.dropped(), 0u);
}

TEST(AccessLogWriter, CountsLinesAfterTheEndAsDropped) {
  test::Pipe pipe;
  AccessLogWriter writer(pipe.writer());
  writer.stop(1s);
  auto block = writer.take();
  block->lines = 3;
  writer.submit(std::move(block));
  EXPECT_EQ(writer.dropped(), 3u);
}

}  // namespace
}  // namespace fusegate::telemetry
