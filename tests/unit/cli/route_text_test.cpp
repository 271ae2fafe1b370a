#include "nodes/cli/route_text.hpp"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "nodes/cli/command_line.hpp"
#include "nodes/cli/console.hpp"
#include "nodes/cli/decision_json.hpp"
#include "schema/types.hpp"

namespace tandem::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::uint64_t route_now_ms = 1'700'000'000'000;
constexpr double route_infinity = std::numeric_limits<double>::infinity();

void fill_decision(schema::DecisionRecord::Builder out) {
  out.setId(0x7FFF'FFFF'0000'0003);
  out.setAtMs(route_now_ms - 60'000);
  out.setPurpose(schema::Purpose::STEP);
  out.setKind("calc");
  out.setTenant("acme\x1b[31m");
  out.setPolicy("linear_ucb");
  auto arms = out.initArms(3);
  arms[0].setModel("big");
  arms[0].setTier("large");
  arms[0].setQuality(0.9);
  arms[0].setDeviation(0.05);
  arms[0].setCost(1);
  arms[0].setCostNanousd(2'000'000);
  arms[0].setLatencyUs(1'500'000);
  arms[0].setScore(0.7);
  arms[0].setPropensity(0.25);
  arms[1].setModel("tiny");
  arms[1].setTier("small");
  arms[1].setQuality(0.8);
  arms[1].setExploration(0.1);
  arms[1].setCost(0.1);
  arms[1].setScore(0.88);
  arms[1].setPropensity(0.75);
  arms[2].setModel("other");
  arms[2].setFilter("the prompt is longer than its context");
  out.setChosen(1);
  out.setEngine("tiny-0");
  out.setCostPrice(0.2);
  out.setQuality(-1);
  out.setCostNanousd(-1);
}

tmsg::decrec decision_with(
    const std::function<void(schema::DecisionRecord::Builder)>& change = {}) {
  message_builder<schema::DecisionRecord> out;
  fill_decision(*out);
  if (change) change(*out);
  return out.finish();
}

std::string explained(const std::function<void(schema::DecisionRecord::Builder)>& change = {}) {
  return route_explain_text(*decision_with(change).read(), {}, route_now_ms);
}

TEST(RouteExplain, ShowsEachCandidateAndMarksTheChosenOne) {
  auto text = explained();
  EXPECT_THAT(text, StartsWith("decision 9223372032559808515, 1 min ago\n"));
  EXPECT_THAT(text, HasSubstr("call     step of kind calc, tenant acme\n"));
  EXPECT_THAT(text, HasSubstr("why      tiny had the highest score; policy linear_ucb drew it with "
                              "a probability of 75%\n"));
  EXPECT_THAT(text, HasSubstr("0.900 +- 0.050"));
  EXPECT_THAT(text, HasSubstr("$0.002000"));
  EXPECT_THAT(text, HasSubstr("1.50 s"));
  EXPECT_THAT(text, HasSubstr("\nchosen  tiny"));
  EXPECT_THAT(text, HasSubstr("\nout     other"));
  EXPECT_THAT(text, HasSubstr("the prompt is longer than its context\n"));
  EXPECT_THAT(text, HasSubstr("must be better by 0.2000"));
  EXPECT_THAT(text, HasSubstr("no reward has come yet\n"));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("learned  ")),
                          Not(HasSubstr("paid  ")), Not(HasSubstr("\njob  "))));
}

TEST(RouteExplain, SaysWhenAWorseOneWasDrawnToLearn) {
  auto text = explained([](auto out) { out.setChosen(0); });
  EXPECT_THAT(text,
              HasSubstr("policy linear_ucb drew big with a probability of 25% though tiny had "
                        "the higher score"));
}

TEST(RouteExplain, SaysWhenThereWasNoChoice) {
  auto text = explained([](auto out) {
    out.getArms()[0].setFilter("no engine");
    out.setQuality(0.5);
    out.setCostNanousd(1'000);
    out.setLatencyUs(20'000);
    auto reward = out.initRewards(1)[0];
    reward.setSource(schema::RewardSource::USER);
    reward.setQuality(0.5);
    reward.setAtMs(route_now_ms - 5'000);
    out.initJob().setJournal(1);
    out.getJob().setNumber(42);
  });
  EXPECT_THAT(text, HasSubstr("tiny was the only one that could take it"));
  EXPECT_THAT(text, HasSubstr("learned  quality 0.500\n"));
  EXPECT_THAT(text, HasSubstr("paid     $0.000001 in 20 ms\n"));
  EXPECT_THAT(text, HasSubstr("user"));
  EXPECT_THAT(text, HasSubstr("5 s ago"));
  EXPECT_THAT(text, HasSubstr("-42\n"));
}

TEST(RouteExplain, BearsAnythingThatANodeMaySay) {
  auto text = explained([](auto out) {
    out.setChosen(77);
    out.setCostPrice(route_infinity);
    out.getArms()[0].setQuality(std::numeric_limits<double>::quiet_NaN());
    out.getArms()[0].setScore(-1e300);
    out.getArms()[0].setLatencyUs(~std::uint64_t{0});
  });
  EXPECT_THAT(text, HasSubstr("what was chosen is not among its candidates"));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("inf")), Not(HasSubstr(" nan"))));
  EXPECT_FALSE(route_explain_text(schema::DecisionRecord::Reader{}, {}, 0).empty());
}

TEST(DecisionJson, HasStableNamesAndNumbersThatReadBackTheSame) {
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  constexpr double odd = 0.1 + 0.2;
  auto message = decision_with([](auto out) {
    out.getArms()[0].setPropensity(odd);
    auto features = out.initFeatures();
    features.setVersion(3);
    features.initDense(2).set(0, 0.1f);
    features.initSparse(1)[0].setIndex(4'095);
    features.getSparse()[0].setValue(-2);
    out.setQuality(1e-17);
    auto reward = out.initRewards(1)[0];
    reward.setSource(schema::RewardSource::VERIFICATION);
    reward.setQuality(1);
  });
  auto text = write_decision_json(*message.read());
  ASSERT_EQ(parser.parse(text).get(json), simdjson::SUCCESS) << text;
  EXPECT_EQ(std::int64_t{json["v"]}, 1);
  EXPECT_EQ(std::string_view{json["id"]}, "9223372032559808515");
  EXPECT_EQ(std::string_view{json["purpose"]}, "step");
  EXPECT_EQ(double{json["arms"].at(0)["propensity"]}, odd);
  EXPECT_EQ(json["arms"].at(0)["filter"].error(), simdjson::NO_SUCH_FIELD);
  EXPECT_EQ(std::string_view{json["arms"].at(2)["filter"]},
            "the prompt is longer than its context");
  EXPECT_EQ(static_cast<float>(double{json["features"]["dense"].at(0)}), 0.1f);
  EXPECT_EQ(std::uint64_t{json["features"]["sparse"].at(0).at(0)}, 4'095u);
  EXPECT_EQ(double{json["features"]["sparse"].at(0).at(1)}, -2);
  EXPECT_EQ(double{json["quality"]}, 1e-17);
  EXPECT_EQ(json["cost_nanousd"].error(), simdjson::NO_SUCH_FIELD);
  EXPECT_EQ(json["shadow"].error(), simdjson::NO_SUCH_FIELD);
  EXPECT_EQ(std::string_view{json["rewards"].at(0)["source"]}, "verification");
  EXPECT_EQ(std::string_view{json["job"]}, "");
  EXPECT_THAT(text, AllOf(Not(HasSubstr("\n")), Not(HasSubstr("\x1b"))));
  ASSERT_EQ(parser.parse(route_explain_json(*message.read())).get(json), simdjson::SUCCESS);
  EXPECT_THAT(std::string{std::string_view{json["why"]}}, HasSubstr("tiny"));
  EXPECT_EQ(std::uint64_t{json["decision"]["chosen"]}, 1u);
}

tmsg::rtrep make_route_report() {
  message_builder<schema::RouteReport> out;
  auto setting = out->initSetting();
  setting.setGeneration(4);
  setting.setAtMs(route_now_ms - 3'600'000);
  setting.setPolicy("auto");
  setting.setCandidate("linear_ucb");
  setting.setShare(0.1);
  setting.setBefore("cheapest");
  auto trial = out->initTrial();
  trial.setCandidate("linear_ucb");
  trial.setShare(0.1);
  trial.setDecisions(1'200);
  trial.setDifference(0.012);
  trial.setLow(-0.001);
  trial.setHigh(0.025);
  auto arms = out->initArms(2);
  arms[0].setPurpose(schema::Purpose::STEP);
  arms[0].setModel("tiny\x1b]0;evil\x07");
  arms[0].setWeightVersion("v2");
  arms[0].setDecisions(1'000);
  arms[0].setRewards(900);
  arms[0].setWeight(750.5);
  arms[0].setQuality(0.82);
  arms[0].setDeviation(0.01);
  arms[0].setOrigins(2);
  arms[0].setTrust(0.5);
  arms[0].setDrift("its quality fell by 0.2");
  arms[1].setPurpose(schema::Purpose::WAY);
  arms[1].setModel("plan_act");
  auto tenant = out->initTenants(1)[0];
  tenant.setTenant("acme");
  tenant.setTargetNanousd(1'000'000);
  tenant.setSpentNanousd(1'100'000);
  tenant.setPerHour(true);
  tenant.setPrice(0.25);
  out->initRewards().setLearned(900);
  out->getRewards().setAgain(3);
  out->initNotes(1).set(0, "the judge says 1 whatever it reads");
  out->initSetAside(1).set(0, "decision 7 is damaged");
  auto change = out->initChanges(1)[0];
  change.setAtMs(route_now_ms - 3'600'000);
  change.setAction(schema::RouteAction::TRY);
  change.setBy("client");
  change.setWhy("to see");
  change.initSetting().setPolicy("auto");
  auto nodes = out->initNodes(2);
  nodes[0].setOrigin(1);
  nodes[0].setNode("alpha");
  nodes[0].setOwn(true);
  nodes[0].setAsOfMs(route_now_ms);
  nodes[1].setOrigin(2);
  nodes[1].setNode("beta");
  nodes[1].setAsOfMs(route_now_ms - 2'000);
  return out.finish();
}

TEST(RouteStatus, TellsAllThatAPersonShouldKnow) {
  auto text = route_status_text(*make_route_report().read(), {}, route_now_ms);
  EXPECT_THAT(text,
              StartsWith("policy   auto, since 1 h ago\nbefore   cheapest\n"
                         "trial    linear_ucb on 10% of decisions; +0.0120 a decision against "
                         "the acting one, between -0.0010 and +0.0250, from 1,200 decisions\n"
                         "rewards  900 learned, 3 came twice\n"));
  EXPECT_THAT(text, HasSubstr("note: the judge says 1 whatever it reads\n"));
  EXPECT_THAT(text, HasSubstr("set aside: decision 7 is damaged\n"));
  EXPECT_THAT(text, HasSubstr("\nstep     tiny "));
  EXPECT_THAT(text, HasSubstr("0.820 +- 0.010   750.5    50%      1,000      900"));
  EXPECT_THAT(text, HasSubstr("its quality fell by 0.2\n"));
  EXPECT_THAT(text, HasSubstr("\nway      plan_act"));
  EXPECT_THAT(text, HasSubstr("acme    $0.001000  $0.001100  hour         0.2500\n"));
  EXPECT_THAT(text, HasSubstr("alpha (this node)"));
  EXPECT_THAT(text, HasSubstr("1 h ago  try     client  auto  to see\n"));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("evil"))));
}

TEST(RouteStatus, OfANewNodeIsShort) {
  message_builder<schema::RouteReport> out;
  out->initSetting().setPolicy("cheapest");
  EXPECT_EQ(route_status_text(out->asReader(), {}, route_now_ms),
            "policy   cheapest\nrewards  0 learned\n");
}

TEST(RouteStatus, IsJsonWithStableNames) {
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  auto text = route_status_json(*make_route_report().read());
  ASSERT_EQ(parser.parse(text).get(json), simdjson::SUCCESS) << text;
  EXPECT_EQ(std::string_view{json["setting"]["policy"]}, "auto");
  EXPECT_EQ(double{json["trial"]["low"]}, -0.001);
  EXPECT_EQ(double{json["arms"].at(0)["quality"]}, 0.82);
  EXPECT_TRUE(json["arms"].at(1)["quality"].is_null());
  EXPECT_EQ(std::string_view{json["tenants"].at(0)["per"]}, "hour");
  EXPECT_EQ(std::uint64_t{json["rewards"]["again"]}, 3u);
  EXPECT_EQ(std::string_view{json["set_aside"].at(0)}, "decision 7 is damaged");
  EXPECT_EQ(std::string_view{json["changes"].at(0)["action"]}, "try");
  EXPECT_TRUE(json["changes"].at(0)["setting"]["candidate"].is_null());
  EXPECT_TRUE(bool{json["nodes"].at(0)["own"]});
}

TEST(RouteSetting, IsOneLine) {
  message_builder<schema::RouteSetting> setting;
  setting->setPolicy("cheapest");
  EXPECT_EQ(route_setting_text(setting->asReader()), "cheapest");
  setting->setCandidate("auto");
  EXPECT_EQ(route_setting_text(setting->asReader()), "cheapest, trying auto in shadow");
}

/// What the program says to such words, before it looks for a node.
std::string route_problem(std::vector<const char*> words, exit_code expected = exit_code::usage) {
  words.insert(words.begin(), "route");
  auto parsed = parse_command_line(words);
  if (!parsed) return "not parsed";
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  console io{[](const char*) { return std::string{}; }, ends[1], ends[1]};
  EXPECT_EQ(parsed->command->run(*parsed, io), expected);
  ::close(ends[1]);
  std::string text(4096, '\0');
  auto size = ::read(ends[0], text.data(), text.size());
  ::close(ends[0]);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return text;
}

TEST(RouteCommand, NamesWhatIsWrongWithItsWords) {
  EXPECT_THAT(route_problem({"statsu"}), HasSubstr("did you mean status?"));
  EXPECT_THAT(route_problem({"explain"}), HasSubstr("route explain needs the id of a decision"));
  EXPECT_THAT(route_problem({"explain", "k3f-1"}),
              HasSubstr("'k3f-1' is not the id of a decision"));
  EXPECT_THAT(route_problem({"explain", "18446744073709551616"}),
              HasSubstr("is not the id of a decision"));
  EXPECT_THAT(route_problem({"explain", "0"}), HasSubstr("is not the id of a decision"));
  EXPECT_THAT(route_problem({"try"}), HasSubstr("route try needs a policy"));
  EXPECT_THAT(route_problem({"status", "x"}), HasSubstr("route status takes no argument"));
  EXPECT_THAT(route_problem({"status", "--limit", "3"}),
              HasSubstr("--limit is not for route status"));
  EXPECT_THAT(route_problem({"try", "auto", "--share", "2"}), HasSubstr("a number from 0 to 0.5"));
  EXPECT_THAT(route_problem({"export", "--limit", "0"}), HasSubstr("--limit is '0'"));
  EXPECT_THAT(route_problem({"export", "--after", "-3"}), HasSubstr("--after is '-3'"));
}

}  // namespace
}  // namespace tandem::cli
