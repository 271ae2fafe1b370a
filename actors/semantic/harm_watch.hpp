#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "actors/semantic/semantic_config.hpp"

namespace tandem {

/// Whether hits do a tenant harm: jobs that used one end worse than the tenant's others, or
/// compared hits were wrong. Off while that is proven; after a pause matches are only compared, and
/// hits are served again once enough in a row were right.
class harm_watch {
 public:
  enum class state : std::uint8_t { on, off, probation };

  explicit harm_watch(const semantic_config& config)
      : max_error_{config.bound.max_error},
        confidence_{config.bound.confidence},
        off_ms_{config.off_ms},
        probation_labels_{config.probation_labels} {}

  [[nodiscard]] state at(std::int64_t now_ms);

  /// How a job ended; `hit`: its plan came from a near goal.
  void outcome(bool hit, bool ok, std::int64_t now_ms);
  /// A match was compared; `served`: it had been a hit.
  void label(bool served, bool wrong, std::int64_t now_ms);

  struct tally {
    std::size_t count = 0;
    std::size_t bad = 0;
  };
  /// Since the last change of state; halved now and then, so that they follow.
  [[nodiscard]] const tally& hits() const noexcept { return hits_; }
  [[nodiscard]] const tally& others() const noexcept { return others_; }
  [[nodiscard]] const tally& served() const noexcept { return served_; }
  [[nodiscard]] std::uint64_t times_off() const noexcept { return times_off_; }
  /// Why it was last turned off, in words; empty: never.
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

 private:
  void add(tally& to, bool bad);
  void judge(std::int64_t now_ms);
  void turn_off(std::string reason, std::int64_t now_ms);

  double max_error_;
  double confidence_;
  std::int64_t off_ms_;
  std::size_t probation_labels_;
  state state_ = state::on;
  std::int64_t off_until_ms_ = 0;
  std::size_t right_in_a_row_ = 0;
  tally hits_;
  tally others_;
  tally served_;
  std::uint64_t times_off_ = 0;
  std::string reason_;
};

}  // namespace tandem
