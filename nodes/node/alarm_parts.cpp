#include "nodes/node/alarm_parts.hpp"

#include <filesystem>

#include <caf/actor_system.hpp>

#include "actors/alarm/alarm_watch.hpp"
#include "storage/store_figures.hpp"

namespace tandem {
namespace {

std::uint64_t certificate_end(const own_member& self) {
  auto now = self.message();
  return now.read()->getCertificateEndsAtMs();
}

}  // namespace

child_spec alarm_watch_child(const node_parts& parts) {
  alarm_watch_start start{
      .config = parts.config.alarms,
      .node = parts.config.name,
      .supervisor =
          [actors = parts.actors] { return caf::actor_cast<supervisor_actor>(actors->supervisor); },
      .book = parts.alarms,
      .metrics = parts.metrics,
      .history = parts.history,
      .http = parts.services.http,
      .folder = parts.config.data,
      .certificate_ends_at_ms = [self = parts.self] { return certificate_end(*self); }};
  return {
      .name = "alarm_watch", .kind = "alarm_watch", .spawn = [start](caf::actor_system& system) {
        return caf::actor_cast<caf::actor>(
            system.spawn<caf::detached>(alarm_watch_behavior, start));
      }};
}

metrics_view metrics_of(const node_parts& parts) {
  metrics_view view;
  view.counted = parts.metrics.get();
  for (const auto& each : parts.stores->figures())
    view.stores.push_back({.store = each.name,
                           .keys = each.figures.keys,
                           .live_bytes = each.figures.live_bytes,
                           .memory_bytes = each.figures.memory_bytes,
                           .pending_compaction_bytes = each.figures.pending_compaction_bytes,
                           .background_errors = each.figures.background_errors,
                           .stalled = each.figures.stalled});
  std::error_code failed;
  if (auto space = std::filesystem::space(parts.config.data, failed); !failed)
    view.disk = {space.available, space.capacity};
  if (parts.self) view.certificate_ends_at_ms = certificate_end(*parts.self);
  return view;
}

}  // namespace tandem
