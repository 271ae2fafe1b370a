#include "actors/alarm/alarm_book.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>

namespace tandem {

void alarm_book::set(std::vector<alarm> active, const std::vector<ended_alarm>& ended) {
  std::sort(active.begin(), active.end(), [](const alarm& a, const alarm& b) {
    return std::tuple{-static_cast<int>(a.severity), a.since_ms, std::string_view{a.name},
                      std::string_view{a.subject}} <
           std::tuple{-static_cast<int>(b.severity), b.since_ms, std::string_view{b.name},
                      std::string_view{b.subject}};
  });
  if (active.size() > active_max) active.resize(active_max);
  std::lock_guard lock{mutex_};
  active_ = std::move(active);
  for (const auto& each : ended) ended_.push_front(each);
  if (ended_.size() > ended_max) ended_.resize(ended_max);
}

std::vector<alarm> alarm_book::active() const {
  std::lock_guard lock{mutex_};
  return active_;
}

std::vector<ended_alarm> alarm_book::ended() const {
  std::lock_guard lock{mutex_};
  return {ended_.begin(), ended_.end()};
}

void write_alarms(schema::NodeStatus::Builder out, const std::vector<alarm>& alarms) {
  auto list = out.initAlarms(static_cast<unsigned>(alarms.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const auto& from = alarms[i];
    list[i].setName(from.name);
    list[i].setSubject(from.subject);
    list[i].setSeverity(from.severity);
    list[i].setText(from.text);
    list[i].setSinceMs(from.since_ms);
  }
}

std::string_view name_of(schema::AlarmSeverity severity) {
  switch (severity) {
    case schema::AlarmSeverity::WARNING:
      return "warning";
    case schema::AlarmSeverity::CRITICAL:
      return "critical";
    default:
      return "unknown";
  }
}

}  // namespace tandem
