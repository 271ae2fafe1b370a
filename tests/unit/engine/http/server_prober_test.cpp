#include "actors/engine/http/server_prober.hpp"

#include <condition_variable>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/engine/http/http_backend.hpp"
#include "tests/unit/engine/http/stub_server.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using namespace tandem::testing;
using schema::Health;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto llama_props = R"({"default_generation_settings":{"n_ctx":4096},"total_slots":4,)"
                             R"("model_path":"/srv/weights/rand1m.gguf","build_info":"b11669"})";
constexpr auto loading =
    R"({"error":{"message":"Loading model","type":"unavailable_error","code":503}})";

std::string models(std::string_view id) {
  return R"({"object":"list","data":[{"id":")" + std::string{id} + R"(","max_model_len":8192}]})";
}

void no_chat(scripted_connection& connection, const std::string&) {
  connection.answer("", "application/json", 500);
}

class probed {
 public:
  explicit probed(const engine_config& config) {
    auto opened = http_backend::open(config, loop_, {.on_status = [this] {
                                       std::lock_guard lock{mutex_};
                                       ++changes_;
                                       changed_.notify_all();
                                     }});
    EXPECT_TRUE(opened) << message_of(opened.error());
    backend_ = std::move(*opened);
  }

  /// Waits for a change that makes it so.
  template <class Condition>
  backend_status wait(Condition wanted) {
    for (;;) {
      std::unique_lock lock{mutex_};
      auto seen = changes_;
      lock.unlock();
      auto now = backend_->status();
      if (wanted(now)) return now;
      lock.lock();
      changed_.wait(lock, [&] { return changes_ != seen; });
    }
  }
  backend_status wait(Health health) {
    return wait([health](const backend_status& now) { return now.health == health; });
  }
  std::vector<engine_check> probe() {
    std::promise<std::vector<engine_check>> done;
    backend_->probe([&](std::vector<engine_check> checks) { done.set_value(std::move(checks)); });
    return done.get_future().get();
  }
  backend_status status() { return backend_->status(); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int changes_ = 0;
  std::shared_ptr<http_loop> loop_ = std::make_shared<http_loop>();
  std::unique_ptr<backend> backend_;
};

TEST(ServerProber, RecognisesLlamaCpp) {
  stub_server server{no_chat};
  server.set_page("/props", llama_props);
  server.set_page("/health", R"({"status":"ok"})");
  // Another name than ours, which it does not mind.
  server.set_page("/v1/models", models("other"));
  server.set_page("/metrics", "llamacpp:requests_processing 3\nllamacpp:requests_deferred 2\n");
  probed engine{engine_at(server.url())};
  auto status = engine.wait(Health::HEALTHY);
  EXPECT_EQ(status.server, "llama.cpp b11669");
  EXPECT_EQ(status.context_tokens, 8192u);
  EXPECT_EQ(status.weight_version, "rand1m.gguf");
  EXPECT_EQ(status.server_running, 3u);
  EXPECT_EQ(status.server_waiting, 2u);
  EXPECT_GT(status.load_at_ms, 0u);
  EXPECT_EQ(status.url, server.url());
  EXPECT_EQ(status.reason, "");
  EXPECT_THAT(server.asked(), Not(Contains("/slots")));
}

TEST(ServerProber, RecognisesSglangUnderBothNamesOfItsCall) {
  for (auto path : {"/server_info", "/get_server_info"}) {
    stub_server server{no_chat};
    server.set_page(path, R"({"model_path":"/m","version":"0.5.2"})");
    server.set_page("/health", "");
    server.set_page("/v1/models", models("m"));
    server.set_page("/model_info", R"({"weight_version":"w7"})");
    server.set_page("/v1/loads?format=json",
                    R"({"loads":[{"num_running_reqs":5,"num_waiting_reqs":1,"token_usage":0.5}]})");
    probed engine{engine_at(server.url())};
    auto status = engine.wait(Health::HEALTHY);
    EXPECT_EQ(status.server, "SGLang 0.5.2");
    EXPECT_EQ(status.weight_version, "w7");
    EXPECT_EQ(status.server_running, 5u);
    EXPECT_FLOAT_EQ(status.cache_usage, 0.5f);
  }
}

TEST(ServerProber, RecognisesVllm) {
  stub_server server{no_chat};
  server.set_page("/version", R"({"version":"0.11.0"})");
  server.set_page("/health", "");
  server.set_page("/v1/models", models("m"));
  server.set_page("/weight_info", R"({"weight_version":"w2"})");
  server.set_page("/metrics",
                  "vllm:num_requests_running{a=\"b\"} 4\n"
                  "vllm:num_requests_waiting{a=\"b\"} 6\n"
                  "vllm:kv_cache_usage_perc{a=\"b\"} 0.25\n");
  probed engine{engine_at(server.url())};
  auto status = engine.wait(Health::HEALTHY);
  EXPECT_EQ(status.server, "vLLM 0.11.0");
  EXPECT_EQ(status.weight_version, "w2");
  EXPECT_EQ(status.server_waiting, 6u);
  EXPECT_FLOAT_EQ(status.cache_usage, 0.25f);
}

TEST(ServerProber, TakesAnythingElseForAnOpenAiServer) {
  stub_server server{no_chat};
  server.set_page("/v1/models", models("m"));
  probed engine{engine_at(server.url())};
  auto status = engine.wait(Health::HEALTHY);
  EXPECT_EQ(status.server, "OpenAI-compatible server");
  EXPECT_EQ(status.weight_version, "m");
  EXPECT_LT(status.cache_usage, 0);
}

TEST(ServerProber, AsksTheConfiguredKindAlone) {
  stub_server server{no_chat};
  server.set_page("/v1/models", models("m"));
  auto config = engine_at(server.url());
  config.http.server = "openai";
  probed engine{config};
  engine.wait(Health::HEALTHY);
  EXPECT_THAT(server.asked(), ::testing::Each("/v1/models"));
}

TEST(ServerProber, NamesTheModelsOfAServerThatDoesNotHaveOurs) {
  stub_server server{no_chat};
  server.set_page("/version", R"({"version":"0.11.0"})");
  server.set_page("/health", "");
  server.set_page("/v1/models", models("other"));
  probed engine{engine_at(server.url())};
  auto status = engine.wait(Health::UNHEALTHY);
  EXPECT_THAT(status.reason, HasSubstr("'m'"));
  EXPECT_THAT(status.reason, HasSubstr("it has 'other'"));
  server.set_page("/v1/models", models("m"));
  EXPECT_EQ(engine.wait(Health::HEALTHY).reason, "");
}

TEST(ServerProber, ExpectsTheNameOfLlamaCppOnlyWhereItIsConfigured) {
  stub_server server{no_chat};
  server.set_page("/props", llama_props);
  server.set_page("/health", R"({"status":"ok"})");
  server.set_page("/v1/models", models("other"));
  auto config = engine_at(server.url());
  config.http.served_model = "mine";
  EXPECT_THAT(probed{config}.wait(Health::UNHEALTHY).reason, HasSubstr("'mine'"));
}

TEST(ServerProber, WaitsForAModelThatIsBeingLoaded) {
  stub_server server{no_chat};
  for (auto path : {"/props", "/health", "/v1/models"}) server.set_page(path, loading, 503);
  probed engine{engine_at(server.url())};
  auto status = engine.wait(
      [](const backend_status& now) { return now.reason.find("loading") != now.reason.npos; });
  EXPECT_EQ(status.health, Health::STARTING);
  server.set_page("/props", llama_props);
  server.set_page("/health", R"({"status":"ok"})");
  server.set_page("/v1/models", models("m"));
  EXPECT_EQ(engine.wait(Health::HEALTHY).server, "llama.cpp b11669");
}

TEST(ServerProber, TakesFallBadProbesForIllnessAndKnowsAServerThatComesBackAsAnother) {
  stub_server server{no_chat};
  server.set_page("/props", llama_props);
  server.set_page("/health", R"({"status":"ok"})");
  server.set_page("/v1/models", models("m"));
  probed engine{engine_at(server.url())};
  engine.wait(Health::HEALTHY);
  server.set_page("/health", "", 500);
  server.set_page("/props", "", 500);
  EXPECT_THAT(engine.wait(Health::UNHEALTHY).reason, HasSubstr("500"));
  server.remove_page("/props");
  server.set_page("/health", "");
  server.set_page("/version", R"({"version":"0.11.0"})");
  EXPECT_EQ(engine.wait(Health::HEALTHY).server, "vLLM 0.11.0");
}

TEST(ServerProber, SaysThatNobodyAnswers) {
  std::string url;
  { url = stub_server{no_chat}.url(); }
  auto status = probed{engine_at(url)}.wait(Health::UNHEALTHY);
  EXPECT_THAT(status.reason, HasSubstr("refused"));
}

TEST(ServerProber, SaysThatTheKeyIsRefused) {
  stub_server server{no_chat};
  server.set_page("/v1/models", R"({"error":{"message":"Invalid API Key"}})", 401);
  auto status = probed{engine_at(server.url())}.wait(Health::UNHEALTHY);
  EXPECT_THAT(status.reason, HasSubstr("API key"));
}

TEST(ServerProber, SaysThatAPageIsNoApi) {
  stub_server server{no_chat};
  server.set_page("/v1/models", "<html>hello</html>");
  auto status = probed{engine_at(server.url())}.wait(Health::UNHEALTHY);
  EXPECT_THAT(status.reason, HasSubstr("list of models"));
}

TEST(ServerProber, DoesNotAskAgainForFiguresThatThereAreNot) {
  stub_server server{no_chat};
  server.set_page("/version", R"({"version":"0.11.0"})");
  server.set_page("/health", "");
  server.set_page("/v1/models", models("m"));
  probed engine{engine_at(server.url())};
  engine.wait(Health::HEALTHY);
  engine.probe();
  engine.probe();
  auto asked = server.asked();
  // Once by the prober; each probe by hand asks for everything.
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "/metrics"), 3);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "/weight_info"), 3);
}

TEST(ServerProber, ProbesEverythingOnceByHand) {
  stub_server server{[](scripted_connection& connection, const std::string&) {
    connection.send(stream_head + chunked(delta_event("hi")) + chunked(stop_event) +
                    chunked(done_event) + "0\r\n\r\n");
  }};
  server.set_page("/props", llama_props);
  server.set_page("/health", R"({"status":"ok"})");
  server.set_page("/v1/models", models("m"));
  server.set_page("/metrics", "llamacpp:requests_processing 3\nllamacpp:requests_deferred 2\n");
  probed engine{engine_at(server.url())};
  auto checks = engine.probe();
  std::vector<std::string> what;
  for (const auto& check : checks) {
    what.push_back(check.what);
    EXPECT_TRUE(check.ok) << check.what << ": " << check.detail;
    EXPECT_FALSE(check.detail.empty()) << check.what;
  }
  EXPECT_THAT(what, ::testing::ElementsAre("GET /props", "GET /health", "GET /v1/models",
                                           "GET /metrics", "POST /v1/chat/completions"));
}

TEST(ServerProber, ShowsInAProbeByHandWhatFails) {
  std::string url;
  { url = stub_server{no_chat}.url(); }
  auto checks = probed{engine_at(url)}.probe();
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_FALSE(checks[0].ok);
  EXPECT_THAT(checks[0].detail, HasSubstr("refused"));
}

}  // namespace
}  // namespace tandem
