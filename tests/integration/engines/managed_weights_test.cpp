// A managed engine is started anew with other weights: the stub, and a real llama-server.

#include <condition_variable>
#include <csignal>
#include <future>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/engine/make_backend.hpp"
#include "actors/http/http_loop.hpp"
#include "tests/integration/engines/llama_server.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::test {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;

/// The engine's backend with its process, and waits for what it reports.
class managed_engine {
 public:
  explicit managed_engine(const engine_config& config) {
    auto notify = [this] {
      std::lock_guard lock{mutex_};
      changed_.notify_all();
    };
    auto opened = make_backend(config, {.http = loop_, .data_folder = folder_.path()},
                               {.on_text = [](std::uint64_t, std::string) {},
                                .on_done =
                                    [this](std::uint64_t, generation result) {
                                      std::lock_guard lock{mutex_};
                                      result_ = std::move(result);
                                      changed_.notify_all();
                                    },
                                .on_status = notify});
    EXPECT_TRUE(opened) << message_of(opened.error());
    backend_ = std::move(*opened);
  }

  backend_status wait_healthy(std::uint32_t restarts = 0) {
    std::unique_lock lock{mutex_};
    for (;;) {
      auto now = backend_->status();
      if (now.health == schema::Health::HEALTHY && now.process_restarts >= restarts) return now;
      changed_.wait_for(lock, 10ms);
    }
  }
  weight_outcome step(weight_step step, const std::string& version,
                      const std::filesystem::path& path, std::chrono::milliseconds timeout = 60s) {
    std::promise<weight_outcome> done;
    backend_->change_weights(step, {.version = version, .path = path, .timeout = timeout},
                             [&](weight_outcome outcome) { done.set_value(std::move(outcome)); });
    return done.get_future().get();
  }
  generation ask(const std::string& prompt) {
    generation_request request{.id = ++ids_, .max_tokens = 32};
    request.messages = {{schema::Role::USER, prompt}};
    EXPECT_TRUE(std::holds_alternative<generation_pending>(backend_->start(std::move(request))));
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return result_.has_value(); });
    return *std::exchange(result_, std::nullopt);
  }
  backend& server() { return *backend_; }

 private:
  temp_folder folder_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<generation> result_;
  std::uint64_t ids_ = 0;
  std::shared_ptr<http_loop> loop_ = std::make_shared<http_loop>();
  std::unique_ptr<backend> backend_;
};

/// A stub that answers everything with its weights' path; some paths are trouble.
engine_config stub_config() {
  engine_config config{.name = "e", .kind = "managed", .model = "m", .path = "/weights/v1"};
  config.weight_version = "v1";
  config.process.command = {"sh",
                            "-c",
                            "case \"$1\" in *dies*) echo no room; exit 3;; *hangs*) exec sleep "
                            "1000;; esac; exec " TANDEM_BIN_DIR
                            "/stub_engine --kind llama.cpp --model m --port \"$2\" --answer \"$1\"",
                            "sh",
                            "{path}",
                            "{port}"};
  config.process.restart_pause = 10ms;
  config.http.health_interval = 50ms;
  return config;
}

TEST(ManagedWeights, AreThoseOfTheNewPathAlsoAfterACrash) {
  managed_engine engine{stub_config()};
  auto before = engine.wait_healthy();
  EXPECT_EQ(before.weight_version, "v1");
  EXPECT_EQ(engine.server().abilities().fixed, "");
  EXPECT_EQ(engine.ask("x").text, "/weights/v1");
  EXPECT_EQ(engine.step(weight_step::load, "v2", "/weights/v2").error, "");
  for (auto each : {weight_step::flush, weight_step::resume})
    EXPECT_EQ(engine.step(each, "v2", "/weights/v2").error, "");
  EXPECT_EQ(engine.step(weight_step::check, "v2", "/weights/v2").version, "v2");
  auto now = engine.wait_healthy();
  EXPECT_NE(now.process_id, before.process_id);
  EXPECT_EQ(now.process_restarts, 0u) << "it was meant to be";
  EXPECT_EQ(engine.ask("x").text, "/weights/v2");
  ::kill(static_cast<pid_t>(now.process_id), SIGKILL);
  // Until it is probed again the new process passes for the old one, and is not reached.
  generation after;
  do {
    now = engine.wait_healthy(1);
    after = engine.ask("x");
  } while (after.is_unreached);
  EXPECT_EQ(after.text, "/weights/v2") << after.error;
  EXPECT_EQ(now.weight_version, "v2");
}

TEST(ManagedWeights, AServerThatDiesWhileLoadingIsAFailureAndTheOldOnesComeBack) {
  managed_engine engine{stub_config()};
  engine.wait_healthy();
  auto out = engine.step(weight_step::load, "v2", "/weights/dies");
  EXPECT_EQ(out.code, errc::engine_failed);
  EXPECT_THAT(out.error, HasSubstr("exit code 3"));
  EXPECT_EQ(engine.step(weight_step::load, "v1", "/weights/v1").error, "");
  EXPECT_EQ(engine.ask("x").text, "/weights/v1");
}

TEST(ManagedWeights, AServerThatIsNeverReadyIsGivenUpAndTheOldOnesComeBack) {
  managed_engine engine{stub_config()};
  engine.wait_healthy();
  auto out = engine.step(weight_step::load, "v2", "/weights/hangs", 500ms);
  EXPECT_EQ(out.code, errc::deadline_exceeded);
  EXPECT_EQ(engine.step(weight_step::load, "v1", "/weights/v1").error, "");
  EXPECT_EQ(engine.ask("x").text, "/weights/v1");
}

TEST(ManagedWeights, OneThatIsNotStartedAgainStillComesBackWithOthers) {
  auto config = stub_config();
  config.process.restart = "never";
  managed_engine engine{config};
  auto now = engine.wait_healthy();
  ::kill(static_cast<pid_t>(now.process_id), SIGKILL);
  EXPECT_EQ(engine.step(weight_step::load, "v2", "/weights/v2").error, "");
  EXPECT_EQ(engine.ask("x").text, "/weights/v2");
}

TEST(ManagedWeights, ACommandWithoutAPathCannotBeToldOthers) {
  auto config = stub_config();
  config.process.command.at(4) = "/weights/v1";
  managed_engine engine{config};
  EXPECT_THAT(engine.server().abilities().fixed, HasSubstr("{path}"));
  EXPECT_EQ(engine.step(weight_step::load, "v2", "/weights/v2").code, errc::invalid_argument);
}

TEST(ManagedWeights, ARealLlamaServerGoesFromOneToTheNext) {
  constexpr auto* how =
      "no llama-server: run scripts/engines.sh, or point TANDEM_LLAMA_SERVER at one";
  auto program = find_llama_server();
  if (!program) {
    if (must_have_llama_server()) FAIL() << how;
    GTEST_SKIP() << how;
  }
  engine_config config{.name = "e", .kind = "managed", .model = "tiny"};
  config.path = model_file("tandem-executor-v1-f16.gguf");
  config.process.command = {program->string(),
                            "-m",
                            "{path}",
                            "--host",
                            "127.0.0.1",
                            "--port",
                            "{port}",
                            "-np",
                            "1",
                            "-c",
                            "1024",
                            "-t",
                            "1"};
  config.http.health_interval = 100ms;
  managed_engine engine{config};
  auto before = engine.wait_healthy();
  EXPECT_EQ(before.weight_version, "tandem-executor-v1-f16.gguf");
  EXPECT_EQ(engine.ask("add 12 7").code, errc::unknown);
  auto next = model_file("tandem-executor-v2-f16.gguf");
  EXPECT_EQ(engine.step(weight_step::load, "v2", next).error, "");
  auto now = engine.wait_healthy();
  EXPECT_NE(now.process_id, before.process_id);
  EXPECT_EQ(now.weight_version, "v2");
  auto said = engine.ask("add 12 7");
  EXPECT_EQ(said.code, errc::unknown) << said.error;
  EXPECT_EQ(said.text, "19");
  auto out = engine.step(weight_step::load, "v3", "/no/such/file.gguf");
  EXPECT_EQ(out.code, errc::engine_failed);
  EXPECT_EQ(engine.step(weight_step::load, "v1", config.path).error, "");
  EXPECT_EQ(engine.ask("add 12 7").code, errc::unknown);
}

}  // namespace
}  // namespace tandem::test
