#pragma once

#include "actors/metrics/metrics_page.hpp"
#include "nodes/node/wiring.hpp"

namespace tandem {

/// Who looks at the node; started last, since it looks at all the others.
[[nodiscard]] child_spec alarm_watch_child(const node_parts& parts);

/// What the metrics page shows that no actor is asked for: what was counted, databases, disk,
/// certificate. Reads files and asks RocksDB (some 100 us): not on a scheduled actor's thread.
[[nodiscard]] metrics_view metrics_of(const node_parts& parts);

}  // namespace tandem
