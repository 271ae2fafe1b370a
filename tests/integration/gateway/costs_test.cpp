// /v1/costs of a real node.

#include "tests/integration/gateway/gateway_fixture.hpp"

namespace tandem::test {
namespace {

using ::testing::HasSubstr;

using GatewayCosts = GatewayNode;

TEST_F(GatewayCosts, AreThoseOfTheCallersTenantAndOfAllForAnAdmin) {
  start("require_key = true\n");
  auto mine = web(make_key({"--tenant", "mine"}));
  auto other = web(make_key({"--tenant", "other"}));
  auto admin = web(make_key({"--tenant", "ops", "--admin"}));
  for (const auto* each : {&mine, &mine, &other})
    end_of(*each, submit(*each, R"({"goal":"one","mode":"small"})"));
  auto calls = [](const web_client& of, const std::string& query) {
    auto answer = of.get("/v1/costs" + query);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json_document{answer.body}.number("/total/usage/calls");
  };
  EXPECT_EQ(calls(mine, ""), 2);
  EXPECT_EQ(calls(mine, "?tenant=other&by=tenant"), 2);
  EXPECT_EQ(calls(other, ""), 1);
  EXPECT_EQ(calls(admin, "?by=day,tenant"), 3);
  EXPECT_EQ(calls(admin, "?tenant=other"), 1);
  EXPECT_EQ(calls(admin, "?from=2001-01-01&to=2001-01-02"), 0);
  EXPECT_EQ(web().get("/v1/costs").status, 401);
}

TEST_F(GatewayCosts, RefuseWhatIsNoDayOrKey) {
  start();
  auto wrong = web().get("/v1/costs?from=2026-02-30");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_THAT(wrong.body, HasSubstr("must be a day"));
  EXPECT_THAT(web().get("/v1/costs?by=modle").body, HasSubstr("did you mean model?"));
}

}  // namespace
}  // namespace tandem::test
