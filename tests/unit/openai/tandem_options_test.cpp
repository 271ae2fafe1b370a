#include "openai_fixture.hpp"

namespace tandem {
namespace {

TEST(TandemOptions, EachIsRead) {
  auto chat = read_ok(chat_with(
      R"("tandem":{"mode":"plan_act","check":{"kind":"number","argument":"7"},"budget_tokens":1000,"budget_usd":0.25,"priority":-5,"timeout_ms":60000,"tags":["a","b"],"session":"s","cache":"refresh","weights":"mix","background":true,"client_key":"k","progress":false})"));
  const auto& options = chat.options;
  EXPECT_EQ(options.mode, schema::PlanMode::PLAN_ACT);
  EXPECT_EQ(options.check_kind, "number");
  EXPECT_EQ(options.check_argument, "7");
  EXPECT_EQ(options.budget_tokens, 1000u);
  EXPECT_EQ(options.budget_nanousd, 250'000'000);
  EXPECT_EQ(options.priority, -5);
  EXPECT_EQ(options.timeout_ms, 60'000u);
  EXPECT_EQ(options.tags, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(options.session, "s");
  EXPECT_EQ(options.cache, schema::CacheUse::REFRESH);
  EXPECT_EQ(options.weights, schema::WeightPolicy::MIX);
  EXPECT_TRUE(options.background);
  EXPECT_EQ(options.client_key, "k");
  EXPECT_FALSE(options.progress);
  EXPECT_EQ(chat.body, "");
}

TEST(TandemOptions, AreNotPassedOn) {
  auto chat = read_ok(chat_with(R"("n":2,"tandem":{"mode":"small"})"));
  EXPECT_EQ(chat.body, R"({"messages":[{"role":"user","content":"hi"}],"n":2})");
}

TEST(TandemOptions, WrongOnesNameTheirPath) {
  struct {
    std::string_view options;
    std::string_view param;
  } cases[] = {
      {R"({"mode":5})", "tandem.mode"},
      {R"({"mode":"fast"})", "tandem.mode"},
      {R"({"check":"number"})", "tandem.check"},
      {R"({"check":{}})", "tandem.check.kind"},
      {R"({"check":{"kind":"magic"}})", "tandem.check.kind"},
      {R"({"check":{"kind":"exact","argument":5}})", "tandem.check.argument"},
      {R"({"check":{"kind":"exact","arg":"5"}})", "tandem.check.arg"},
      {R"({"budget_tokens":-1})", "tandem.budget_tokens"},
      {R"({"budget_tokens":"1"})", "tandem.budget_tokens"},
      {R"({"budget_usd":-0.1})", "tandem.budget_usd"},
      {R"({"budget_usd":"1"})", "tandem.budget_usd"},
      {R"({"budget_usd":1e300})", "tandem.budget_usd"},
      {R"({"priority":101})", "tandem.priority"},
      {R"({"priority":1.5})", "tandem.priority"},
      {R"({"timeout_ms":-1})", "tandem.timeout_ms"},
      {R"({"tags":"a"})", "tandem.tags"},
      {R"({"tags":[5]})", "tandem.tags[0]"},
      {R"({"session":5})", "tandem.session"},
      {R"({"cache":"on"})", "tandem.cache"},
      {R"({"cache":true})", "tandem.cache"},
      {R"({"weights":"any"})", "tandem.weights"},
      {R"({"background":"yes"})", "tandem.background"},
      {R"({"client_key":[]})", "tandem.client_key"},
      {R"({"progress":1})", "tandem.progress"},
      {R"("x")", "tandem"},
  };
  for (const auto& test : cases) {
    auto json = chat_with("\"tandem\":" + std::string{test.options});
    EXPECT_EQ(read_error(json).param, test.param) << json;
  }
}

TEST(TandemOptions, AnUnknownOneIsRefusedWithTheNearest) {
  auto error = read_error(chat_with(R"("tandem":{"mod":"small"})"));
  EXPECT_EQ(error.param, "tandem.mod");
  EXPECT_EQ(error.code, "unknown_parameter");
  EXPECT_NE(error.message.find("`mode`"), error.message.npos) << error.message;
  error = read_error(chat_with(R"("tandem":{"budget_dollars":1})"));
  EXPECT_NE(error.message.find("`budget_"), error.message.npos) << error.message;
}

TEST(TandemOptions, NullIsTheSameAsNotSayingIt) {
  auto chat = read_ok(chat_with(R"("tandem":{"mode":null,"check":null,"budget_usd":null})"));
  EXPECT_EQ(chat.options.mode, schema::PlanMode::PLAN_ACT);
}

TEST(TandemOptions, NextToNothingIsStillABudget) {
  EXPECT_EQ(read_ok(chat_with(R"("tandem":{"budget_usd":1e-12})")).options.budget_nanousd, 1);
  EXPECT_EQ(read_ok(chat_with(R"("tandem":{"budget_usd":0})")).options.budget_nanousd, 0);
}

TEST(TandemOptions, AJobsRequestHasThemBesideItsGoal) {
  auto out = read_tandem_options(R"({"goal":"add 1 2","messages":[5],"mode":"large"})");
  ASSERT_TRUE(std::holds_alternative<tandem_options>(out));
  EXPECT_EQ(std::get<tandem_options>(out).mode, schema::PlanMode::LARGE);
  out = read_tandem_options(R"({"goal":"add 1 2","moode":"large"})");
  ASSERT_TRUE(std::holds_alternative<openai_error>(out));
  EXPECT_EQ(std::get<openai_error>(out).param, "moode");
  out = read_tandem_options(R"({"mode":5})");
  ASSERT_TRUE(std::holds_alternative<openai_error>(out));
  EXPECT_EQ(std::get<openai_error>(out).param, "mode");
  EXPECT_TRUE(std::holds_alternative<openai_error>(read_tandem_options("[")));
}

}  // namespace
}  // namespace tandem
