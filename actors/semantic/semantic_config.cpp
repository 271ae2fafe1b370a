#include "actors/semantic/semantic_config.hpp"

namespace tandem {
namespace {

bool share(double v) {
  return v >= 0 && v <= 1;
}

}  // namespace

std::optional<std::string> semantic_config::problem() const {
  if (!(bound.max_error > 0 && bound.max_error < 1)) return "max_error must be between 0 and 1";
  if (!(bound.confidence >= .5 && bound.confidence < 1)) return "confidence must be from .5 to 1";
  if (bound.labels_kept < 16 || bound.labels_kept > 65'536)
    return "labels_kept must be from 16 to 65536";
  if (bound.refit_labels == 0) return "refit_labels must be at least 1";
  if (entries_max == 0 || entries_max > 10'000'000) return "entries_max must be from 1 to 10000000";
  if (scopes_max == 0) return "scopes_max must be at least 1";
  if (candidates == 0 || candidates > 64) return "candidates must be from 1 to 64";
  if (goal_bytes_max == 0 || goal_bytes_max > (1 << 20))
    return "goal_bytes_max must be from 1 to 1048576";
  if (!share(audit_share)) return "audit_share must be from 0 to 1";
  if (!share(explore_share)) return "explore_share must be from 0 to 1";
  if (!share(similarity_min)) return "similarity_min must be from 0 to 1";
  if (ttl_ms <= 0) return "ttl must be above 0";
  if (label_window_ms <= 0 || off_ms < 0) return "label_window and off must be above 0";
  if (pending_max == 0) return "pending_max must be at least 1";
  return std::nullopt;
}

}  // namespace tandem
