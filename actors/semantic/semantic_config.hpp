#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace tandem {

/// When a match may be served.
struct hit_bound_config {
  /// At most this share of hits may be wrong.
  double max_error = .01;
  /// With which confidence that is known before the first is served. At .9 and 1%: 230 matches
  /// that were compared, none of them wrong.
  double confidence = .9;
  /// The newest labels count; older ones are forgotten.
  std::size_t labels_kept = 1024;
  /// The model and the threshold are made anew after so many more.
  std::size_t refit_labels = 32;
};

struct semantic_config {
  hit_bound_config bound;
  /// Entries and bytes of all scopes together; beyond, the least recently used goes.
  std::size_t entries_max = 100'000;
  std::size_t bytes_max = 512 << 20;
  std::size_t scopes_max = 1'024;
  std::int64_t ttl_ms = 4LL * 3600 * 1000;
  /// A longer goal is never looked for nor kept.
  std::size_t goal_bytes_max = 16 << 10;
  std::size_t tool_arguments_max = 64;
  /// How many neighbours are looked at.
  std::size_t candidates = 8;
  /// A match below is not worth a comparison.
  double similarity_min = .3;
  /// Of hits that are served, the share that is answered as usual as well, and compared.
  double audit_share = .02;
  /// Of matches that are not yet trusted though the bound is known, the share that is compared.
  double explore_share = .5;
  std::size_t pending_max = 4'096;
  std::int64_t label_window_ms = 24LL * 3600 * 1000;
  /// Until a tenant to whom hits did harm may try again, and how many matches must then be right.
  std::int64_t off_ms = 3600LL * 1000;
  std::size_t probation_labels = 50;
  /// An entry with so many wrong matches is not served any more.
  std::size_t entry_wrong_max = 3;
  std::uint64_t seed = 1;

  /// The first setting that cannot be, in words.
  [[nodiscard]] std::optional<std::string> problem() const;
};

}  // namespace tandem
