#pragma once

#include <string>

#include "nodes/cli/style.hpp"
#include "schema/types.hpp"

namespace tandem::cli {

/// Which of a report's levels are shown; empty and 0: all.
struct cache_filter {
  std::string tier;
  std::string tenant;
  std::string model;
  unsigned level = 0;
};

/// `tandem cache stats`: one row a node, level and tier, and what they add up to; one a tier,
/// tenant and model, all nodes together. Where a tenant or a model is named, the second alone.
[[nodiscard]] std::string cache_stats_text(schema::CacheReport::Reader report,
                                           const cache_filter& filter, const style& how);
[[nodiscard]] std::string cache_stats_json(schema::CacheReport::Reader report,
                                           const cache_filter& filter);

/// `tandem cache warm`: how many engines are at it, and what each node has done so far.
[[nodiscard]] std::string cache_warmed_text(schema::CacheReport::Reader report);

/// `tandem cache purge`: the newest purge, and nodes that have not heard of it.
[[nodiscard]] std::string cache_purged_text(schema::CacheReport::Reader report);

/// `tandem cache explain`: one row an attempt: from where it was served, or why not.
[[nodiscard]] std::string cache_explain_text(schema::JobView::Reader job, const style& how);
[[nodiscard]] std::string cache_explain_json(schema::JobView::Reader job);

/// `from memory (L2 of node-2), $0.0123 saved`; empty: the attempt was not served by a cache.
[[nodiscard]] std::string served_text(schema::AttemptView::Reader attempt);

}  // namespace tandem::cli
