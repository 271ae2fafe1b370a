#pragma once

#include <cstdint>

namespace tandem {

/// Prefill tokens that warming one engine may cost. Halved when most of what was replayed was not
/// used in its time, doubled again when most of it was; never above the configured ones, and never
/// so low that it could not find out (unless those are 0: off).
class warm_budget {
 public:
  explicit warm_budget(std::uint64_t tokens_max = 0);

  [[nodiscard]] std::uint64_t tokens() const { return tokens_; }
  /// The time of what was replayed on one engine is over.
  void on_window(std::uint64_t used, std::uint64_t wasted);

 private:
  std::uint64_t max_ = 0;
  std::uint64_t min_ = 0;
  std::uint64_t tokens_ = 0;
};

}  // namespace tandem
