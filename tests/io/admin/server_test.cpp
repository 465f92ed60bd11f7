#include "admin/server.hpp"

#include "net/address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>

namespace fusegate::admin {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Sources simple_sources() {
  Sources sources;
  sources.ready = [] { return std::vector<Check>{{"listeners", true}}; };
  sources.live = [] { return true; };
  sources.started = [] { return true; };
  sources.metrics = [] { return std::string("fusegate_ready 1\n"); };
  sources.upstreams = [] { return std::vector<telemetry::UpstreamSnapshot>{}; };
  sources.routes = [] { return std::vector<telemetry::RouteSnapshot>{}; };
  sources.transitions = [] { return std::vector<telemetry::EventSnapshot>{}; };
  sources.config = [](bool) { return std::string{}; };
  sources.server_info = [] { return ServerInfo{}; };
  sources.wall_now = [] { return WallTime{}; };
  return sources;
}

/// A client that knows nothing of HTTP.
class Client {
 public:
  explicit Client(const std::string& address) {
    const auto parsed = net::parse_address(address);
    fd_ = ::socket(parsed->family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    connected_ = ::connect(fd_, parsed->data(), parsed->length) == 0;
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { ::close(fd_); }

  bool connected() const { return connected_; }
  void send(std::string_view bytes) { ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  /// Until the server closes, or nothing came for ten seconds.
  std::string read_all() {
    std::string all;
    std::array<char, 4096> piece;
    for (pollfd waiting{fd_, POLLIN, 0}; ::poll(&waiting, 1, 10'000) > 0;) {
      const ssize_t got = ::recv(fd_, piece.data(), piece.size(), 0);
      if (got <= 0) {
        return all;
      }
      all.append(piece.data(), static_cast<std::size_t>(got));
    }
    return all + "<nothing more came>";
  }

 private:
  int fd_ = -1;
  bool connected_ = false;
};

std::string ask(const std::string& address, const std::string& request) {
  Client client(address);
  client.send(request);
  return client.read_all();
}

std::string get(const std::string& address, const std::string& target,
                const std::string& method = "GET", const std::string& host = "localhost") {
  return ask(address, method + ' ' + target + " HTTP/1.1\r\nHost: " + host +
                          "\r\nConnection: close\r\n\r\n");
}

/// IPv4 loopback with the port of `address`, which may be a wildcard.
std::string over_v4(const std::string& address) {
  return "127.0.0.1" + address.substr(address.rfind(':'));
}

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started =
        Server::start(config::Address{"[::]:0"}, config::Address{"127.0.0.1:0"}, simple_sources());
    ASSERT_TRUE(started) << started.error();
    server_ = *std::move(started);
    status_ = over_v4(server_->status_address());
    admin_ = server_->admin_address();
  }

  std::unique_ptr<Server> server_;
  std::string status_;
  std::string admin_;
};

TEST_F(ServerTest, TellsTheAddressesItGot) {
  EXPECT_THAT(admin_, StartsWith("127.0.0.1:"));
  EXPECT_THAT(admin_, Not(EndsWith(":0")));
  EXPECT_EQ(server_->addresses().size(), 2u);
}

TEST_F(ServerTest, AnswersOnBothListeners) {
  EXPECT_THAT(get(status_, "/livez"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(get(status_, "/livez", "GET", "10.1.2.3"), StartsWith("HTTP/1.1 200 "))
      << "the kubelet comes with the address of the pod";
  EXPECT_THAT(get(status_, "/upstreams"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(get(admin_, "/upstreams"), EndsWith("{\n  \"upstreams\": []\n}\n"));
  EXPECT_THAT(get(admin_, "/upstreams", "GET", "evil.example"), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(get(admin_, "/drain"), HasSubstr("\r\nAllow: POST\r\n"));
}

TEST_F(ServerTest, AnswersHeadWithoutABody) {
  const std::string reply = get(status_, "/metrics", "HEAD");
  EXPECT_THAT(reply, HasSubstr("\r\nContent-Length: 17\r\n"));
  EXPECT_THAT(reply, HasSubstr("text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(reply, EndsWith("\r\n\r\n"));
}

TEST_F(ServerTest, ServesRequestAfterRequestOnOneConnection) {
  const std::string reply = ask(status_,
                                "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
                                "HEAD /livez HTTP/1.1\r\nHost: a\r\n\r\n"
                                "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(reply, HasSubstr("live\n"));
  EXPECT_THAT(reply, EndsWith("fusegate_ready 1\n"));
}

TEST_F(ServerTest, RefusesBadRequests) {
  EXPECT_THAT(ask(status_, "what is this\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask(status_, "GET http://x/livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask(status_, "GET / HTTP/1.1\r\nX: " + std::string(9000, 'x')),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(ask(admin_,
                  "POST /reload HTTP/1.1\r\nHost: localhost\r\n"
                  "Content-Length: 999999\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
}

TEST_F(ServerTest, ClosesWhoIsTooSlow) {
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(ask(status_, "GET /livez HT"), "");
  const auto took = std::chrono::steady_clock::now() - begun;
  EXPECT_GE(took, Server::kRequestTimeout - std::chrono::seconds{1});
  EXPECT_LE(took, Server::kRequestTimeout + std::chrono::seconds{3});
}

TEST_F(ServerTest, ServesAgainAfterManyIdleConnections) {
  std::vector<std::unique_ptr<Client>> idle;
  for (std::size_t i = 0; i < Server::kConnectionsMax + 5; ++i) {
    idle.push_back(std::make_unique<Client>(status_));
  }
  EXPECT_THAT(get(admin_, "/livez"), StartsWith("HTTP/1.1 200 ")) << "the other has its own places";
  idle.clear();
  EXPECT_THAT(get(status_, "/livez"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, ClosesConnectionsWhenItStops) {
  Client client(status_);
  client.send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET ");
  server_->stop();
  EXPECT_THAT(client.read_all(), Not(HasSubstr("nothing more came")));
  EXPECT_FALSE(Client(status_).connected());
  server_->stop();
}

TEST_F(ServerTest, SaysWhichAddressIsTaken) {
  const auto second = Server::start(std::nullopt, config::Address{admin_}, simple_sources());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error(),
              StartsWith("cannot listen on " + admin_ + ": Address already in use"));
}

TEST(Server, RefusesAnAdminAddressThatOthersCanReach) {
  const auto started = Server::start(std::nullopt, config::Address{"0.0.0.0:0"}, simple_sources());
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error(), HasSubstr("0.0.0.0:0 must be a loopback address or unix:/path"));
}

TEST(Server, RunsWithoutListeners) {
  const auto started = Server::start(std::nullopt, std::nullopt, simple_sources());
  ASSERT_TRUE(started);
  EXPECT_TRUE((*started)->addresses().empty());
}

class UnixServerTest : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  std::string path_ = (std::filesystem::temp_directory_path() /
                       ("fusegate-admin-" + std::to_string(::getpid()) + ".sock"))
                          .string();
  config::Address address_{"unix:" + path_};
};

TEST_F(UnixServerTest, ServesAnyHostAndCleansUp) {
  auto started = Server::start(std::nullopt, address_, simple_sources());
  ASSERT_TRUE(started) << started.error();
  EXPECT_EQ((*started)->admin_address(), address_.text);
  EXPECT_THAT(get(address_.text, "/routes", "GET", "anything"), StartsWith("HTTP/1.1 200 "));
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0660u);
  started->reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixServerTest, ReplacesASocketNobodyListensOn) {
  const auto parsed = net::parse_address(address_.text);
  const int left_behind = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(left_behind, parsed->data(), parsed->length), 0);
  ::close(left_behind);
  EXPECT_TRUE(Server::start(std::nullopt, address_, simple_sources()));
}

TEST_F(UnixServerTest, LeavesASocketInUseAlone) {
  const auto first = Server::start(std::nullopt, address_, simple_sources());
  ASSERT_TRUE(first);
  EXPECT_FALSE(Server::start(std::nullopt, address_, simple_sources()));
  EXPECT_THAT(get(address_.text, "/routes"), StartsWith("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace fusegate::admin
