#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "actors/cache_shard/cache_config.hpp"

namespace tandem {

/// A second copy of a slow attempt on another engine; the first good reply counts. `[hedging]`.
struct hedging_config {
  /// Second copies, as a share of attempts; 0: none.
  double share = 0.05;
  /// An attempt is slow when it takes longer than this quantile of the latest ones of its model
  /// and purpose.
  double quantile = 0.95;
  /// Never before this.
  std::chrono::milliseconds delay_min{100};
};

/// A program of the user's that verifies outputs: `[[check]]`. Plans name it, and never bring one.
struct check_command_config {
  std::string name;
  /// Program and arguments. It gets `{"kind","prompt","output"}` as JSON on standard input; exit
  /// code 0: fits; 1: does not, with the reason on standard output; anything else: it is broken.
  std::vector<std::string> command;
  std::chrono::milliseconds timeout{std::chrono::seconds{10}};
};

/// `[verification]`
struct verification_config {
  /// The tier of the judging model.
  std::string judge_tier = "large";
  /// Of outputs whose check is a judge: how many it really reads, 0 to 1.
  double judge_share = 1;
  std::uint32_t judge_tokens_max = 256;
  /// Of results without a check, and of those verified otherwise: how many a judge reads beside,
  /// so that routing learns from them and the judge is measured. 0: none.
  double judge_sample = 0;
  /// User's commands at work at once; more wait.
  std::uint32_t commands_max = 4;
};

/// What one tenant may spend: `[[tenant]]`.
struct tenant_config {
  std::string name;
  /// Read and written; 0: no limit.
  std::uint64_t tokens = 0;
  /// US dollars; 0: no limit.
  double cost_usd = 0;
  /// When it starts anew, in UTC: `hour`, `day`, `month`, or `never`.
  std::string period = "month";
  /// What routing aims at, by making cost dearer for this tenant; 0: nothing. One of both.
  double target_usd_per_job = 0;
  double target_usd_per_hour = 0;
};

/// `[executor]` in the config file, and what belongs to it.
struct executor_pool_config {
  /// Attempts at work at once on this node.
  std::uint32_t in_flight_max = 4096;
  /// Attempts that wait for room; more are refused with `overloaded`.
  std::uint32_t queue_max = 100'000;
  /// Engines that one attempt is offered to while they refuse it for being busy or down.
  std::uint32_t engines_tried_max = 4;
  hedging_config hedging;
  verification_config verification;
  std::vector<check_command_config> checks;
  std::vector<tenant_config> tenants;
  /// `[cache]`
  cache_config cache;
};

}  // namespace tandem
