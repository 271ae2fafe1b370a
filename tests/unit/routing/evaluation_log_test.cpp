#include <gtest/gtest.h>

#include <string>

#include "actors/router/evaluation/decision_log.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

const std::string good =
    R"({"v":1,"id":"18446744073709551615","at_ms":1789000000000,"purpose":"step","kind":"extract",)"
    R"("tenant":"acme","policy":"auto","arms":[)"
    R"({"model":"mini","tier":"small","cost":0.01,"cost_nanousd":240,"latency_us":90000,)"
    R"("quality":0.71,"deviation":0.1,"propensity":0.9},)"
    R"({"model":"gone","tier":"small","filter":"no healthy engine"},)"
    R"({"model":"big","tier":"large","cost":1,"cost_nanousd":24000,"latency_us":900000,)"
    R"("quality":0.9,"deviation":0.05,"propensity":0.1}],"chosen":2,"tries":1,)"
    R"("features":{"version":1,"dense":[1,-0.5],"sparse":[[4095,0.5]]},"cost_price":0.2,)"
    R"("latency_price":0,"quality":1,"cost_nanousd":25100,"later":{"field":[1]}})";

std::string with(std::string_view before, std::string_view after) {
  auto text = good;
  auto at = text.find(before);
  EXPECT_NE(at, std::string::npos) << before;
  return text.replace(at, before.size(), after);
}

/// What the reader says of the line; empty: it took it.
std::string complaint(std::string_view line) {
  decision_log_reader reader{"log.jsonl"};
  EXPECT_FALSE(reader.add(good));
  auto err = reader.add(line);
  if (!err) return {};
  EXPECT_EQ(code_of(err), errc::invalid_argument);
  EXPECT_EQ(reader.take().size(), 1u);
  auto text = message_of(err);
  EXPECT_NE(text.find("log.jsonl, line 2: "), std::string::npos) << text;
  return text;
}

TEST(decision_log, ReadsADecision) {
  decision_log_reader reader{"log"};
  ASSERT_FALSE(reader.add(good));
  ASSERT_FALSE(reader.add("  \r"));
  auto read = reader.take();
  ASSERT_EQ(read.size(), 1u);
  const auto& d = read[0];
  EXPECT_EQ(d.id, 18446744073709551615u);
  EXPECT_EQ(d.purpose, schema::Purpose::STEP);
  EXPECT_EQ(d.kind, "extract");
  EXPECT_EQ(d.tenant, "acme");
  EXPECT_EQ(d.tries, 1u);
  EXPECT_EQ(d.dense, (std::vector<float>{1, -0.5}));
  ASSERT_EQ(d.sparse.size(), 1u);
  EXPECT_EQ(d.sparse[0].index, 4095);
  EXPECT_EQ(d.quality, 1);
  EXPECT_EQ(d.cost_nanousd, 25'100);
  EXPECT_EQ(d.cost_price, 0.2);
}

TEST(decision_log, DropsArmsThatWereFilteredOutAndCountsWithoutThem) {
  decision_log_reader reader{"log"};
  ASSERT_FALSE(reader.add(good));
  auto read = reader.take();
  ASSERT_EQ(read[0].arms.size(), 2u);
  EXPECT_EQ(read[0].chosen, 1u);
  EXPECT_EQ(read[0].arms[1].model, "big");
  EXPECT_EQ(read[0].arms[0].latency_us, 90'000u);
}

TEST(decision_log, AMissingRewardIsNotZero) {
  for (auto without :
       {with(R"("quality":1,)", ""), with(R"("quality":1,)", R"("quality":null,)")}) {
    decision_log_reader reader{"log"};
    ASSERT_FALSE(reader.add(without));
    EXPECT_FALSE(reader.take()[0].quality.has_value());
  }
}

TEST(decision_log, ADecisionThatComesTwiceCountsOnceAsItCameLast) {
  decision_log_reader reader{"log"};
  ASSERT_FALSE(reader.add(with(R"("quality":1,)", "")));
  ASSERT_FALSE(reader.add(good));
  EXPECT_EQ(reader.repeated(), 1u);
  auto read = reader.take();
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].quality, 1);
}

TEST(decision_log, ALaterVersionIsRefusedByName) {
  auto text = complaint(with(R"("v":1)", R"("v":2)"));
  EXPECT_NE(text.find("version 2"), std::string::npos) << text;
  EXPECT_NE(text.find("newer"), std::string::npos) << text;
}

TEST(decision_log, SaysWhichLineWhichFieldAndWhatItTakes) {
  const std::pair<std::string, std::string> broken[] = {
      {"{", "no JSON object"},
      {"[1]", "no JSON object"},
      {"\xff\xfe", "no JSON object"},
      {std::string(2'000, '[') + std::string(2'000, ']'), "no JSON object"},
      {std::string(2 << 20, 'x'), "longer than"},
      {with(R"("v":1,)", ""), "\"v\" is missing"},
      {with(R"("id":"18446744073709551615",)", ""), "\"id\" is missing"},
      {with("18446744073709551615", "18446744073709551616"), "\"id\""},
      {with("18446744073709551615", "7x"), "\"id\""},
      {with(R"("purpose":"step")", R"("purpose":"guess")"), "\"purpose\""},
      {with(R"("chosen":2)", R"("chosen":1)"), "\"chosen\""},
      {with(R"("chosen":2)", R"("chosen":3)"), "\"chosen\""},
      {with(R"("chosen":2)", R"("chosen":-1)"), "\"chosen\""},
      {with(R"("propensity":0.1)", R"("propensity":0.2)"), "sum to 1"},
      {with(R"("propensity":0.1)", R"("propensity":0)"), "propensity of 0"},
      {with(R"("propensity":0.1)", R"("propensity":-0.1)"), "\"propensity\""},
      {with(R"("propensity":0.1)", R"("propensity":1e999)"), "no JSON object"},
      {with(R"(,"propensity":0.1)", ""), "\"propensity\" is missing"},
      {with(R"("model":"big",)", ""), "\"model\" is missing"},
      {with(R"("model":"big")", R"("model":")" + std::string(600, 'b') + '"'), "\"model\""},
      {with(R"("cost":1,)", R"("cost":-1,)"), "\"cost\""},
      {with(R"("quality":1,)", R"("quality":1.5,)"), "\"quality\""},
      {with(R"("quality":1,)", R"("quality":"yes",)"), "\"quality\""},
      {with(R"("dense":[1,-0.5])", R"("dense":[1,"a"])"), "\"dense\""},
      {with(R"("dense":[1,-0.5])", R"("dense":[1,1e300])"), "\"dense\""},
      {with(R"([4095,0.5])", R"([4096,0.5])"), "\"sparse\""},
      {with(R"([4095,0.5])", R"([1])"), "\"sparse\""},
      {with(R"("features":{)", R"("features":[],"other":{)"), "\"features\""},
      {with(R"("cost_price":0.2)", R"("cost_price":-0.2)"), "\"cost_price\""},
  };
  for (const auto& [line, word] : broken) {
    auto text = complaint(line);
    EXPECT_NE(text.find(word), std::string::npos) << line.substr(0, 200) << "\nsays: " << text;
  }
}

TEST(decision_log, HoldsABoundedNumberOfArmsAndFeatures) {
  std::string arms = R"({"model":"a","propensity":0})";
  for (std::size_t i = 0; i < decision_log_reader::arms_max; ++i)
    arms += R"(,{"model":"a","propensity":0})";
  EXPECT_NE(complaint(R"({"v":1,"id":1,"purpose":"step","arms":[)" + arms + R"(],"chosen":0})")
                .find("\"arms\""),
            std::string::npos);
  std::string dense = "1";
  for (std::size_t i = 0; i < dense_features_max; ++i) dense += ",1";
  EXPECT_NE(complaint(with("[1,-0.5]", "[" + dense + "]")).find("\"dense\""), std::string::npos);
}

TEST(decision_log, EveryPurposeHasANameAndComesBack) {
  for (auto purpose : {schema::Purpose::PLAN, schema::Purpose::STEP, schema::Purpose::COMPOSE,
                       schema::Purpose::VERIFY, schema::Purpose::ANSWER, schema::Purpose::WAY})
    EXPECT_EQ(purpose_named(purpose_name(purpose)), purpose);
  EXPECT_FALSE(purpose_named("plans"));
}

}  // namespace
}  // namespace tandem
