#include "actors/alarm/alarm_watch.hpp"

#include <algorithm>
#include <fstream>
#include <utility>

#include <caf/send.hpp>

#include <spdlog/spdlog.h>

#include "actors/clock.hpp"
#include "actors/status.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::chrono::milliseconds webhook_timeout{10'000};
constexpr std::size_t webhook_answer_max = std::size_t{64} * 1024;
/// Looks until a source that does not answer is asked again: its answer may have died with an
/// actor.
constexpr std::uint32_t overdue_max = 12;
constexpr std::size_t token_bytes_max = 4096;

/// What the webhook says; only its status counts.
class webhook_answer : public http_handler {
 public:
  explicit webhook_answer(caf::actor_addr watch) : watch_{std::move(watch)} {}

  http_next on_body(std::string_view) override { return http_next::progressed; }
  void on_end(http_outcome outcome) override {
    auto watch = caf::actor_cast<alarm_watch_inside>(watch_);
    if (!watch) return;
    auto status = outcome.failure == http_failure::none ? outcome.status : 0;
    // A URL that cannot be used is not better the next time.
    if (outcome.failure == http_failure::invalid) status = 400;
    auto why = outcome.failure == http_failure::none ? "HTTP " + std::to_string(outcome.status)
                                                     : std::move(outcome.text);
    caf::anon_send(watch, done_atom_v, status, std::move(why));
  }

 private:
  caf::actor_addr watch_;
};

caf::expected<std::string> read_token(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::string line;
  std::getline(in, line);
  if (line.ends_with('\r')) line.pop_back();
  auto printable = std::all_of(line.begin(), line.end(), [](char c) { return c > ' ' && c < 127; });
  if (line.empty() || line.size() > token_bytes_max || !printable)
    return make_error(errc::invalid_argument, "alarms.webhook_token_file: " + file.string() +
                                                  " cannot be read, or its first line is no token");
  return line;
}

/// Made anew each time: tokens are replaced.
caf::expected<std::shared_ptr<const http_endpoint>> webhook_endpoint(const alarm_config& config) {
  auto endpoint = std::make_shared<http_endpoint>();
  endpoint->method = "POST";
  endpoint->url = config.webhook;
  endpoint->headers = {"Content-Type: application/json", "User-Agent: tandem"};
  endpoint->total_timeout = webhook_timeout;
  endpoint->response_bytes_max = webhook_answer_max;
  if (!config.webhook_token_file.empty()) {
    auto token = read_token(config.webhook_token_file);
    if (!token) return std::move(token.error());
    endpoint->headers.push_back("Authorization: Bearer " + *token);
  }
  return std::shared_ptr<const http_endpoint>{std::move(endpoint)};
}

tmsg::cachcmd cache_question() {
  message_builder<schema::CacheCommand> question;
  question->setAction(schema::CacheAction::STATS);
  question->setOwn(true);
  return question.finish();
}

tmsg::rtcmd routing_question() {
  message_builder<schema::RouteCommand> question;
  question->setAction(schema::RouteAction::STATUS);
  return question.finish();
}

tmsg::wtcmd weights_question() {
  message_builder<schema::WeightCommand> question;
  question->setAction(schema::WeightAction::STATUS);
  return question.finish();
}

}  // namespace

void alarm_watch_state::ask(pointer self, const supervisor_actor& supervisor) {
  // None of them has a timer: see `job`. What is lost with an actor is overdue after a while.
  auto next = [self, &supervisor](auto& of, auto verb, auto question) {
    if (of.overdue != 0 && ++of.overdue <= overdue_max) return;
    of.overdue = 1;
    self->request(supervisor, caf::infinite, verb, question)
        .then(
            [&of](const std::decay_t<decltype(of.latest)>& answer) {
              of.latest = answer;
              of.overdue = 0;
            },
            [&of](const caf::error&) {
              of.latest = {};
              of.overdue = 0;
            });
  };
  next(cache, cache_atom_v, cache_question());
  next(routing, route_atom_v, routing_question());
  next(weights, weight_atom_v, weights_question());
  if (topology.overdue != 0 && ++topology.overdue <= overdue_max) {
    // Nothing is known of the cluster now; the rest is looked at all the same.
    topology.latest = {};
    return look(self);
  }
  topology.overdue = 1;
  auto answered = [self](tmsg::topo found) {
    auto& state = self->state;
    state.topology.overdue = 0;
    state.topology.latest = std::move(found);
    state.look(self);
  };
  self->request(supervisor, caf::infinite, topo_atom_v)
      .then([answered](const tmsg::topo& found) { answered(found); },
            [answered](const caf::error&) { answered({}); });
}

void alarm_watch_state::tick(pointer self) {
  self->delayed_send(self, start.config.interval, wake_atom_v);
  if (auto supervisor = start.supervisor()) ask(self, supervisor);
}

void alarm_watch_state::look(pointer self) {
  ++looks;
  alarm_view seen{.now_ms = unix_ms(),
                  .topology = topology.latest,
                  .cache = cache.latest,
                  .weights = weights.latest};
  metric_totals totals;
  if (start.metrics) totals = start.metrics->totals();
  seen.sums = {totals.attempts, totals.attempts_failed, totals.cost_usd};
  if (start.certificate_ends_at_ms) seen.certificate_ends_at_ms = start.certificate_ends_at_ms();
  std::error_code failed;
  if (!start.folder.empty())
    if (auto space = std::filesystem::space(start.folder, failed); !failed) {
      seen.disk_free_bytes = space.available;
      seen.disk_size_bytes = space.capacity;
    }
  auto changes = rules.look(seen);
  begun += changes.begun.size();
  start.book->set(rules.active(), changes.ended);
  say(changes);
  if (start.history)
    start.history->add({.totals = totals, .topology = topology.latest, .routing = routing.latest},
                       seen.now_ms);
  if (start.config.webhook.empty()) return;
  webhook.push(changes);
  send_webhook(self);
}

void alarm_watch_state::say(const alarm_changes& changes) const {
  for (const auto& each : changes.begun)
    spdlog::log(
        each.severity == schema::AlarmSeverity::CRITICAL ? spdlog::level::err : spdlog::level::warn,
        "alarm begins name={} subject=\"{}\" text=\"{}\"", each.name, each.subject, each.text);
  for (const auto& each : changes.ended)
    spdlog::info(
        "alarm ends name={} subject=\"{}\" lasted_s={}", each.what.name, each.what.subject,
        each.until_ms > each.what.since_ms ? (each.until_ms - each.what.since_ms) / 1000 : 0);
}

void alarm_watch_state::send_webhook(pointer self) {
  auto news = webhook.begin();
  if (news.empty()) return;
  auto endpoint = webhook_endpoint(start.config);
  if (!endpoint) {
    // The file may be mended meanwhile.
    self->send(self, done_atom_v, 0, message_of(endpoint.error()));
    return;
  }
  start.http->start(*endpoint, webhook_body(start.node, news),
                    std::make_shared<webhook_answer>(caf::actor_cast<caf::actor_addr>(self)));
}

void alarm_watch_state::on_webhook(pointer self, int status, const std::string& why) {
  auto how = webhook_queue::outcome_of(status);
  auto pause = webhook.on_end(how);
  if (how == webhook_queue::outcome::taken) {
    if (!last_error.empty()) spdlog::info("alarms: the webhook answers again");
    last_error.clear();
  } else {
    auto lost = how == webhook_queue::outcome::refused;
    if (last_error != why)
      spdlog::warn("alarms: the webhook was not told why=\"{}\" again_s={}", why,
                   lost ? std::string{"never"} : std::to_string(pause.count() / 1000));
    last_error = why;
  }
  self->delayed_send(self, pause, work_atom_v);
}

alarm_watch_inside::behavior_type alarm_watch_behavior(alarm_watch_state::pointer self,
                                                       alarm_watch_start start) {
  auto& state = self->state;
  state.rules = alarm_rules{start.config};
  state.start = std::move(start);
  // Not at once: the others start meanwhile.
  self->delayed_send(self, state.start.config.interval, wake_atom_v);
  return {[self](wake_atom) { self->state.tick(self); },
          [self](work_atom) {
            self->state.webhook.resume();
            self->state.send_webhook(self);
          },
          [self](done_atom, int status, const std::string& why) {
            self->state.on_webhook(self, status, why);
          },
          [self](status_atom) {
            auto& state = self->state;
            return actor_status({.name = "alarm_watch",
                                 .kind = "alarm_watch",
                                 .parent = "supervisor",
                                 .mailbox_depth = self->mailbox().size(),
                                 .in_flight = state.rules.active().size(),
                                 .queued = state.webhook.waiting(),
                                 .handled = state.looks,
                                 .noun = "looks",
                                 .last_error = state.last_error});
          }};
}

}  // namespace tandem
