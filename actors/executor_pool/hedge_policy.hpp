#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "actors/executor_pool/executor_pool_config.hpp"
#include "schema/common.capnp.h"

namespace tandem {

/// When a second copy of a slow attempt is worth it (Dean and Barroso, "The Tail at Scale", 2013):
/// past a quantile of the latest times of its model and purpose, and never more copies than a share
/// of all attempts. No clock.
class hedge_policy {
 public:
  using duration = std::chrono::microseconds;
  /// Times kept of one model and purpose, and how many are needed before any is called slow.
  static constexpr std::size_t window = 128;
  static constexpr std::size_t samples_min = 16;
  /// Models and purposes that are told apart; of more nothing is known.
  static constexpr std::size_t keys_max = 1024;

  explicit hedge_policy(const hedging_config& config = {}) : config_{config} {}

  /// An attempt begins: it earns its share of a copy.
  void on_attempt();
  void on_done(std::string_view model, schema::Purpose purpose, duration took);
  /// How long to wait before a copy; nothing: too little is known, or it is switched off.
  [[nodiscard]] std::optional<duration> delay(std::string_view model, schema::Purpose purpose);
  /// Takes one copy from the budget; false: it is spent.
  [[nodiscard]] bool take();

 private:
  struct times {
    std::array<std::uint32_t, window> latest_us{};
    std::size_t count = 0;
    /// Of the quantile below, for as many attempts as it is good enough.
    std::size_t looked_at = 0;
    duration slow{0};
  };

  hedging_config config_;
  double earned_ = 0;
  std::map<std::pair<std::string, schema::Purpose>, times, std::less<>> known_;
};

}  // namespace tandem
