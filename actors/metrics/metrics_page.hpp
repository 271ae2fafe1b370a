#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actors/metrics/node_metrics.hpp"
#include "schema/types.hpp"

namespace tandem {

/// `Content-Type` of the page.
inline constexpr std::string_view metrics_page_type = "text/plain; version=0.0.4; charset=utf-8";

/// What one of the node's databases says of itself; see storage/store_figures.hpp.
struct metrics_store {
  /// `journal`, `routing`, `cache`: not an id.
  std::string_view store;
  std::uint64_t keys = 0;
  std::uint64_t live_bytes = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t pending_compaction_bytes = 0;
  std::uint64_t background_errors = 0;
  bool stalled = false;
};

struct metrics_disk {
  std::uint64_t free_bytes = 0;
  /// 0: not known.
  std::uint64_t size_bytes = 0;
};

/// What is asked for when somebody looks. What is empty is left out of the page.
struct metrics_view {
  /// Null: nothing was counted.
  const node_metrics* counted = nullptr;
  /// The asked node first; its own figures are that node's.
  tmsg::topo topology;
  /// Instead of the topology: this node alone.
  tmsg::nodstat node;
  /// Of this node alone (`own`).
  tmsg::cachrpt cache;
  /// Of `status`.
  tmsg::rtrep routing;
  /// Of `list` or `status`.
  tmsg::wtrep weights;
  /// Several of one name are summed.
  std::vector<metrics_store> stores;
  metrics_disk disk;
  /// Unix time; 0: not known.
  std::uint64_t certificate_ends_at_ms = 0;
};

/// The page in Prometheus' text format. Every line's metric is declared in metric_names.hpp. Some
/// 5 ms with 100 engines.
[[nodiscard]] std::string metrics_page(const metrics_view& view);

}  // namespace tandem
