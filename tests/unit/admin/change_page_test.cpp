#include "admin/pages.hpp"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fusegate::admin {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct Word {
  std::size_t upstream;
  policy::Forced how;
  std::optional<Duration> length;
  bool operator==(const Word&) const = default;
};

class ChangePageTest : public testing::Test {
 protected:
  ChangePageTest() {
    sources_.upstreams = [] {
      std::vector<telemetry::UpstreamSnapshot> all(2);
      all[0].name = "orders";
      all[1].name = "a b";
      return all;
    };
    sources_.force_breaker = [this](std::size_t upstream, policy::Forced how,
                                    std::optional<Duration> length) {
      words_.push_back({upstream, how, length});
    };
  }

  Response post(std::string_view target) {
    return admin_page({.method = "POST", .target = target, .host = "localhost:9901"}, sources_);
  }

  Sources sources_;
  std::vector<Word> words_;
};

TEST_F(ChangePageTest, ForcesAndReleases) {
  using policy::Forced;
  struct Case {
    std::string_view target;
    Word word;
  };
  for (const Case& each : {
           Case{"/upstreams/orders/breaker/open", {0, Forced::Open, std::nullopt}},
           Case{"/upstreams/orders/breaker/open?for=5m", {0, Forced::Open, 5min}},
           Case{"/upstreams/orders/breaker/close?for=90s", {0, Forced::Closed, 90s}},
           Case{"/upstreams/a%20b/breaker/close?for=24h", {1, Forced::Closed, 24h}},
           Case{"/upstreams/orders/breaker/auto", {0, Forced::No, std::nullopt}},
       }) {
    words_.clear();
    const Response response = post(each.target);
    EXPECT_EQ(response.status, 200u) << each.target << response.body;
    EXPECT_EQ(response.type, Response::kJson);
    EXPECT_TRUE(boost::json::parse(response.body).at("breaker").is_object());
    ASSERT_EQ(words_.size(), 1U);
    EXPECT_EQ(words_[0], each.word) << each.target;
  }
}

TEST_F(ChangePageTest, RefusesWhatItDoesNotUnderstandAndSaysWhatItDoes) {
  for (const std::string_view query :
       {"?for=", "?for", "?for=5", "?for=m", "?for=5m30s", "?for=-5m", "?for=1.5h", "?for=0s",
        "?for=25h", "?for=99999999999h", "?for=500ms", "?fro=5m", "?for=5m&for=6m", "?",
        "?for=5m&x=1", "?for=5d", "?for= 5m"}) {
    const Response response = post("/upstreams/orders/breaker/open" + std::string(query));
    EXPECT_EQ(response.status, 400u) << query;
    EXPECT_THAT(response.body, HasSubstr("from 1s to 24h, such as 90s, 5m or 2h")) << query;
  }
  EXPECT_EQ(post("/upstreams/orders/breaker/auto?for=5m").status, 400u);
  EXPECT_TRUE(words_.empty());
}

TEST_F(ChangePageTest, NamesWhatThereIs) {
  const Response nobody = post("/upstreams/order/breaker/open");
  EXPECT_EQ(nobody.status, 404u);
  EXPECT_THAT(nobody.body, HasSubstr("orders, a b"));
  const Response word = post("/upstreams/orders/breaker/closed");
  EXPECT_EQ(word.status, 404u);
  EXPECT_THAT(word.body, HasSubstr("open, close or auto"));
  EXPECT_EQ(post("/upstreams/%2/breaker/open").status, 404u);
  EXPECT_EQ(post("/upstreams/orders").status, 405u);
  EXPECT_TRUE(words_.empty());
}

TEST_F(ChangePageTest, IsClosedToForeignPagesAndToReaders) {
  Request request{.method = "POST", .target = "/upstreams/orders/breaker/open"};
  request.host = "evil.example:9901";
  EXPECT_EQ(admin_page(request, sources_).status, 403u);
  request.host = "localhost:9901";
  request.origin = "http://evil.example";
  EXPECT_EQ(admin_page(request, sources_).status, 403u);
  request.origin = "";
  for (const std::string_view method : {"GET", "HEAD", "PUT", "DELETE"}) {
    request.method = method;
    const Response response = admin_page(request, sources_);
    EXPECT_EQ(response.status, 405u) << method;
    EXPECT_EQ(response.allow, "POST") << method;
  }
  EXPECT_TRUE(words_.empty());
}

}  // namespace
}  // namespace fusegate::admin
