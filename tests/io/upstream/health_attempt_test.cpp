#include "upstream/health_attempt.hpp"

#include "net/address.hpp"
#include "net/clock.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>

namespace fusegate::upstream {
namespace {

using namespace std::chrono_literals;

/// What a check finds at a unix socket.
class HealthAttemptTest : public testing::Test {
 protected:
  HealthAttemptTest() : timers_(nullptr, nullptr), loop_(timers_, net::now()) {
    char name[] = "/tmp/fusegate-health-XXXXXX";
    folder_ = ::mkdtemp(name);
    endpoint_ = "unix:" + (folder_ / "socket").string();
  }
  ~HealthAttemptTest() override {
    if (listener_ >= 0) {
      ::close(listener_);
    }
    std::filesystem::remove_all(folder_);
  }

  void listen() {
    const auto address = net::parse_address(endpoint_);
    ASSERT_TRUE(address);
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::bind(listener_, address->data(), address->length), 0);
    ASSERT_EQ(::listen(listener_, 8), 0);
  }
  int accept() const { return ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); }

  /// Checks `endpoint`; the problem, empty when it is well. `before` acts between the connect and
  /// the first turn of the loop.
  std::string check(const std::string& endpoint, const std::string& path = "/",
                    const std::function<void()>& before = {}) {
    HealthAttempt::Target target{.check = {.endpoint = endpoint, .epoch = 1},
                                 .upstream = 0,
                                 .authority = "localhost",
                                 .path = path,
                                 .timeout = 10s,
                                 .tls = {},
                                 .server_name = {}};
    std::optional<std::string> told;
    HealthAttempt attempt(loop_, timers_, std::move(target),
                          [&](HealthAttempt&, std::string problem) {
                            EXPECT_FALSE(told.has_value()) << "told twice";
                            told = std::move(problem);
                            loop_.stop();
                          });
    attempt.begin();
    if (before) {
      before();
    }
    if (!told) {
      loop_.run();
    }
    return *told;
  }

  /// Checks a server that takes the whole request, and gives `answer` and closes.
  std::string check_answer(std::string_view answer, const std::string& path = "/") {
    listen();
    std::thread server([&] {
      const int client = accept();
      std::string request;
      char piece[4096];
      for (ssize_t got = 1; got > 0 && !request.ends_with("\r\n\r\n");) {
        got = ::recv(client, piece, sizeof piece, 0);
        request.append(piece, static_cast<std::size_t>(got > 0 ? got : 0));
      }
      EXPECT_TRUE(request.starts_with("GET " + path + " HTTP/1.1\r\nhost: localhost\r\n"));
      ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
      ::close(client);
    });
    std::string problem = check(endpoint_, path);
    server.join();
    return problem;
  }

  net::TimerQueue timers_;
  net::EventLoop loop_;
  std::filesystem::path folder_;
  std::string endpoint_;
  int listener_ = -1;
};

TEST_F(HealthAttemptTest, TellsAtOnceWhatCannotBeConnectedTo) {
  EXPECT_EQ(check(endpoint_), "no connection: No such file or directory");
  EXPECT_EQ(check("nowhere"), "expected host:port, [v6]:port or unix:/path");
}

TEST_F(HealthAttemptTest, ALongRequestIsSentInPieces) {
  EXPECT_EQ(check_answer("HTTP/1.1 204 No Content\r\n\r\n", "/" + std::string(4 << 20, 'p')), "");
}

TEST_F(HealthAttemptTest, AnAnswerThatComesBeforeTheRequestIsOne) {
  listen();
  const auto answer = [this] {
    const int client = accept();
    ::send(client, "HTTP/1.1 503 \r\n\r\n", 17, MSG_NOSIGNAL);
    ::close(client);
  };
  EXPECT_EQ(check(endpoint_, "/", answer), "status 503");
}

TEST_F(HealthAttemptTest, AHeadWithoutAnEndIsNotRead) {
  EXPECT_EQ(check_answer("HTTP/1.1 200 OK\r\nx: " + std::string(16 << 10, 'x')),
            "no valid answer: the response head is too long");
}

TEST_F(HealthAttemptTest, AnEndIsNoAnswer) {
  EXPECT_EQ(check_answer("HTTP/1.1 200 OK\r\n"), "the connection was closed before an answer");
}

}  // namespace
}  // namespace fusegate::upstream
