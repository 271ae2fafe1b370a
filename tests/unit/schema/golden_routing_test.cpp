// What earlier versions wrote into the router's store must stay readable, field by field.
// TANDEM_WRITE_GOLDENS=1 writes the files that are not there yet.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "schema/errc.hpp"
#include "schema/routing.capnp.h"
#include "schema/text.hpp"
#include "tests/unit/schema/sample.hpp"

namespace tandem::testing {
namespace {

/// The message in the golden file `name`; written first, from a sample, when that is asked for.
template <class T>
message<T> read_golden(const std::string& name) {
  auto path =
      std::filesystem::path{TANDEM_SOURCE_DIR} / "tests/data/golden_records" / (name + ".bin");
  if (std::getenv("TANDEM_WRITE_GOLDENS") != nullptr && !std::filesystem::exists(path)) {
    auto made = sample<T>();
    std::ofstream{path, std::ios::binary}.write(reinterpret_cast<const char*>(made.bytes().data()),
                                                static_cast<std::streamsize>(made.bytes().size()));
  }
  std::ifstream in{path, std::ios::binary};
  EXPECT_TRUE(in.good()) << path << " is missing: TANDEM_WRITE_GOLDENS=1 writes it";
  std::string content{std::istreambuf_iterator<char>{in}, {}};
  auto parsed = message<T>::parse(std::as_bytes(std::span{content.data(), content.size()}));
  if (parsed) return *parsed;
  ADD_FAILURE() << message_of(parsed.error());
  return sample<T>();
}

TEST(golden_routing, ArmStatisticsAreReadFieldByField) {
  auto golden = read_golden<schema::ArmStatistics>("route_statistics");
  auto s = golden.read();
  EXPECT_EQ(s->getOrigin(), 2u);
  EXPECT_EQ(s->getSequence(), 3u);
  EXPECT_EQ(s->getPurpose(), schema::Purpose::WAY);
  EXPECT_EQ(view(s->getModel()), "tëxt 3");
  EXPECT_EQ(view(s->getWeightVersion()), "tëxt 4");
  EXPECT_EQ(s->getFeatureVersion(), 6u);
  EXPECT_EQ(s->getDense(), 7u);
  EXPECT_EQ(s->getAsOfMs(), 8u);
  EXPECT_EQ(s->getWeight(), 9);
  EXPECT_EQ(s->getQualitySum(), 10);
  EXPECT_EQ(s->getSquareSum(), 11);
  ASSERT_EQ(s->getGram().size(), 2u);
  EXPECT_EQ(s->getGram()[1], 12);
  ASSERT_EQ(s->getMoments().size(), 2u);
  EXPECT_EQ(s->getMoments()[1], 14);
  ASSERT_EQ(s->getSparse().size(), 2u);
  EXPECT_EQ(s->getSparse()[1], 16);
  EXPECT_EQ(s->getLinearGain(), 18);
  EXPECT_EQ(s->getLinearPower(), 19);
  EXPECT_EQ(s->getRewards(), 20u);
}

TEST(golden_routing, ASettingIsReadFieldByField) {
  auto golden = read_golden<schema::RouteSetting>("route_setting");
  auto s = golden.read();
  EXPECT_EQ(s->getGeneration(), 2u);
  EXPECT_EQ(s->getAtMs(), 3u);
  EXPECT_EQ(view(s->getPolicy()), "tëxt 3");
  EXPECT_EQ(view(s->getCandidate()), "tëxt 4");
  EXPECT_EQ(s->getShare(), 6);
  EXPECT_EQ(view(s->getBefore()), "tëxt 6");
}

TEST(golden_routing, AChangeIsReadFieldByField) {
  auto golden = read_golden<schema::RouteChange>("route_change");
  auto c = golden.read();
  EXPECT_EQ(c->getAtMs(), 2u);
  EXPECT_EQ(c->getSetting().getGeneration(), 3u);
  EXPECT_EQ(view(c->getSetting().getBefore()), "tëxt 7");
  EXPECT_EQ(c->getAction(), schema::RouteAction::EXPORT);
  EXPECT_EQ(view(c->getWhy()), "tëxt 8");
  EXPECT_EQ(view(c->getBy()), "tëxt 9");
}

TEST(golden_routing, ADecisionIsReadFieldByField) {
  auto golden = read_golden<schema::DecisionRecord>("route_decision");
  auto d = golden.read();
  EXPECT_EQ(d->getId(), 2u);
  EXPECT_EQ(d->getAtMs(), 3u);
  EXPECT_EQ(d->getPurpose(), schema::Purpose::WAY);
  EXPECT_EQ(view(d->getKind()), "tëxt 3");
  EXPECT_EQ(view(d->getTenant()), "tëxt 4");
  EXPECT_EQ(view(d->getPolicy()), "tëxt 5");
  ASSERT_EQ(d->getArms().size(), 2u);
  auto arm = d->getArms()[1];
  EXPECT_EQ(view(arm.getModel()), "tëxt 18");
  EXPECT_EQ(view(arm.getTier()), "tëxt 19");
  EXPECT_EQ(view(arm.getWeightVersion()), "tëxt 20");
  EXPECT_EQ(view(arm.getFilter()), "tëxt 21");
  EXPECT_EQ(arm.getQuality(), 23);
  EXPECT_EQ(arm.getDeviation(), 24);
  EXPECT_EQ(arm.getExploration(), 25);
  EXPECT_EQ(arm.getCost(), 26);
  EXPECT_EQ(arm.getCostNanousd(), 27);
  EXPECT_EQ(arm.getLatencyUs(), 28u);
  EXPECT_EQ(arm.getScore(), 29);
  EXPECT_EQ(arm.getPropensity(), 30);
  EXPECT_EQ(d->getChosen(), 31u);
  EXPECT_EQ(view(d->getEngine()), "tëxt 31");
  EXPECT_EQ(d->getFeatures().getVersion(), 33u);
  ASSERT_EQ(d->getFeatures().getDense().size(), 2u);
  EXPECT_EQ(d->getFeatures().getDense()[1], 34);
  ASSERT_EQ(d->getFeatures().getSparse().size(), 2u);
  EXPECT_EQ(d->getFeatures().getSparse()[1].getIndex(), 38u);
  EXPECT_EQ(d->getFeatures().getSparse()[1].getValue(), 39);
  EXPECT_EQ(d->getCostPrice(), 40);
  EXPECT_EQ(d->getLatencyPrice(), 41);
  ASSERT_EQ(d->getRewards().size(), 2u);
  EXPECT_EQ(d->getRewards()[1].getSource(), schema::RewardSource::JOB);
  EXPECT_EQ(d->getRewards()[1].getQuality(), 44);
  EXPECT_EQ(d->getRewards()[1].getAtMs(), 45u);
  EXPECT_EQ(d->getQuality(), 46);
  EXPECT_EQ(d->getCostNanousd(), 47);
  EXPECT_EQ(d->getLatencyUs(), 48u);
  EXPECT_EQ(d->getTries(), 49u);
  EXPECT_EQ(d->getJob().getJournal(), 50u);
  EXPECT_EQ(d->getJob().getNumber(), 51u);
  EXPECT_EQ(view(d->getTrial()), "tëxt 51");
  ASSERT_EQ(d->getShadow().size(), 2u);
  EXPECT_EQ(d->getShadow()[1], 53);
}

}  // namespace
}  // namespace tandem::testing
