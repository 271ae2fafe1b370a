#include "nodes/cli/keys_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint64_t shown_at = 1'800'000'000'000;

tmsg::keyrpt two_keys() {
  message_builder<schema::KeyReport> report;
  auto keys = report->initKeys(2);
  auto one = keys[0].initKey();
  one.setId("aaaaaaaaaaaa");
  one.setName("chat \x1b[31mpage");
  one.setTenant("acme");
  one.initModels(1).set(0, "tandem*");
  one.setRequestsPerMin(60);
  one.initBudget().setCostNanousd(20'000'000'000);
  one.setBudgetPeriodMs(std::uint64_t{30} * 24 * 3600 * 1000);
  one.setCreatedAtMs(shown_at - 1000);
  keys[0].setRequests(12);
  keys[0].setLastUsedAtMs(shown_at - 60'000);
  keys[0].initSpent().setTokens(3456);
  auto other = keys[1].initKey();
  other.setId("bbbbbbbbbbbb");
  other.setName("old");
  other.setTenant("acme");
  other.setRevokedAtMs(shown_at - 3'600'000);
  return report.finish();
}

TEST(KeysText, ShowsWhatAKeyAllowsAndWhatItHasUsed) {
  auto pages = std::vector{two_keys()};
  auto text = keys_text(pages, {}, shown_at);
  EXPECT_THAT(text, AllOf(HasSubstr("aaaaaaaaaaaa  chat page  acme"), HasSubstr("holds"),
                          HasSubstr("3,456 tokens"), HasSubstr("$20.0000 each 30d"),
                          HasSubstr("60 req/min"), HasSubstr("tandem*")));
  EXPECT_THAT(text, HasSubstr("revoked 1 h ago"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(KeysText, SaysHowToMakeTheFirstOne) {
  EXPECT_THAT(keys_text({}, {}, shown_at), HasSubstr("tandem keys create"));
}

TEST(KeysText, AsJsonHasStableNamesAndTheSecretOnlyWhereThereIsOne) {
  auto pages = std::vector{two_keys()};
  auto json = keys_json(pages);
  EXPECT_THAT(json, AllOf(HasSubstr(R"("id":"aaaaaaaaaaaa")"), HasSubstr(R"("models":["tandem*"])"),
                          HasSubstr(R"("revoked_at_ms":null)"), HasSubstr(R"("requests":12)"),
                          HasSubstr(R"("budget_period_ms":2592000000)"), Not(HasSubstr("secret"))));
  message_builder<schema::KeyReport> made;
  made->initKeys(1);
  made->setSecret("tdm_x");
  auto page = made.finish();
  EXPECT_THAT(keys_json({&page, 1}), HasSubstr(R"("secret":"tdm_x")"));
  EXPECT_EQ(keys_json({}), R"({"keys":[]})");
}

}  // namespace
}  // namespace tandem::cli
