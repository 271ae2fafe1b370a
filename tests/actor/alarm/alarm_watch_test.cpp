// The watch of alarms as a child of a real supervisor, with a real HTTP server as its webhook.

#include "actors/alarm/alarm_watch.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/clock.hpp"
#include "actors/supervisor/supervisor.hpp"
#include "actors/system/caf_settings.hpp"
#include "schema/text.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/unit/http/scripted_server.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr auto patience = 30s;
constexpr std::uint64_t day_ms = 24 * 3600 * 1000;

/// Requests that came, in order, and the statuses that they are answered with.
class webhook_log {
 public:
  void push(std::string request) {
    std::lock_guard lock{mutex_};
    requests_.push_back(std::move(request));
    came_.notify_all();
  }
  /// Empty: none came in time.
  std::string pop() {
    std::unique_lock lock{mutex_};
    if (!came_.wait_for(lock, patience, [this] { return !requests_.empty(); })) return {};
    auto first = std::move(requests_.front());
    requests_.pop_front();
    return first;
  }

  std::atomic<int> status{200};

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::string> requests_;
};

class AlarmWatch : public ::testing::Test {
 protected:
  AlarmWatch() {
    config_ = std::move(*system_config::make({.threads = 2}));
    config_->add_message_types<caf::id_block::tandem_handles>();
    system_ = std::make_unique<caf::actor_system>(*config_);
    test::write_text(folder_.path() / "token", "secret-token\nand more\n");
    start_.config.webhook = "http://127.0.0.1:" + std::to_string(server_.port()) + "/hook";
    start_.config.webhook_token_file = folder_.path() / "token";
    start_.config.interval = 20ms;
    start_.node = "alpha";
    start_.metrics = std::make_shared<node_metrics>();
    start_.history = std::make_shared<metrics_history>();
    start_.http = std::make_shared<http_loop>();
    start_.folder = folder_.path();
    start_.supervisor = [this] { return caf::actor_cast<supervisor_actor>(supervisor_); };
    start_.certificate_ends_at_ms = [this] { return ends_at_ms_.load(); };
  }
  ~AlarmWatch() override {
    if (!supervisor_) return;
    caf::anon_send(supervisor_, stop_atom_v);
    caf::scoped_actor self{*system_};
    self->wait_for(supervisor_);
    supervisor_ = nullptr;
  }

  void run() {
    // The watch asks for it as soon as it is there.
    child_spec child{
        .name = "alarm_watch", .kind = "alarm_watch", .spawn = [this](caf::actor_system& system) {
          return caf::actor_cast<caf::actor>(
              system.spawn<caf::detached>(alarm_watch_behavior, start_));
        }};
    supervisor_ = system_->spawn(
        supervisor_behavior, supervisor_config{}, node_description{.name = "alpha"},
        std::vector<child_spec>{},
        node_services{.planner = [] { return planner_actor{}; }, .alarms = start_.book});
    caf::scoped_actor self{*system_};
    self->request(supervisor_, patience, add_atom_v, std::move(child))
        .receive([](caf::ok_atom) {}, [](const caf::error& err) { FAIL() << message_of(err); });
  }

  tmsg::topo topology() {
    tmsg::topo found;
    caf::scoped_actor self{*system_};
    self->request(supervisor_, patience, topo_atom_v)
        .receive([&](const tmsg::topo& told) { found = told; },
                 [](const caf::error& err) { ADD_FAILURE() << message_of(err); });
    return found;
  }

  test::temp_folder folder_;
  webhook_log log_;
  testing::scripted_server server_{[this](testing::scripted_connection& connection) {
    for (;;) {
      auto request = connection.read_request();
      if (request.empty()) return;
      auto status = log_.status.load();
      log_.push(std::move(request));
      if (!connection.answer("", "text/plain", status)) return;
    }
  }};
  std::atomic<std::uint64_t> ends_at_ms_{0};
  alarm_watch_start start_;
  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  supervisor_inside supervisor_;
};

TEST_F(AlarmWatch, TellsTheWebhookAndTheTopologyOfWhatBeginsAndEnds) {
  ends_at_ms_ = unix_ms() + day_ms / 2;
  run();
  auto first = log_.pop();
  EXPECT_THAT(
      first,
      AllOf(StartsWith("POST /hook HTTP/1.1"), HasSubstr("Authorization: Bearer secret-token\r\n"),
            HasSubstr("Content-Type: application/json"), HasSubstr(R"("version":"4")"),
            HasSubstr(R"("status":"firing")"), HasSubstr(R"("alertname":"CertificateExpiry")"),
            HasSubstr(R"("node":"alpha")")));
  auto found = topology();
  auto reader = found.read();
  auto alarms = reader->getNodes()[0].getAlarms();
  ASSERT_EQ(alarms.size(), 1);
  EXPECT_EQ(view(alarms[0].getName()), "CertificateExpiry");
  EXPECT_EQ(alarms[0].getSeverity(), schema::AlarmSeverity::CRITICAL);
  // It was told once, however often the node is looked at.
  ends_at_ms_ = unix_ms() + 365 * day_ms;
  auto second = log_.pop();
  EXPECT_THAT(second, AllOf(HasSubstr(R"("status":"resolved")"), Not(HasSubstr("firing"))));
  EXPECT_THAT(start_.book->active(), IsEmpty());
  EXPECT_EQ(start_.book->ended().size(), 1);
  EXPECT_THAT(start_.history->json(60, unix_ms()), HasSubstr("\"name\":\"cost_usd\""));
}

TEST_F(AlarmWatch, TellsAgainWhatTheWebhookDidNotTake) {
  log_.status = 503;
  ends_at_ms_ = unix_ms() + day_ms / 2;
  run();
  auto first = log_.pop();
  log_.status = 200;
  auto again = log_.pop();
  EXPECT_THAT(first, HasSubstr("CertificateExpiry"));
  EXPECT_EQ(first.substr(first.find("\r\n\r\n")), again.substr(again.find("\r\n\r\n")));
}

TEST_F(AlarmWatch, WaitsForATokenThatCannotBeRead) {
  std::filesystem::remove(start_.config.webhook_token_file);
  ends_at_ms_ = unix_ms() + day_ms / 2;
  run();
  // Its own status says what is wrong.
  auto deadline = std::chrono::steady_clock::now() + patience;
  std::string last_error;
  while (last_error.empty() && std::chrono::steady_clock::now() < deadline) {
    auto found = topology();
    auto reader = found.read();
    for (auto actor : reader->getNodes()[0].getActors())
      if (view(actor.getKind()) == "alarm_watch") last_error = view(actor.getLastError());
  }
  EXPECT_THAT(last_error, HasSubstr("webhook_token_file"));
  test::write_text(start_.config.webhook_token_file, "late\n");
  EXPECT_THAT(log_.pop(), HasSubstr("Authorization: Bearer late\r\n"));
}

}  // namespace
}  // namespace tandem
