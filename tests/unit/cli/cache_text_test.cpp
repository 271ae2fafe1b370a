#include "nodes/cli/cache_text.hpp"

#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodes/cli/style.hpp"
#include "schema/message.hpp"

namespace tandem::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class CacheText : public testing::Test {
 protected:
  CacheText() {
    auto level = report->initLevels(1)[0];
    level.setNode("a");
    level.setLevel(1);
    level.setTier("small");
    auto rows = report->initServed(4);
    set(rows[0], "a", "acme", "qwen", 10, {3, 2, 1});
    set(rows[1], "b", "acme", "qwen", 10, {1, 1, 0});
    set(rows[2], "a", "beta", "qwen", 100, {0, 0, 0});
    set(rows[3], "a", "", "", 7, {1, 0, 0});
  }
  static void set(schema::CacheServed::Builder row, const char* node, const char* tenant,
                  const char* model, std::uint64_t asked, std::array<std::uint64_t, 3> hits) {
    row.setNode(node);
    row.setTier("small");
    row.setTenant(tenant);
    row.setModel(model);
    row.setAsked(asked);
    auto list = row.initHits(3);
    for (unsigned i = 0; i < 3; ++i) list.set(i, hits[i]);
    row.setSavedNanousd(1'000'000'000);
  }
  [[nodiscard]] std::string stats(const cache_filter& filter = {}) {
    return cache_stats_text(report->asReader(), filter, style{});
  }

  /// Its destructor may throw, and a test's may not.
  std::unique_ptr<message_builder<schema::CacheReport>> report_ =
      std::make_unique<message_builder<schema::CacheReport>>();
  message_builder<schema::CacheReport>& report = *report_;
};

TEST_F(CacheText, TenantsAndModelsAreAddedUpOverNodesMostAskedFirst) {
  auto text = stats();
  EXPECT_THAT(text, HasSubstr("small"));
  auto beta = text.find("beta");
  auto acme = text.find("acme");
  ASSERT_NE(acme, text.npos);
  EXPECT_LT(beta, acme);
  EXPECT_THAT(text.substr(acme, text.find('\n', acme) - acme),
              testing::MatchesRegex("acme +qwen +small +20 +4 +3 +1 +40% +\\$2.*"));
  EXPECT_THAT(text, HasSubstr("(all others)"));
}

TEST_F(CacheText, ANamedTenantIsShownAlone) {
  auto text = stats({.tenant = "acme"});
  EXPECT_THAT(text, HasSubstr("acme"));
  EXPECT_THAT(text, Not(HasSubstr("beta")));
  EXPECT_THAT(text, Not(HasSubstr("LEVEL")));
  EXPECT_EQ(stats({.tenant = "nobody"}), "nothing that could be served was asked of these\n");
  EXPECT_EQ(stats({.tenant = "acme", .model = "other"}),
            "nothing that could be served was asked of these\n");
}

TEST_F(CacheText, JsonHasTheSameRows) {
  auto json = cache_stats_json(report->asReader(), {.tenant = "acme"});
  EXPECT_THAT(json, HasSubstr(R"("tenant":"acme","model":"qwen","asked":20,"hits":[4,3,1])"));
  EXPECT_THAT(json, Not(HasSubstr("beta")));
}

TEST_F(CacheText, WarmSaysWhatItDid) {
  EXPECT_THAT(cache_warmed_text(report->asReader()), HasSubstr("no engine"));
  auto warm = report->initWarm(2);
  warm[0].setNode("a");
  warm[0].setBegun(2);
  warm[1].setNode("b");
  warm[1].setKnown(7);
  auto text = cache_warmed_text(report->asReader());
  EXPECT_THAT(text, HasSubstr("being warmed: 2 engines\n"));
  EXPECT_THAT(text, HasSubstr("warm-up of b: 0 prefixes replayed"));
}

TEST_F(CacheText, PurgesAreShownWhereNothingIsNamedAndAFewAlone) {
  auto rules = report->initPurged(8);
  for (unsigned i = 0; i < 8; ++i) rules[i].setTenant("gone" + std::to_string(i));
  auto text = stats();
  EXPECT_THAT(text, HasSubstr("3 earlier purges that still hold"));
  EXPECT_THAT(text, HasSubstr("gone7"));
  EXPECT_THAT(text, Not(HasSubstr("gone2")));
  EXPECT_THAT(stats({.tier = "small"}), Not(HasSubstr("purge")));
}

TEST_F(CacheText, ManyTenantsAreCutUnlessOneIsNamed) {
  auto rows = report->initServed(50);
  for (unsigned i = 0; i < 50; ++i)
    set(rows[i], "a", ("t" + std::to_string(i)).c_str(), "qwen", 1, {});
  EXPECT_THAT(stats(), HasSubstr("30 more; name one with --tenant or --model"));
}

}  // namespace
}  // namespace tandem::cli
