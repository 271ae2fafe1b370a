#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/alarm/alarm_book.hpp"
#include "actors/alarm/alarm_config.hpp"
#include "actors/alarm/alarm_rules.hpp"
#include "actors/alarm/alarm_watch_actor.hpp"
#include "actors/alarm/webhook_queue.hpp"
#include "actors/http/http_loop.hpp"
#include "actors/metrics/metrics_history.hpp"
#include "actors/metrics/node_metrics.hpp"
#include "actors/supervisor/supervisor_actor.hpp"

namespace tandem {

using alarm_watch_inside = alarm_watch_actor::extend<
    // To itself: look now; send what waits for the webhook.
    caf::reacts_to<wake_atom>, caf::reacts_to<work_atom>,
    // From the HTTP loop's thread: how the webhook has answered (0: not at all), and why.
    caf::reacts_to<done_atom, int, std::string>>;

struct alarm_watch_start {
  alarm_config config;
  std::string node;
  /// The node's own, once it is there.
  std::function<supervisor_actor()> supervisor;
  std::shared_ptr<alarm_book> book = std::make_shared<alarm_book>();
  /// Null: nothing is counted, so no alarm is about errors or cost.
  std::shared_ptr<const node_metrics> metrics;
  /// What it finds goes here too; null: nowhere.
  std::shared_ptr<metrics_history> history;
  /// Of the webhook; null only without one.
  std::shared_ptr<http_loop> http;
  /// Whose disk may become full; empty: nobody looks.
  std::filesystem::path folder;
  /// Unix time; 0: it has none. May be empty.
  std::function<std::uint64_t()> certificate_ends_at_ms;
};

/// Spawn it detached: it looks at the disk, and reads the webhook's token.
struct alarm_watch_state {
  static constexpr const char* name = "alarm_watch";
  using pointer = alarm_watch_inside::stateful_pointer<alarm_watch_state>;

  /// The latest answer of one source. Asked again only once it has come, or is long overdue.
  template <class Message>
  struct source {
    Message latest;
    std::uint32_t overdue = 0;
  };

  alarm_watch_state() = default;
  alarm_watch_state(const alarm_watch_state&) = delete;
  alarm_watch_state& operator=(const alarm_watch_state&) = delete;

  alarm_watch_start start;
  alarm_rules rules{alarm_config{}};
  webhook_queue webhook;
  source<tmsg::topo> topology;
  source<tmsg::cachrpt> cache;
  source<tmsg::rtrep> routing;
  source<tmsg::wtrep> weights;
  std::uint64_t looks = 0;
  std::uint64_t begun = 0;
  std::string last_error;

  void tick(pointer self);
  void ask(pointer self, const supervisor_actor& supervisor);
  void look(pointer self);
  void say(const alarm_changes& changes) const;
  void send_webhook(pointer self);
  void on_webhook(pointer self, int status, const std::string& why);
};

[[nodiscard]] alarm_watch_inside::behavior_type alarm_watch_behavior(
    alarm_watch_state::pointer self, alarm_watch_start start);

}  // namespace tandem
