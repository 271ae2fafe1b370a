// How each kind of server is brought to other weights, against stubs of their documented surface.

#include <condition_variable>
#include <deque>
#include <fstream>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/engine/http/http_backend.hpp"
#include "tests/unit/engine/http/stub_server.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using namespace tandem::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr auto fine = "{}";

/// A server whose POST calls are answered as the test says, 200 and `{}` by default.
class weight_server {
 public:
  explicit weight_server(const std::string& kind)
      : stub_{[this](scripted_connection& connection, const std::string& request) {
          answer(connection, request);
        }} {
    stub_.set_page("/health", "");
    stub_.set_page("/v1/models", R"({"object":"list","data":[{"id":"m"}]})");
    if (kind == "sglang") {
      stub_.set_page("/server_info", R"({"model_path":"m","version":"0.5.2"})");
      stub_.set_page("/model_info", R"({"model_path":"m","weight_version":"v1"})");
      set("/update_weights_from_disk", 200, R"({"success":true,"message":"ok"})");
      set("/pause_generation", 200, R"({"message":"paused","status":"ok"})");
      set("/flush_cache", 200, "Cache flushed.\n");
      set("/weights_checker", 404, R"({"detail":"Not Found"})");
    } else if (kind == "vllm") {
      stub_.set_page("/version", R"({"version":"0.11.0"})");
      stub_.set_page("/weight_info", R"({"weight_version":"v1"})");
      set("/reset_prefix_cache", 200, R"({"success":true})");
    } else if (kind == "router" || kind == "llama.cpp") {
      stub_.set_page("/props",
                     std::string{R"({"role":")"} + (kind == "router" ? "router" : "model") +
                         R"(","build_info":"b1","total_slots":1,"model_path":"/m.gguf",)" +
                         R"("default_generation_settings":{"n_ctx":512}})");
      stub_.set_page("/models", state("loaded"));
    }
  }

  static std::string state(const std::string& value, bool failed = false) {
    return R"({"data":[{"id":"other","status":{"value":"unloaded"}},{"id":"m","status":{"value":")" +
           value + R"(")" + (failed ? R"(,"failed":true)" : "") + "}}]}";
  }
  void set(const std::string& path, int status, std::string body) {
    std::lock_guard lock{mutex_};
    answers_[path] = {{status, std::move(body)}};
  }
  /// First this, then what is set.
  void first(const std::string& path, int status, std::string body) {
    std::lock_guard lock{mutex_};
    answers_[path].push_front({status, std::move(body)});
  }
  /// Once this has been asked, the page is that.
  void then_page(const std::string& path, const std::string& page, std::string body) {
    std::lock_guard lock{mutex_};
    after_[path] = {page, std::move(body)};
  }
  stub_server& pages() { return stub_; }
  std::vector<std::string> posted() {
    std::lock_guard lock{mutex_};
    return posted_;
  }
  [[nodiscard]] std::string url() const { return stub_.url(); }

 private:
  void answer(scripted_connection& connection, const std::string& request) {
    auto line = request.substr(5, request.find(' ', 5) - 5);
    auto path = line.substr(0, line.find('?'));
    std::pair<int, std::string> said{200, fine};
    std::optional<std::pair<std::string, std::string>> page;
    {
      std::lock_guard lock{mutex_};
      posted_.push_back(line + " " + request.substr(request.find("\r\n\r\n") + 4));
      auto& list = answers_[path];
      if (!list.empty()) said = list.front();
      if (list.size() > 1) list.pop_front();
      if (auto found = after_.find(path); found != after_.end()) page = found->second;
    }
    if (page) stub_.set_page(page->first, page->second);
    connection.answer(said.second, "application/json", said.first);
  }

  std::mutex mutex_;
  std::map<std::string, std::deque<std::pair<int, std::string>>> answers_;
  std::map<std::string, std::pair<std::string, std::string>> after_;
  std::vector<std::string> posted_;
  /// Last: its threads use the others.
  stub_server stub_;
};

/// The backend in front of it, once it is healthy.
class changed_engine {
 public:
  explicit changed_engine(engine_config config) {
    auto opened = http_backend::open(config, loop_, {.on_status = [this] {
                                       std::lock_guard lock{mutex_};
                                       changed_.notify_all();
                                     }});
    EXPECT_TRUE(opened) << message_of(opened.error());
    backend_ = std::move(*opened);
    wait([](const backend_status& now) { return now.health == schema::Health::HEALTHY; });
  }

  void wait(const std::function<bool(const backend_status&)>& seen) {
    std::unique_lock lock{mutex_};
    while (!seen(backend_->status())) changed_.wait_for(lock, 10ms);
  }
  weight_outcome step(weight_step step, std::chrono::milliseconds timeout = 20s,
                      const std::string& version = "v2") {
    std::promise<weight_outcome> done;
    backend_->change_weights(
        step, {.version = version, .path = "/weights/" + version, .timeout = timeout},
        [&](weight_outcome outcome) { done.set_value(std::move(outcome)); });
    return done.get_future().get();
  }
  /// Its end is not waited for.
  void start(const std::string& prompt) {
    generation_request request{.id = ++ids_, .max_tokens = 8};
    request.messages = {{schema::Role::USER, prompt}};
    static_cast<void>(backend_->start(std::move(request)));
  }
  backend& server() { return *backend_; }
  [[nodiscard]] std::string version() const { return backend_->status().weight_version; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t ids_ = 0;
  std::shared_ptr<http_loop> loop_ = std::make_shared<http_loop>();
  std::unique_ptr<http_backend> backend_;
};

engine_config config_of(const weight_server& server) {
  return engine_at(server.url());
}

TEST(SglangWeights, GoAllTheWay) {
  weight_server server{"sglang"};
  changed_engine engine{config_of(server)};
  EXPECT_EQ(engine.server().abilities().fixed, "");
  EXPECT_TRUE(engine.server().abilities().can_pause);
  EXPECT_EQ(engine.version(), "v1");
  server.then_page("/update_weights_from_disk", "/model_info", R"({"weight_version":"v2"})");
  server.set("/weights_checker", 200, R"({"checksum":"abc"})");
  for (auto each : {weight_step::pause, weight_step::load, weight_step::flush})
    EXPECT_EQ(engine.step(each).error, "");
  auto check = engine.step(weight_step::check);
  EXPECT_EQ(check.code, errc::unknown) << check.error;
  EXPECT_EQ(check.version, "v2");
  EXPECT_THAT(check.detail, HasSubstr("abc"));
  EXPECT_EQ(engine.version(), "v2");
  EXPECT_EQ(engine.step(weight_step::resume).error, "");
  EXPECT_THAT(
      server.posted(),
      ElementsAre(
          R"(/pause_generation {"mode":"retract"})",
          R"(/update_weights_from_disk {"model_path":"/weights/v2","weight_version":"v2","abort_all_requests":false,"flush_cache":true,"keep_pause":true})",
          "/flush_cache?timeout=30 {}", R"(/weights_checker {"action":"checksum"})",
          "/continue_generation {}"));
}

TEST(SglangWeights, ARefusedLoadSaysWhy) {
  weight_server server{"sglang"};
  changed_engine engine{config_of(server)};
  server.set("/update_weights_from_disk", 400,
             R"({"success":false,"message":"no such folder","num_paused_requests":0})");
  auto out = engine.step(weight_step::load);
  EXPECT_EQ(out.code, errc::engine_failed);
  EXPECT_THAT(out.error, HasSubstr("no such folder"));
  server.set("/update_weights_from_disk", 200, R"({"success":false,"message":"shapes differ"})");
  EXPECT_THAT(engine.step(weight_step::load).error, HasSubstr("shapes differ"));
}

TEST(SglangWeights, AFlushIsTriedAgainWhileItIsNotIdleAndThenRefused) {
  weight_server server{"sglang"};
  changed_engine engine{config_of(server)};
  server.first("/flush_cache", 400, "Flush cache failed.");
  EXPECT_EQ(engine.step(weight_step::flush).error, "");
  EXPECT_EQ(server.posted().size(), 2u);
  server.set("/flush_cache", 400, "Flush cache failed.");
  auto out = engine.step(weight_step::flush);
  EXPECT_EQ(out.code, errc::engine_failed);
  EXPECT_THAT(out.error, HasSubstr("Flush cache failed., 5 times"));
  EXPECT_EQ(server.posted().size(), 7u);
}

TEST(SglangWeights, TheOldVersionShowsAtTheCheck) {
  weight_server server{"sglang"};
  changed_engine engine{config_of(server)};
  EXPECT_EQ(engine.step(weight_step::load).error, "");
  EXPECT_EQ(engine.step(weight_step::check).version, "v1") << "what it serves, whatever it said";
  EXPECT_EQ(engine.version(), "v1");
  server.pages().set_page("/model_info", R"({"model_path":"m"})");
  EXPECT_THAT(engine.step(weight_step::check).error, HasSubstr("does not say"));
}

TEST(SglangWeights, RefusedPausesAndResumesSayWhy) {
  weight_server server{"sglang"};
  changed_engine engine{config_of(server)};
  server.set("/pause_generation", 500, R"({"error":{"message":"busy elsewhere"}})");
  EXPECT_THAT(engine.step(weight_step::pause).error, HasSubstr("busy elsewhere"));
  server.set("/continue_generation", 500, "no");
  EXPECT_EQ(engine.step(weight_step::resume).code, errc::engine_failed);
  server.set("/continue_generation", 404, "");
  EXPECT_EQ(engine.step(weight_step::resume).code, errc::unknown) << "it was never paused";
}

TEST(SglangWeights, AVersionFromTheConfigGivesWayToWhatTheServerSays) {
  weight_server server{"sglang"};
  auto config = config_of(server);
  config.weight_version = "prod";
  changed_engine engine{config};
  EXPECT_EQ(engine.version(), "prod");
  server.then_page("/update_weights_from_disk", "/model_info", R"({"weight_version":"v2"})");
  EXPECT_EQ(engine.step(weight_step::load).error, "");
  EXPECT_EQ(engine.step(weight_step::check).version, "v2");
  EXPECT_EQ(engine.version(), "v2");
  // Somebody else changes them.
  server.pages().set_page("/model_info", R"({"weight_version":"v3"})");
  engine.wait([](const backend_status& now) { return now.weight_version == "v3"; });
}

TEST(VllmWeights, GoAllTheWay) {
  weight_server server{"vllm"};
  changed_engine engine{config_of(server)};
  EXPECT_EQ(engine.server().abilities().fixed, "");
  server.then_page("/update_weight_version", "/weight_info", R"({"weight_version":"v2"})");
  for (auto each : {weight_step::load, weight_step::flush}) EXPECT_EQ(engine.step(each).error, "");
  EXPECT_EQ(engine.step(weight_step::check).version, "v2");
  EXPECT_EQ(engine.step(weight_step::resume).error, "");
  EXPECT_THAT(
      server.posted(),
      ElementsAre(
          "/pause?mode=wait&clear_cache=true {}",
          R"(/collective_rpc {"method":"reload_weights","kwargs":{"weights_path":"/weights/v2"}})",
          R"(/update_weight_version {"new_version":"v2"})", "/reset_prefix_cache {}",
          "/resume {}"));
}

TEST(VllmWeights, WithoutDevelopmentModeTheErrorSaysSo) {
  weight_server server{"vllm"};
  changed_engine engine{config_of(server)};
  server.set("/pause", 404, R"({"detail":"Not Found"})");
  auto out = engine.step(weight_step::load);
  EXPECT_EQ(out.code, errc::invalid_argument);
  EXPECT_THAT(out.error, HasSubstr("VLLM_SERVER_DEV_MODE=1"));
  server.set("/resume", 404, R"({"detail":"Not Found"})");
  EXPECT_EQ(engine.step(weight_step::resume).code, errc::unknown) << "nothing was paused";
}

TEST(VllmWeights, RefusalsSayWhy) {
  weight_server server{"vllm"};
  changed_engine engine{config_of(server)};
  server.set("/collective_rpc", 500, R"({"error":{"message":"no such file"}})");
  EXPECT_THAT(engine.step(weight_step::load).error, HasSubstr("no such file"));
  server.set("/reset_prefix_cache", 200, R"({"success":false})");
  EXPECT_THAT(engine.step(weight_step::flush).error, HasSubstr("success: false), 5 times"));
  server.pages().remove_page("/weight_info");
  EXPECT_THAT(engine.step(weight_step::check).error, HasSubstr("VLLM_SERVER_DEV_MODE=1"));
}

TEST(LlamaRouterWeights, UnloadAndLoadWhatLiesAtItsPlace) {
  weight_server server{"router"};
  auto config = config_of(server);
  auto folder =
      std::filesystem::temp_directory_path() / ("tandem-place-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  config.weights.place = folder / "m.gguf";
  changed_engine engine{config};
  EXPECT_EQ(engine.server().abilities().fixed, "");
  server.then_page("/models/unload", "/models", weight_server::state("unloaded"));
  server.then_page("/models/load", "/models", weight_server::state("loaded"));
  EXPECT_EQ(engine.step(weight_step::load).error, "");
  EXPECT_EQ(std::filesystem::read_symlink(config.weights.place), "/weights/v2");
  EXPECT_THAT(server.posted(),
              ElementsAre(R"(/models/unload {"model":"m"})", R"(/models/load {"model":"m"})"));
  EXPECT_EQ(engine.version(), "v2") << "it does not say, so what it loaded is believed";
  EXPECT_EQ(engine.step(weight_step::flush).error, "");
  EXPECT_EQ(engine.step(weight_step::check).error, "");
  // Once more, over the link that is there.
  EXPECT_EQ(engine.step(weight_step::load).error, "");
  std::filesystem::remove_all(folder);
}

TEST(LlamaRouterWeights, AModelThatDiesWhileLoadingOrNeverLoadsIsAFailure) {
  weight_server server{"router"};
  auto config = config_of(server);
  auto folder =
      std::filesystem::temp_directory_path() / ("tandem-dies-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  config.weights.place = folder / "m.gguf";
  changed_engine engine{config};
  server.then_page("/models/unload", "/models", weight_server::state("unloaded"));
  server.then_page("/models/load", "/models", weight_server::state("unloaded", true));
  auto out = engine.step(weight_step::load);
  EXPECT_EQ(out.code, errc::engine_failed);
  EXPECT_THAT(out.error, HasSubstr("loading it has failed"));
  server.then_page("/models/load", "/models", weight_server::state("loading"));
  out = engine.step(weight_step::load, 700ms);
  EXPECT_EQ(out.code, errc::deadline_exceeded);
  EXPECT_THAT(out.error, HasSubstr("'m' is loading"));
  std::filesystem::remove_all(folder);
}

TEST(LlamaRouterWeights, WithoutAPlaceTheErrorSaysSo) {
  weight_server server{"router"};
  changed_engine engine{config_of(server)};
  EXPECT_THAT(engine.step(weight_step::load).error, HasSubstr("[engine.weights] place"));
  EXPECT_THAT(server.posted(), IsEmpty());
}

engine_config lora_config(const weight_server& server) {
  auto config = config_of(server);
  config.weights.lora = "tuned";
  return config;
}

TEST(LoraWeights, AreAskedForByEachRequestOnceTheyAreLoaded) {
  using ::testing::AllOf;
  using ::testing::Contains;
  for (const std::string kind : {"sglang", "vllm"}) {
    weight_server server{kind};
    changed_engine engine{lora_config(server)};
    EXPECT_TRUE(engine.server().abilities().swaps_in_place);
    engine.start("before");
    EXPECT_EQ(engine.step(weight_step::load).error, "");
    EXPECT_EQ(engine.version(), "v2");
    for (auto each : {weight_step::flush, weight_step::check, weight_step::resume})
      EXPECT_EQ(engine.step(each).error, "");
    engine.start("after");
    while (server.posted().size() < 3) std::this_thread::yield();
    auto is_vllm = kind == "vllm";
    auto load = std::string{is_vllm ? "/v1/" : "/"} +
                R"(load_lora_adapter {"lora_name":"tuned-v2","lora_path":"/weights/v2"})";
    auto named = is_vllm ? R"("model":"tuned-v2")" : R"("lora_path":"tuned-v2")";
    EXPECT_THAT(server.posted(), Contains(load));
    EXPECT_THAT(server.posted(), Contains(AllOf(HasSubstr("after"), HasSubstr(named))));
    EXPECT_THAT(server.posted(), Contains(AllOf(HasSubstr("before"), HasSubstr(R"("model":"m")"))));
  }
}

TEST(LoraWeights, TheOneBeforeTheLastIsUnloaded) {
  weight_server server{"sglang"};
  changed_engine engine{lora_config(server)};
  for (auto version : {"v2", "v3", "v4"})
    EXPECT_EQ(engine.step(weight_step::load, 20s, version).error, "");
  EXPECT_THAT(server.posted(),
              ::testing::Contains(R"(/unload_lora_adapter {"lora_name":"tuned-v2"})"));
  EXPECT_EQ(server.posted().size(), 4u);
}

TEST(LoraWeights, ARefusedAdapterIsAFailure) {
  weight_server server{"sglang"};
  changed_engine engine{lora_config(server)};
  server.set("/load_lora_adapter", 400, R"({"success":false,"error_message":"rank too high"})");
  EXPECT_THAT(engine.step(weight_step::load).error, HasSubstr("rank too high"));
  EXPECT_EQ(engine.version(), "v1");
  server.set("/load_lora_adapter", 404, "");
  EXPECT_THAT(engine.step(weight_step::load).error, HasSubstr("--enable-lora"));
}

TEST(LoraWeights, OfLlamaServerAreThoseThatItWasStartedWith) {
  weight_server server{"llama.cpp"};
  changed_engine engine{lora_config(server)};
  server.pages().set_page("/lora-adapters", R"([{"id":0,"path":"a.gguf","scale":0.0}])");
  EXPECT_THAT(engine.step(weight_step::load).error, HasSubstr("--lora"));
  server.pages().set_page("/lora-adapters", R"([{"id":0,"path":"a"},{"id":3,"path":"/x/v2"}])");
  EXPECT_EQ(engine.step(weight_step::load).error, "");
  EXPECT_EQ(engine.version(), "v2");
  engine.start("after");
  while (server.posted().empty()) std::this_thread::yield();
  EXPECT_THAT(server.posted().at(0), HasSubstr(R"("lora":[{"id":3,"scale":1.0}])"));
}

TEST(HttpWeights, OfOtherServersAreFixedAndTheReasonHelps) {
  weight_server plain{"openai"};
  changed_engine provider{config_of(plain)};
  EXPECT_THAT(provider.server().abilities().fixed, HasSubstr("[engine.weights] load"));
  EXPECT_EQ(provider.step(weight_step::load).code, errc::invalid_argument);
  weight_server llama{"llama.cpp"};
  changed_engine single{config_of(llama)};
  EXPECT_THAT(single.server().abilities().fixed, HasSubstr("managed"));
}

TEST(HttpWeights, AServerThatHangsUpWhileLoadingIsAFailure) {
  weight_server server{"sglang"};
  stub_server dying{
      [](scripted_connection& connection, const std::string&) { connection.hang_up(); }};
  dying.set_page("/health", "");
  dying.set_page("/v1/models", R"({"object":"list","data":[{"id":"m"}]})");
  dying.set_page("/server_info", R"({"model_path":"m","version":"0.5.2"})");
  changed_engine engine{engine_at(dying.url())};
  auto out = engine.step(weight_step::load);
  EXPECT_EQ(out.code, errc::engine_failed);
  EXPECT_THAT(out.error, StartsWith("/update_weights_from_disk: "));
}

TEST(ExecWeights, RunTheCommandsAndBelieveTheCheck) {
  weight_server server{"openai"};
  auto config = config_of(server);
  config.weights.load = {"sh", "-c",     "test \"$1\" = /weights/v2 && test \"$2\" = v2",
                         "sh", "{path}", "{version}"};
  config.weights.check = {"printf", "{version}\\nmore"};
  changed_engine engine{config};
  EXPECT_EQ(engine.server().abilities().fixed, "");
  EXPECT_FALSE(engine.server().abilities().can_pause);
  EXPECT_EQ(engine.step(weight_step::load).error, "");
  EXPECT_EQ(engine.step(weight_step::flush).error, "") << "no command: nothing to do";
  auto check = engine.step(weight_step::check);
  EXPECT_EQ(check.version, "v2") << check.error;
  engine.wait([](const backend_status& now) { return now.weight_version == "v2"; });
  EXPECT_EQ(engine.step(weight_step::resume).error, "");
  EXPECT_THAT(server.posted(), IsEmpty());
}

TEST(ExecWeights, FailuresSayWhatTheCommandWroteAndTimeoutsEndIt) {
  weight_server server{"openai"};
  auto config = config_of(server);
  config.weights.load = {"sh", "-c", "echo no room left >&2; exit 3"};
  config.weights.pause = {"sleep", "1000"};
  config.weights.flush = {"/no/such/program"};
  config.weights.check = {"true"};
  changed_engine engine{config};
  auto out = engine.step(weight_step::load);
  EXPECT_EQ(out.code, errc::engine_failed);
  EXPECT_THAT(out.error, HasSubstr("exit code 3: no room left"));
  EXPECT_EQ(engine.step(weight_step::pause, 50ms).code, errc::deadline_exceeded);
  EXPECT_EQ(engine.step(weight_step::flush).code, errc::invalid_argument);
  EXPECT_THAT(engine.step(weight_step::check).error, HasSubstr("wrote no version"));
}

}  // namespace
}  // namespace tandem
