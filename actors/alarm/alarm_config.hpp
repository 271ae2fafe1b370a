#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace tandem {

/// `[alarms]` in the config file.
struct alarm_config {
  /// `https://...` that is told of alarms that begin and end, as Prometheus' Alertmanager tells a
  /// webhook. Empty: nobody.
  std::string webhook;
  /// `Authorization: Bearer ...` of it; the file's first line. Empty: none.
  std::filesystem::path webhook_token_file;
  /// How often the node is looked at.
  std::chrono::milliseconds interval{std::chrono::seconds{5}};
  /// Changes of an engine's health within ten minutes that are too many.
  std::uint32_t flaps_max = 6;
  /// Share of failed calls of five minutes that is too much, and the fewest calls that say so.
  double error_share_max = 0.05;
  std::uint32_t error_calls_min = 20;
  /// US dollars an hour that are too many; 0: no limit.
  double cost_usd_per_h_max = 0;
  /// Less than this until a certificate ends.
  std::chrono::hours certificate_left_min{std::chrono::hours{24 * 14}};
  /// A model served at two weight versions for longer, without an update.
  std::chrono::milliseconds mixed_weights_max{std::chrono::minutes{10}};
};

}  // namespace tandem
