#include "http/head.hpp"

#include <gtest/gtest.h>

namespace fusegate::http {
namespace {

TEST(FieldId, IsFoundWithoutCase) {
  EXPECT_EQ(field_id("Host"), FieldId::Host);
  EXPECT_EQ(field_id("TE"), FieldId::Te);
  EXPECT_EQ(field_id("transfer-ENCODING"), FieldId::TransferEncoding);
  EXPECT_EQ(field_id("X-Envoy-Expected-Rq-Timeout-Ms"), FieldId::ExpectedTimeout);
  EXPECT_EQ(field_id("x-forwarded-for"), FieldId::XForwardedFor);
  EXPECT_EQ(field_id("Http2-Settings"), FieldId::Http2Settings);
}

TEST(FieldId, PutsUnknownNamesIntoTheirGroup) {
  EXPECT_EQ(field_id("X-Forwarded-Port"), FieldId::OtherForwarded);
  EXPECT_EQ(field_id("x-envoy-max-retries"), FieldId::OtherEnvoy);
  EXPECT_EQ(field_id("Fusegate-New"), FieldId::OtherFusegate);
  EXPECT_EQ(field_id("x-envoy-a-name-that-is-longer-than-all-known-names"), FieldId::OtherEnvoy);
  for (const std::string_view name :
       {"", "x", "Hos", "Hostx", "x-forwarded", "x-envoyer", "fusegate", "Accept", "X-Req-Id"}) {
    EXPECT_EQ(field_id(name), FieldId::Other) << name;
  }
}

TEST(FieldId, KnowsLookalikes) {
  for (const std::string_view name : {"Content_Length", "transfer_encoding", "x_forwarded-for",
                                      "fusegate_x", "X_Envoy_Y", "keep_alive"}) {
    EXPECT_EQ(field_id(name), FieldId::Lookalike) << name;
  }
  EXPECT_EQ(field_id("snake_case"), FieldId::Other);
  EXPECT_EQ(field_id("my_host"), FieldId::Other);
}

TEST(FieldList, FindsTheFirstOfEachId) {
  FieldList list(4);
  list.push({"Via", "1", FieldId::Via});
  list.push({"via", "2", FieldId::Via});
  list.push({"X-A", "3", FieldId::Other});
  ASSERT_TRUE(list.has(FieldId::Via));
  EXPECT_EQ(list.find(FieldId::Via)->value, "1");
  EXPECT_EQ(list.find("x-a")->value, "3");
  EXPECT_EQ(list.find(FieldId::Host), nullptr);
  FieldList moved = std::move(list);
  EXPECT_EQ(moved.find(FieldId::Via)->value, "1");
  moved.release();
  EXPECT_EQ(moved.find(FieldId::Via), nullptr);
  EXPECT_TRUE(moved.empty());
}

}  // namespace
}  // namespace fusegate::http
