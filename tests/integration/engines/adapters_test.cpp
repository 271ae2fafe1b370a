// SGLang, vLLM, llama.cpp and plain OpenAI servers as their documented surface says (the stub's
// kinds): what is recognised and read, and every refusal of the calls that Tandem makes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/engines/backend_client.hpp"

namespace tandem::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

bool is_healthy(const backend_status& s) {
  return s.health == schema::Health::HEALTHY;
}

struct server {
  stub_kind kind;
  const char* name;
  /// As the configuration names it.
  const char* configured;
  const char* weights;
  std::uint32_t context;
  bool tells_load;
  float cache;
};

const server servers[] = {
    {stub_kind::openai, "OpenAI-compatible server", "openai", "stub", 0, false, -1},
    {stub_kind::llama_cpp, "llama.cpp b11669-stub", "llama.cpp", "stub.gguf", 4096, true, -1},
    {stub_kind::sglang, "SGLang 0.5.2", "sglang", "7", 4096, true, 0.25F},
    {stub_kind::vllm, "vLLM 0.11.0", "vllm", "7", 4096, true, 0.25F},
};

class Adapter : public ::testing::TestWithParam<server> {
 protected:
  stub_engine stub_{{.kind = GetParam().kind, .weight_version = "7", .check_model = true}};
};

INSTANTIATE_TEST_SUITE_P(All, Adapter, ::testing::ValuesIn(servers), [](const auto& info) {
  std::string name{info.param.configured};
  std::erase(name, '.');
  return name;
});

TEST_P(Adapter, RecognisesItsServerAndReadsWhatItTells) {
  stub_.set_handler([](const stub_request& request) {
    return request.user == "stay" ? stub_answer::never() : stub_answer::say("42", 1);
  });
  backend_client at{engine_at(stub_)};
  at.start(question("stay"));
  auto running = GetParam().tells_load ? 1U : 0U;
  auto seen =
      at.wait_status([&](const auto& s) { return is_healthy(s) && s.server_running == running; });
  EXPECT_EQ(seen.server, GetParam().name);
  EXPECT_EQ(seen.weight_version, GetParam().weights);
  EXPECT_EQ(seen.context_tokens, GetParam().context);
  EXPECT_EQ(seen.cache_usage, GetParam().cache);
  EXPECT_EQ(seen.load_at_ms > 0, GetParam().tells_load);
  EXPECT_EQ(at.ask(question()).text, "42");
}

TEST_P(Adapter, NoticesNewWeightsAndAnotherModel) {
  backend_client at{engine_at(stub_)};
  at.wait_status(is_healthy);
  stub_.set_model("other", "8");
  if (GetParam().kind == stub_kind::llama_cpp) {
    // It serves its one model under any name.
    at.wait_status([](const auto& s) { return s.weight_version == "other.gguf"; });
    return;
  }
  auto seen = at.wait_status([](const auto& s) { return !is_healthy(s); });
  EXPECT_THAT(seen.reason, HasSubstr("does not have the model 'stub'; it has 'other'"));
  EXPECT_EQ(at.ask(question()).code, errc::invalid_argument);
}

TEST_P(Adapter, IsConfiguredByNameAsWell) {
  auto config = engine_at(stub_);
  config.http.server = GetParam().configured;
  backend_client at{config};
  EXPECT_EQ(at.wait_status(is_healthy).server, GetParam().name);
}

TEST_P(Adapter, SendsItsKeyAndSaysWhenItIsRefused) {
  stub_engine locked{{.kind = GetParam().kind, .api_key = "sesame"}};
  ::setenv("TANDEM_TEST_KEY", "sesame", 1);
  auto config = engine_at(locked);
  config.http.api_key_env = "TANDEM_TEST_KEY";
  {
    backend_client at{config};
    at.wait_status(is_healthy);
    EXPECT_EQ(at.ask(question("open")).text, "open");
  }
  ::setenv("TANDEM_TEST_KEY", "barley", 1);
  backend_client at{config};
  auto got = at.ask(question());
  EXPECT_EQ(got.code, errc::invalid_argument);
  EXPECT_THAT(got.error, HasSubstr("API key"));
  EXPECT_EQ(got.error.find("barley"), got.error.npos);
  auto seen = at.wait_status([](const auto& s) {
    return s.health == schema::Health::UNHEALTHY && s.reason.find("API key") != s.reason.npos;
  });
  EXPECT_EQ(seen.reason.find("barley"), seen.reason.npos);
}

TEST_P(Adapter, TakesBackPressureForWhatItIs) {
  backend_client at{engine_at(stub_)};
  for (int status : {408, 429, 503}) {
    stub_.push(stub_answer::error(status, R"({"error":{"message":"queue is full"}})",
                                  "Retry-After: 3\r\n"));
    auto got = at.ask(question());
    EXPECT_EQ(got.code, errc::overloaded) << got.error;
    EXPECT_EQ(got.retry_after, std::chrono::seconds{3});
    EXPECT_THAT(got.error, HasSubstr("queue is full"));
  }
}

TEST_P(Adapter, ProbesEverythingByHand) {
  stub_.set_handler([](const stub_request&) { return stub_answer::say("word", 1); });
  backend_client at{engine_at(stub_)};
  at.wait_status(is_healthy);
  auto checks = at.probe();
  ASSERT_FALSE(checks.empty());
  EXPECT_THAT(checks.back().what, HasSubstr("/v1/chat/completions"));
  EXPECT_TRUE(checks.back().ok) << checks.back().detail;
}

// A call that is not there, is switched off, or breaks costs its figure, and nothing else.

struct refusal {
  stub_kind kind;
  const char* path;
  int status;
};

const refusal refusals[] = {
    {stub_kind::llama_cpp, "/metrics", 501}, {stub_kind::llama_cpp, "/metrics", 404},
    {stub_kind::llama_cpp, "/health", 404},  {stub_kind::sglang, "/model_info", 404},
    {stub_kind::sglang, "/v1/loads", 404},   {stub_kind::sglang, "/v1/loads", 500},
    {stub_kind::sglang, "/v1/loads", 503},   {stub_kind::sglang, "/server_info", 404},
    {stub_kind::vllm, "/weight_info", 404},  {stub_kind::vllm, "/metrics", 404},
    {stub_kind::vllm, "/metrics", 500},      {stub_kind::vllm, "/load", 404},
};

class Refusal : public ::testing::TestWithParam<refusal> {};

INSTANTIATE_TEST_SUITE_P(All, Refusal, ::testing::ValuesIn(refusals), [](const auto& info) {
  std::string name = info.param.path + 1;
  for (auto& c : name)
    if (c == '/') c = '_';
  return name + '_' + std::to_string(info.param.status) + '_' + std::to_string(info.index);
});

TEST_P(Refusal, OfAFigureIsNoIllness) {
  stub_engine stub{{.kind = GetParam().kind}};
  stub.set_path(GetParam().path,
                stub_answer::error(GetParam().status, R"({"detail":"Not Found"})"));
  backend_client at{engine_at(stub)};
  at.wait_status(is_healthy);
  auto asked = stub.counts().other_requests;
  ASSERT_TRUE(stub.wait([&](const stub_counts& c) { return c.other_requests > asked + 8; }));
  EXPECT_TRUE(is_healthy(at.object().status())) << at.object().status().reason;
  EXPECT_EQ(at.ask(question()).code, errc::unknown);
}

const refusal illnesses[] = {
    {stub_kind::llama_cpp, "/health", 500}, {stub_kind::sglang, "/health", 503},
    {stub_kind::vllm, "/health", 503},      {stub_kind::vllm, "/health", 500},
    {stub_kind::openai, "/v1/models", 500}, {stub_kind::openai, "/v1/models", 502},
};

class Illness : public ::testing::TestWithParam<refusal> {};

INSTANTIATE_TEST_SUITE_P(All, Illness, ::testing::ValuesIn(illnesses));

TEST_P(Illness, IsSeenAfterSomeProbesAndItsEndToo) {
  stub_engine stub{{.kind = GetParam().kind}};
  backend_client at{engine_at(stub)};
  at.wait_status(is_healthy);
  stub.set_path(GetParam().path, stub_answer::error(GetParam().status, ""));
  auto ill = at.wait_status([](const auto& s) { return s.health == schema::Health::UNHEALTHY; });
  EXPECT_THAT(ill.reason, HasSubstr(std::to_string(GetParam().status)));
  stub.clear_path(GetParam().path);
  at.wait_status(is_healthy);
}

TEST(Adapters, TellAPageOfHtmlFromAnApi) {
  stub_engine stub;
  auto page = stub_answer::error(200, "<html>welcome</html>");
  page.content_type = "text/html";
  stub.set_path("/v1/models", page);
  stub.set_path("/v1/chat/completions", page);
  backend_client at{engine_at(stub)};
  EXPECT_THAT(at.ask(question()).error, HasSubstr("HTML"));
  auto seen = at.wait_status([](const auto& s) { return s.health == schema::Health::UNHEALTHY; });
  EXPECT_THAT(seen.reason, HasSubstr("is url the address of the API?"));
}

TEST(Adapters, FollowNoRedirectToAnotherHost) {
  stub_engine elsewhere;
  stub_engine stub;
  stub.set_path(
      "/v1/chat/completions",
      stub_answer::error(307, "", "Location: " + elsewhere.url() + "/v1/chat/completions\r\n"));
  backend_client at{engine_at(stub)};
  EXPECT_EQ(at.ask(question()).code, errc::engine_failed);
  EXPECT_EQ(elsewhere.counts().connections, 0);
}

}  // namespace
}  // namespace tandem::test
