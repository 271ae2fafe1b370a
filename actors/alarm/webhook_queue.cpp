#include "actors/alarm/webhook_queue.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "schema/json_writer.hpp"

namespace tandem {
namespace {

/// RFC 3339, in UTC.
std::string time_text(std::uint64_t at_ms) {
  auto seconds = static_cast<std::time_t>(at_ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  char out[48];
  std::snprintf(out, sizeof out, "%s.%03uZ", date, static_cast<unsigned>(at_ms % 1000));
  return out;
}

/// The same alarm has the same one each time, as Alertmanager's: FNV-1a, 64 bits.
std::string fingerprint_of(std::string_view node, const alarm& what) {
  std::uint64_t hash = 0xCBF2'9CE4'8422'2325ULL;
  auto add = [&hash](std::string_view text) {
    for (auto each : text) hash = (hash ^ static_cast<unsigned char>(each)) * 0x100'0000'01B3ULL;
    hash = (hash ^ 0xFF) * 0x100'0000'01B3ULL;
  };
  add(node);
  add(what.name);
  add(what.subject);
  char out[20];
  std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(hash));
  return out;
}

void write_alert(json_writer& json, std::string_view node, const alarm_news& news) {
  const auto& what = news.what;
  json.object();
  json.field("status", news.until_ms == 0 ? "firing" : "resolved");
  json.object_field("labels");
  json.field("alertname", what.name);
  json.field("node", node);
  json.field("severity", name_of(what.severity));
  if (!what.subject.empty()) json.field("subject", what.subject);
  json.end();
  json.object_field("annotations");
  json.field("summary", what.subject.empty() ? what.name : what.name + ": " + what.subject);
  json.field("description", what.text);
  json.end();
  json.field("startsAt", time_text(what.since_ms));
  // Alertmanager's zero time.
  json.field("endsAt",
             news.until_ms == 0 ? std::string{"0001-01-01T00:00:00Z"} : time_text(news.until_ms));
  json.field("generatorURL", "");
  json.field("fingerprint", fingerprint_of(node, what));
  json.end();
}

}  // namespace

std::string webhook_body(std::string_view node, const std::vector<alarm_news>& news) {
  auto fires = std::any_of(news.begin(), news.end(),
                           [](const alarm_news& each) { return each.until_ms == 0; });
  json_writer json;
  json.object();
  json.field("version", "4");
  json.field("groupKey", "{}:{node=\"" + std::string{node} + "\"}");
  json.field("truncatedAlerts", 0);
  json.field("status", fires ? "firing" : "resolved");
  json.field("receiver", "tandem");
  json.object_field("groupLabels");
  json.field("node", node);
  json.end();
  json.object_field("commonLabels");
  json.field("node", node);
  json.end();
  json.object_field("commonAnnotations");
  json.end();
  json.field("externalURL", "");
  json.array_field("alerts");
  for (const auto& each : news) write_alert(json, node, each);
  json.end();
  json.end();
  return json.text();
}

void webhook_queue::push(const alarm_changes& changes) {
  for (const auto& each : changes.begun) waiting_.push_back({each, 0});
  for (const auto& each : changes.ended) waiting_.push_back({each.what, each.until_ms});
  while (waiting_.size() > waiting_max) {
    waiting_.pop_front();
    if (under_way_ != 0) --under_way_;
    ++dropped_;
  }
}

std::vector<alarm_news> webhook_queue::begin() {
  if (busy_ || waiting_.empty()) return {};
  busy_ = true;
  under_way_ = std::min(waiting_.size(), batch_max);
  return {waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(under_way_)};
}

webhook_queue::outcome webhook_queue::outcome_of(int status) {
  if (status >= 200 && status < 300) return outcome::taken;
  if (status == 0 || status == 429 || status >= 500) return outcome::again;
  return outcome::refused;
}

std::chrono::milliseconds webhook_queue::on_end(outcome how) {
  if (how == outcome::again) {
    under_way_ = 0;
    auto pause = pause_min;
    for (std::uint32_t i = 0; i < failures_ && pause < pause_max; ++i) pause *= 2;
    ++failures_;
    return std::min(pause, pause_max);
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(under_way_));
  under_way_ = 0;
  failures_ = 0;
  return std::chrono::milliseconds{0};
}

}  // namespace tandem
