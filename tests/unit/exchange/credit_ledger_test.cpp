#include "actors/exchange/credit_ledger.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace tandem {
namespace {

class credits : public ::testing::Test {
 protected:
  static constexpr credit_ledger::party a = 1;
  static constexpr credit_ledger::party b = 2;

  void use(credit_ledger::party who, int count) {
    for (int i = 0; i < count; ++i) ledger_.begin("e", who);
  }
  void settle() {
    for (int i = 0; i < 20 && !ledger_.divide().empty(); ++i)
      ;
  }
  std::uint32_t of(credit_ledger::party who) { return ledger_.granted("e", who); }

  credit_ledger ledger_;
};

TEST_F(credits, OfAnIdleEngineAreSpreadEvenly) {
  ledger_.add_party(a);
  ledger_.add_party(b);
  ledger_.set_engine("e", 8);
  settle();
  EXPECT_EQ(of(a), of(b));
  EXPECT_GE(of(a), 2u);
  EXPECT_LE(of(a) + of(b) + of(credit_ledger::own), 10u);
}

TEST_F(credits, GoToWhoeverUsesThemUp) {
  ledger_.add_party(a);
  ledger_.add_party(b);
  ledger_.set_engine("e", 8);
  settle();
  for (int i = 0; i < 12; ++i) {
    use(a, 1);
    settle();
  }
  EXPECT_EQ(of(a), 8u);
  EXPECT_EQ(of(b), 1u) << "one can always be had";
  // The other comes: they share.
  for (int i = 0; i < 12; ++i) {
    use(b, 1);
    ledger_.end("e", a);
    settle();
  }
  EXPECT_GE(of(b), 4u);
}

TEST_F(credits, OwnDemandCounts) {
  ledger_.add_party(a);
  ledger_.set_engine("e", 8);
  ledger_.set_own("e", 30);
  use(a, 30);
  settle();
  EXPECT_EQ(of(a), 5u);
  EXPECT_EQ(of(credit_ledger::own), 5u);
}

TEST_F(credits, OfAnEngineThatTakesNothingAreNone) {
  ledger_.add_party(a);
  ledger_.set_engine("e", 4);
  settle();
  ledger_.set_engine("e", 0);
  EXPECT_EQ(ledger_.divide().count(a), 1u);
  EXPECT_EQ(of(a), 0u);
  ledger_.set_engine("e", 4);
  settle();
  EXPECT_GE(of(a), 1u);
}

TEST_F(credits, AreNotMovedWhileNobodyLacksAny) {
  ledger_.add_party(a);
  ledger_.add_party(b);
  ledger_.set_engine("e", 30);
  settle();
  use(a, 2);
  EXPECT_TRUE(ledger_.divide().empty());
  use(b, 3);
  EXPECT_TRUE(ledger_.divide().empty());
}

TEST_F(credits, OfUnknownEnginesAndPartiesAreNone) {
  use(a, 1);
  ledger_.end("e", a);
  ledger_.set_own("e", 3);
  ledger_.remove_engine("e");
  ledger_.remove_party(a);
  ledger_.remove_party(credit_ledger::own);
  EXPECT_EQ(of(a), 0u);
  EXPECT_TRUE(ledger_.divide().empty());
}

TEST_F(credits, OfALostPartyGoToTheOthers) {
  ledger_.add_party(a);
  ledger_.add_party(b);
  ledger_.set_engine("e", 8);
  use(a, 20);
  use(b, 20);
  settle();
  auto before = of(b);
  ledger_.remove_party(a);
  settle();
  EXPECT_GT(of(b), before);
  EXPECT_EQ(of(a), 0u);
}

TEST_F(credits, StayBoundedWhateverHappens) {
  auto seed = std::random_device{}();
  RecordProperty("seed", static_cast<int>(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  std::vector<credit_ledger::party> all{credit_ledger::own};
  std::uint32_t concurrency = 4;
  ledger_.set_engine("e", concurrency);
  for (int step = 0; step < 3'000; ++step) {
    auto who = static_cast<credit_ledger::party>(1 + random() % 12);
    switch (random() % 8) {
      case 0:
        ledger_.add_party(who);
        if (std::find(all.begin(), all.end(), who) == all.end()) all.push_back(who);
        break;
      case 1:
        ledger_.remove_party(who);
        std::erase(all, who);
        break;
      case 2:
        concurrency = random() % 20;
        ledger_.set_engine("e", concurrency);
        break;
      case 3:
        ledger_.set_own("e", random() % 20);
        break;
      case 4:
        ledger_.end("e", who);
        break;
      default:
        ledger_.begin("e", who);
    }
    static_cast<void>(ledger_.divide());
    std::uint32_t sum = 0;
    for (auto each : all) {
      sum += of(each);
      if (concurrency > 0) {
        ASSERT_GE(of(each), 1u);
      }
    }
    auto places = concurrency == 0 ? 0 : concurrency + std::max(concurrency / 4, 1u);
    ASSERT_LE(sum, concurrency == 0 ? 0 : std::max<std::size_t>(places, all.size()));
  }
}

}  // namespace
}  // namespace tandem
