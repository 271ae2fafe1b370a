#include "actors/router/route_table.hpp"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "actors/budget.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

struct engine_status {
  std::string name;
  std::string model = "mini";
  std::string weight_version = "v1";
  schema::Health health = schema::Health::HEALTHY;
  std::uint32_t concurrency = 1;
  std::uint32_t context_tokens = 0;
  bool passes_on = false;
};

struct call {
  std::string tier;
  std::uint32_t prompt_bytes = 100;
  std::uint32_t max_tokens = 10;
  std::vector<std::string> excluded;
  std::vector<std::pair<std::string, std::string>> pins;
  schema::Purpose purpose = schema::Purpose::STEP;
  std::vector<std::string> excluded_models;
  std::vector<std::string> avoided;
  budget allowance;
  std::string text;
  std::string session;
  bool mix_weights = false;
  std::string model;
  bool passed_on = false;
};

class route_table_test : public ::testing::Test {
 protected:
  route_table_test() { start("cheapest"); }

  void start(const std::string& policy) {
    router_config config;
    config.policy = policy;
    config.weights_patience = weights_patience_;
    std::vector<model_config> models(4);
    models[0] = {.name = "mini", .tier = "small", .input_price = 0.1, .output_price = 0.4};
    models[1] = {.name = "big", .tier = "large", .input_price = 3, .output_price = 15};
    models[2] = {.name = "huge", .tier = "large", .input_price = 10, .output_price = 50};
    models[3] = {.name = "vectors", .tier = "small", .embeds = true};
    auto chooser = model_chooser::make(config, 1, 1'000);
    ASSERT_TRUE(chooser) << message_of(chooser.error());
    table_ = std::make_unique<route_table>(config, models, std::move(*chooser),
                                           engine_picker::seeds{.draws = 1});
  }

  void update(const engine_status& s, route_table::place where = route_table::place::local,
              std::uint32_t limit = 0) {
    message_builder<schema::EngineStatus> status;
    status->setName(s.name);
    status->setModel(s.model);
    status->setWeightVersion(s.weight_version);
    status->setHealth(s.health);
    status->setConcurrency(s.concurrency);
    status->setLimit(limit);
    status->setContextTokens(s.context_tokens);
    status->setPassesOn(s.passes_on);
    table_->update(status.finish(), where);
  }

  caf::expected<route_table::routed> route(const call& c = {}) {
    message_builder<schema::RouteQuery> query;
    query->setPurpose(c.purpose);
    query->setTier(c.tier);
    query->setPromptBytes(c.prompt_bytes);
    query->setMaxTokens(c.max_tokens);
    auto excluded = query->initExcludedEngines(static_cast<unsigned>(c.excluded.size()));
    for (unsigned i = 0; i < excluded.size(); ++i) excluded.set(i, c.excluded[i]);
    auto pins = query->initPinnedVersions(static_cast<unsigned>(c.pins.size()));
    for (unsigned i = 0; i < pins.size(); ++i) {
      pins[i].setModel(c.pins[i].first);
      pins[i].setWeightVersion(c.pins[i].second);
    }
    auto models = query->initExcludedModels(static_cast<unsigned>(c.excluded_models.size()));
    for (unsigned i = 0; i < models.size(); ++i) models.set(i, c.excluded_models[i]);
    auto avoided = query->initAvoidedEngines(static_cast<unsigned>(c.avoided.size()));
    for (unsigned i = 0; i < avoided.size(); ++i) avoided.set(i, c.avoided[i]);
    query->initAllowance().setTokens(c.allowance.tokens);
    query->getAllowance().setCostNanousd(c.allowance.cost_nanousd);
    query->setSession(c.session);
    query->setMixWeights(c.mix_weights);
    query->setModel(c.model);
    query->setPassedOn(c.passed_on);
    auto finished = query.finish();
    message_builder<schema::Attempt> attempt;
    attempt->setPurpose(c.purpose);
    attempt->initMessages(1)[0].setContent(c.text);
    auto routed = attempt.finish();
    return table_->route(*finished.read(), *routed.read(), now_ms_);
  }

  std::string engine_for(const call& c = {}) {
    auto routed = route(c);
    EXPECT_TRUE(routed) << (routed ? "" : message_of(routed.error()));
    return routed ? routed->engine : std::string{};
  }

  errc refusal_of(const call& c = {}) {
    auto routed = route(c);
    if (routed) return errc::unknown;
    why_ = message_of(routed.error());
    return code_of(routed.error());
  }

  void settle(const std::string& engine,
              schema::RewardSource source = schema::RewardSource::OUTCOME) {
    message_builder<schema::Reward> reward;
    reward->setEngine(engine);
    reward->setSource(source);
    auto finished = reward.finish();
    static_cast<void>(table_->settle(*finished.read(), 1'000'000));
  }

  /// Sends it, and an hour later it has been answered. Returns where.
  std::string call_done(const call& c, std::uint64_t first_token_us = 100'000,
                        std::uint64_t cached_tokens = 0) {
    auto routed = route(c);
    EXPECT_TRUE(routed);
    message_builder<schema::Reward> reward;
    reward->setSource(schema::RewardSource::OUTCOME);
    reward->setEngine(routed->engine);
    reward->setDecision(routed->decision.read()->getId());
    reward->setPromptTokens(c.prompt_bytes / 4);
    reward->setCachedPromptTokens(cached_tokens);
    reward->setFirstTokenUs(first_token_us);
    reward->setLatencyUs(first_token_us + 50'000);
    reward->setCompletionTokens(10);
    auto finished = reward.finish();
    now_ms_ += 3'600'000;
    static_cast<void>(table_->settle(*finished.read(), now_ms_));
    return routed->engine;
  }

  std::uint64_t now_ms_ = 1'000'000;
  std::chrono::milliseconds weights_patience_{0};

  std::unique_ptr<route_table> table_;
  std::string why_;
};

TEST_F(route_table_test, AnEngineHasThePlacesThatItsMeasuredLimitLeaves) {
  update({.name = "mini-1", .model = "mini", .concurrency = 8});
  EXPECT_EQ(table_->load_of("mini-1").concurrency, 8u);
  update({.name = "mini-1", .model = "mini", .concurrency = 8}, route_table::place::local, 3);
  EXPECT_EQ(table_->load_of("mini-1").concurrency, 3u);
}

TEST_F(route_table_test, TakesTheLeastLoadedEngine) {
  update({.name = "a", .concurrency = 1});
  update({.name = "b", .concurrency = 3});
  std::map<std::string, int> taken;
  for (int i = 0; i < 8; ++i) ++taken[engine_for()];
  // By load per place, not by count.
  EXPECT_EQ(taken["a"], 2);
  EXPECT_EQ(taken["b"], 6);
  EXPECT_EQ(table_->in_flight(), 8u);
}

TEST_F(route_table_test, SettledCallsMakeRoom) {
  update({.name = "a"});
  update({.name = "b"});
  auto first = engine_for();
  EXPECT_NE(engine_for(), first);
  settle("b");
  EXPECT_EQ(table_->in_flight(), 1u);
  EXPECT_EQ(engine_for(), "b");
  // Judgements that come later free nothing, and nothing goes below zero.
  settle("a", schema::RewardSource::USER);
  EXPECT_EQ(table_->in_flight(), 2u);
  for (int i = 0; i < 5; ++i) settle("a");
  settle("nobody");
  EXPECT_EQ(table_->in_flight(), 1u);
}

TEST_F(route_table_test, EnginesThatFailedItAreTakenLast) {
  update({.name = "a"});
  update({.name = "b"});
  EXPECT_EQ(engine_for({.excluded = {"a"}}), "b");
  EXPECT_EQ(engine_for({.excluded = {"a"}}), "b") << "even when it is busier";
  EXPECT_EQ(engine_for({.excluded = {"b", "a"}}), "a") << "all failed it: the least loaded";
  EXPECT_EQ(engine_for({.excluded = {"c"}}), "a");
}

TEST_F(route_table_test, OnlyHealthyEnginesAreTaken) {
  for (auto health : {schema::Health::UNKNOWN, schema::Health::STARTING, schema::Health::UNHEALTHY,
                      schema::Health::DRAINING}) {
    update({.name = "a", .health = health});
    EXPECT_EQ(refusal_of(), errc::unavailable);
    EXPECT_NE(why_.find("mini: no healthy engine"), std::string::npos) << why_;
  }
  update({.name = "a"});
  EXPECT_EQ(engine_for(), "a");
}

TEST_F(route_table_test, NoEngineAtAllIsUnavailable) {
  EXPECT_EQ(refusal_of(), errc::unavailable);
  update({.name = "x", .model = "a model nobody configured"});
  EXPECT_EQ(refusal_of(), errc::unavailable);
}

TEST_F(route_table_test, RemovedEnginesAreGoneWithWhatTheyHadInFlight) {
  update({.name = "a"});
  EXPECT_EQ(engine_for(), "a");
  update({.name = "b"});
  table_->remove("a");
  EXPECT_EQ(table_->in_flight(), 0u);
  EXPECT_EQ(engine_for(), "b");
  table_->remove("b");
  table_->remove("b");
  EXPECT_EQ(refusal_of(), errc::unavailable);
}

TEST_F(route_table_test, AnUnknownTierIsTheCallersFault) {
  update({.name = "a"});
  EXPECT_EQ(refusal_of({.tier = "medium"}), errc::invalid_argument);
  EXPECT_NE(why_.find("medium"), std::string::npos);
}

TEST_F(route_table_test, TheTierFiltersModels) {
  update({.name = "a"});
  update({.name = "l", .model = "big"});
  EXPECT_EQ(engine_for(), "a");
  EXPECT_EQ(engine_for({.tier = "large"}), "l");
  EXPECT_EQ(engine_for({.purpose = schema::Purpose::PLAN}), "l");
  table_->remove("l");
  EXPECT_EQ(refusal_of({.tier = "large"}), errc::unavailable);
}

TEST_F(route_table_test, PromptsBeyondEveryContextAreTheCallersFault) {
  update({.name = "a", .context_tokens = 100});
  EXPECT_EQ(engine_for({.prompt_bytes = 400}), "a");
  EXPECT_EQ(refusal_of({.prompt_bytes = 401, .pins = {{"big", "x"}, {"huge", "x"}}}),
            errc::unavailable)
      << "the large models have no engine now, but might take it";
  update({.name = "l", .model = "big", .context_tokens = 100});
  update({.name = "h", .model = "huge", .context_tokens = 100});
  EXPECT_EQ(refusal_of({.prompt_bytes = 401}), errc::invalid_argument);
  EXPECT_NE(why_.find("context"), std::string::npos);
  update({.name = "h", .model = "huge", .context_tokens = 101});
  EXPECT_EQ(engine_for({.prompt_bytes = 401}), "h");
}

TEST_F(route_table_test, PinsChooseTheWeightVersion) {
  update({.name = "a", .weight_version = "v1"});
  update({.name = "b", .weight_version = "v2"});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(engine_for({.pins = {{"mini", "v2"}}}), "b");
  EXPECT_EQ(engine_for({.pins = {{"big", "v9"}}}), "a") << "another model's pin";
  EXPECT_EQ(refusal_of({.tier = "small", .pins = {{"mini", "v3"}}}), errc::weights_changed);
  EXPECT_EQ(why_,
            "no engine serves mini at weights 'v3' any more, which the job began with; submit it "
            "with --weights mix to let it go on, or again");
}

TEST_F(route_table_test, AVersionIsServedAsLongAsAnyEngineHasItHoweverIll) {
  const call pinned{.tier = "small", .pins = {{"mini", "v1"}}};
  update({.name = "a", .weight_version = "v2"});
  for (auto health : {schema::Health::UNHEALTHY, schema::Health::BUSY, schema::Health::DRAINING,
                      schema::Health::UPDATING}) {
    update({.name = "b", .weight_version = "v1", .health = health});
    EXPECT_EQ(refusal_of(pinned), errc::unavailable) << static_cast<int>(health);
  }
  update({.name = "b", .weight_version = "v2"});
  EXPECT_EQ(refusal_of(pinned), errc::weights_changed);
  update({.name = "far", .weight_version = "v1"}, route_table::place::remote);
  EXPECT_EQ(engine_for(pinned), "far") << "an engine of another node is one like any other";
  table_->remove("far");
  EXPECT_EQ(refusal_of(pinned), errc::weights_changed);
  update({.name = "b", .weight_version = ""});
  EXPECT_EQ(refusal_of(pinned), errc::unavailable) << "it has not said yet what it serves";
}

TEST_F(route_table_test, AModelWithoutEnginesMayYetComeWithItsWeights) {
  EXPECT_EQ(refusal_of({.tier = "small", .pins = {{"mini", "v1"}}}), errc::unavailable);
}

TEST_F(route_table_test, AJobThatMixesTakesWhatThereIsOnceItsWeightsAreGone) {
  const call mixing{.tier = "small", .pins = {{"mini", "v1"}}, .mix_weights = true};
  update({.name = "a", .weight_version = "v2", .concurrency = 8});
  EXPECT_EQ(engine_for(mixing), "a");
  update({.name = "b", .weight_version = "v1", .health = schema::Health::UNHEALTHY});
  EXPECT_EQ(refusal_of(mixing), errc::unavailable) << "they are not gone";
  update({.name = "b", .weight_version = "v1"});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(engine_for(mixing), "b");
}

TEST_F(route_table_test, AnotherModelWillDoWhereThePinnedWeightsAreGone) {
  update({.name = "a", .weight_version = "v2"});
  update({.name = "b", .model = "big", .weight_version = "v9"});
  update({.name = "h", .model = "huge", .health = schema::Health::UNHEALTHY});
  EXPECT_EQ(engine_for({.pins = {{"mini", "v1"}}}), "b");
  EXPECT_EQ(refusal_of({.pins = {{"mini", "v1"}, {"big", "v1"}}}), errc::unavailable)
      << "the last one is only ill";
  update({.name = "h", .model = "huge", .weight_version = "v2"});
  EXPECT_EQ(refusal_of({.pins = {{"mini", "v1"}, {"big", "v1"}, {"huge", "v1"}}}),
            errc::weights_changed);
}

TEST_F(route_table_test, AfterItsStartOtherNodesHaveTimeToSayThatTheyServeAVersion) {
  weights_patience_ = std::chrono::milliseconds{2'000};
  start("cheapest");
  update({.name = "a", .weight_version = "v2", .concurrency = 8});
  const call pinned{.tier = "small", .pins = {{"mini", "v1"}}};
  EXPECT_EQ(engine_for({.tier = "small"}), "a");
  EXPECT_EQ(refusal_of(pinned), errc::unavailable);
  now_ms_ += 1'999;
  EXPECT_EQ(refusal_of(pinned), errc::unavailable);
  ++now_ms_;
  EXPECT_EQ(refusal_of(pinned), errc::weights_changed);
}

TEST_F(route_table_test, AnEngineThatWouldFitAndIsIllIsWaitedFor) {
  update({.name = "a", .weight_version = "v2"});
  update({.name = "b", .weight_version = "v1", .health = schema::Health::UNHEALTHY});
  EXPECT_EQ(refusal_of({.tier = "small", .pins = {{"mini", "v1"}}}), errc::unavailable);
  update({.name = "c",
          .weight_version = "v1",
          .health = schema::Health::HEALTHY,
          .context_tokens = 10});
  EXPECT_EQ(refusal_of({.tier = "small", .prompt_bytes = 1'000, .pins = {{"mini", "v1"}}}),
            errc::unavailable);
}

TEST_F(route_table_test, DecisionsCarryPricesAndCandidates) {
  update({.name = "a"});
  update({.name = "l", .model = "huge"});
  auto routed = route({.prompt_bytes = 400, .max_tokens = 10});
  ASSERT_TRUE(routed);
  auto decision = routed->decision.read();
  EXPECT_EQ(decision->getId(), 1'000u);
  EXPECT_EQ(decision->getModel(), "mini");
  EXPECT_EQ(decision->getTier(), "small");
  EXPECT_EQ(decision->getEngine(), "a");
  EXPECT_EQ(decision->getPolicy(), "cheapest");
  EXPECT_EQ(decision->getPropensity(), 1.0);
  // US dollars per million tokens are thousandths of 1e-9 dollars per token.
  EXPECT_EQ(decision->getInputPriceNanousd(), 100);
  EXPECT_EQ(decision->getOutputPriceNanousd(), 400);
  // "All large" is the cheapest model of the large tier, engines or not.
  EXPECT_EQ(decision->getLargeInputPriceNanousd(), 3'000);
  EXPECT_EQ(decision->getLargeOutputPriceNanousd(), 15'000);
  ASSERT_EQ(decision->getCandidates().size(), 4u);
  EXPECT_EQ(decision->getCandidates()[0].getModel(), "mini");
  EXPECT_EQ(decision->getCandidates()[0].getExpectedCostNanousd(), 100 * 100 + 10 * 400);
  EXPECT_EQ(decision->getCandidates()[1].getModel(), "big");
  EXPECT_EQ(decision->getCandidates()[1].getFilter(), "no engine");
  EXPECT_EQ(decision->getCandidates()[2].getFilter(), "");
  EXPECT_EQ(decision->getCandidates()[2].getExpectedCostNanousd(), 100 * 10'000 + 10 * 50'000);
  EXPECT_EQ(decision->getCandidates()[3].getFilter(), "it makes vectors alone");
  EXPECT_EQ(table_->decisions(), 1u);
  EXPECT_EQ(route()->decision.read()->getId(), 1'001u);
}

TEST_F(route_table_test, UpdatesChangeWhatIsKnownOfAnEngine) {
  update({.name = "a", .weight_version = "v1"});
  update({.name = "a", .weight_version = "v2"});
  EXPECT_EQ(engine_for({.pins = {{"mini", "v2"}}}), "a");
  EXPECT_EQ(table_->in_flight(), 1u);
  update({.name = "a", .weight_version = "v2", .concurrency = 0});
  EXPECT_EQ(engine_for(), "a") << "no division by nothing";
}

TEST_F(route_table_test, AvoidedEnginesAreNeverTaken) {
  update({.name = "a"});
  update({.name = "b"});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(engine_for({.avoided = {"a"}}), "b");
  EXPECT_EQ(refusal_of({.tier = "small", .avoided = {"a", "b"}}), errc::unavailable)
      << "later they may take it";
  EXPECT_NE(why_.find("mini: no healthy engine that is not busy"), std::string::npos) << why_;
  update({.name = "l", .model = "big"});
  EXPECT_EQ(engine_for({.avoided = {"a", "b"}}), "l") << "where the tier is the router's to choose";
}

TEST_F(route_table_test, BusyEnginesAreNotTakenUntilTheySayThatTheyAreFree) {
  update({.name = "a", .health = schema::Health::BUSY});
  update({.name = "b"});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(engine_for(), "b");
  update({.name = "b", .health = schema::Health::BUSY});
  EXPECT_EQ(refusal_of(), errc::unavailable);
  update({.name = "a"});
  EXPECT_EQ(engine_for(), "a");
}

TEST_F(route_table_test, ModelsThatFailedItAreTakenLast) {
  update({.name = "m", .model = "mini"});
  update({.name = "l", .model = "big"});
  update({.name = "h", .model = "huge"});
  EXPECT_EQ(engine_for({.tier = "large"}), "l");
  EXPECT_EQ(engine_for({.tier = "large", .excluded_models = {"big"}}), "h");
  EXPECT_EQ(engine_for({.tier = "large", .excluded_models = {"big", "huge"}}), "l")
      << "all failed it";
  EXPECT_EQ(engine_for({.excluded_models = {"mini"}}), "l");
  auto routed = route({.tier = "large", .excluded_models = {"big"}});
  ASSERT_TRUE(routed);
  for (auto each : routed->decision.read()->getCandidates())
    EXPECT_EQ(each.getFilter().size() == 0, each.getModel() == "huge")
        << "no other was to choose from";
}

TEST_F(route_table_test, AModelThatFailedItIsBetterThanNone) {
  update({.name = "l", .model = "big"});
  update({.name = "h", .model = "huge", .health = schema::Health::UNHEALTHY});
  EXPECT_EQ(engine_for({.tier = "large", .excluded_models = {"big"}}), "l");
}

TEST_F(route_table_test, ModelsThatMayCostTooMuchAreLeftOut) {
  update({.name = "m", .model = "mini"});
  update({.name = "l", .model = "big"});
  // 100 bytes are 180 tokens at the most, and ten are written.
  budget tokens_exactly{190, 0};
  EXPECT_EQ(engine_for({.allowance = tokens_exactly}), "m");
  EXPECT_EQ(refusal_of({.allowance = {189, 0}}), errc::budget_exceeded);
  EXPECT_NE(why_.find("left of the budget"), std::string::npos) << why_;
  constexpr std::int64_t big_cost = 180 * 3'000 + 10 * 15'000;
  EXPECT_EQ(engine_for({.tier = "large", .allowance = {0, big_cost}}), "l");
  EXPECT_EQ(refusal_of({.tier = "large", .allowance = {0, big_cost - 1}}), errc::budget_exceeded);
  EXPECT_EQ(engine_for({.allowance = {0, big_cost - 1}}), "m");
}

TEST_F(route_table_test, WhatIsOnlyBusyIsWaitedForRatherThanTooDear) {
  update({.name = "m", .model = "mini", .health = schema::Health::BUSY});
  update({.name = "l", .model = "big"});
  EXPECT_EQ(refusal_of({.allowance = {0, 100'000}}), errc::unavailable);
  update({.name = "m", .model = "mini"});
  EXPECT_EQ(engine_for({.allowance = {0, 100'000}}), "m");
}

std::string long_text(char from) {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += static_cast<char>(from + i * i % 17);
  return text;
}

call about(const std::string& text) {
  return {.prompt_bytes = static_cast<std::uint32_t>(text.size()), .text = text};
}

TEST_F(route_table_test, APromptGoesWhereItsBeginningIsCached) {
  for (const auto* name : {"a", "b", "c", "d"}) update({.name = name, .concurrency = 8});
  std::map<std::string, std::string> places;
  std::set<std::string> engines;
  for (char from : {'A', 'C', 'E', 'G', 'I', 'K', 'M', 'O'}) {
    // As fast as is thought of all until something is known.
    auto text = long_text(from);
    engines.insert(places[text] = call_done(about(text), 2'000'000));
  }
  EXPECT_GT(engines.size(), 1u);
  for (std::size_t i = 0; i < 5; ++i)
    for (const auto& [text, engine] : places)
      EXPECT_EQ(call_done(about(text + std::string(i * 1'000, '!')), 100'000, 10'000), engine);
}

TEST_F(route_table_test, NewWeightsAndNewProcessesHaveNothingCached) {
  update({.name = "a", .concurrency = 2});
  call_done(about(long_text('A')));
  update({.name = "b", .concurrency = 2});
  EXPECT_EQ(engine_for(about(long_text('A'))), "a");
  update({.name = "a", .weight_version = "v2", .concurrency = 2});
  EXPECT_EQ(engine_for(about(long_text('A'))), "b") << "a has one call in flight, and no more";
}

TEST_F(route_table_test, AHotPromptIsAnsweredElsewhereOnceItsEngineIsFull) {
  update({.name = "a", .concurrency = 2});
  call_done(about(long_text('A')));
  update({.name = "b", .concurrency = 2});
  std::map<std::string, int> taken;
  for (int i = 0; i < 4; ++i) ++taken[engine_for(about(long_text('A')))];
  EXPECT_EQ(taken, (std::map<std::string, int>{{"a", 2}, {"b", 2}}));
}

TEST_F(route_table_test, AnEngineOfThisNodeIsTakenWhereNothingElseTellsThemApart) {
  update({.name = "a@other", .concurrency = 2}, route_table::place::remote);
  update({.name = "b", .concurrency = 2});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(call_done({}), "b");
  EXPECT_EQ(engine_for(about(long_text('A'))), "b");
  EXPECT_EQ(engine_for(), "a@other") << "a hop is nothing beside ten thousand tokens";
}

TEST_F(route_table_test, ASessionStaysAtItsEngine) {
  for (const auto* name : {"a", "b", "c"}) update({.name = name, .concurrency = 8});
  auto at = call_done({.session = "s"});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(call_done({.session = "s"}), at);
  std::set<std::string> others;
  for (int i = 0; i < 20; ++i) others.insert(call_done({.session = std::to_string(i)}));
  EXPECT_EQ(others.size(), 3u);
}

TEST_F(route_table_test, AFasterEngineIsLearnedFromFirstTokens) {
  update({.name = "slow", .concurrency = 8});
  for (int i = 0; i < 20; ++i) call_done(about(long_text(static_cast<char>('A' + i))), 5'000'000);
  update({.name = "new", .concurrency = 8});
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(call_done(about(long_text(static_cast<char>('a' + i)))), "new");
}

TEST_F(route_table_test, ARefusedCallLoadsNoEngine) {
  update({.name = "m", .model = "mini"});
  EXPECT_EQ(refusal_of({.allowance = {1, 0}}), errc::budget_exceeded);
  EXPECT_EQ(refusal_of({.tier = "small", .avoided = {"m"}}), errc::unavailable);
  EXPECT_EQ(table_->in_flight(), 0u);
}

TEST_F(route_table_test, ACallForAModelGoesToThatModelAlone) {
  update({.name = "a"});
  update({.name = "b", .model = "huge"});
  EXPECT_EQ(engine_for({.model = "huge"}), "b");
  EXPECT_EQ(engine_for({.model = "mini"}), "a");
  EXPECT_EQ(refusal_of({.model = "big"}), errc::unavailable);
  EXPECT_EQ(refusal_of({.model = "none"}), errc::invalid_argument);
}

TEST_F(route_table_test, ARequestThatIsPassedOnGoesToServersAlone) {
  update({.name = "within"});
  update({.name = "b", .model = "big"});
  update({.name = "h", .model = "huge"});
  EXPECT_EQ(refusal_of({.passed_on = true}), errc::invalid_argument);
  EXPECT_NE(why_.find("its engines take no tools"), std::string::npos) << why_;
  update({.name = "server", .model = "huge", .passes_on = true});
  EXPECT_EQ(engine_for({.passed_on = true}), "server");
  EXPECT_EQ(engine_for(), "within");
}

TEST_F(route_table_test, OnlyModelsThatMakeVectorsMakeThemAndNothingElse) {
  update({.name = "v", .model = "vectors"});
  EXPECT_EQ(refusal_of({.tier = "small"}), errc::unavailable) << "mini has no engine";
  EXPECT_EQ(engine_for({.purpose = schema::Purpose::EMBED}), "v");
  update({.name = "a"});
  EXPECT_EQ(engine_for({.tier = "small"}), "a");
  EXPECT_EQ(engine_for({.purpose = schema::Purpose::EMBED}), "v");
}

}  // namespace
}  // namespace tandem
