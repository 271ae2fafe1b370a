#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <caf/expected.hpp>

#include "actors/engine/engine_config.hpp"
#include "config/sourced_number.hpp"

namespace tandem {

/// Requests that one engine finished a second under full load, with the tokens of a mean request.
struct throughput_point {
  sourced_number requests_per_s;
  /// Nothing where the source does not say.
  std::optional<double> input_tokens;
  std::optional<double> output_tokens;
};

/// One kind of engine: a model on certain GPUs, and what is known of it. `[[profile]]` in
/// config/fleets/*.toml, which say where each number comes from.
struct fleet_profile {
  std::string name;
  std::string model;
  std::string gpu;
  std::string about;
  /// Billions; how many of them work on one token.
  std::optional<sourced_number> parameters_b;
  std::optional<sourced_number> active_b;
  /// GPUs of one engine.
  sourced_number gpus = sourced_number::exact(1, number_kind::assumed);
  /// US dollars.
  std::optional<sourced_number> gpu_hour_usd;
  /// US dollars a 1,000 requests, where a source says so itself.
  std::optional<sourced_number> usd_per_1k;
  /// Share of the GPUs' memory that the engine may take.
  std::optional<sourced_number> memory_fraction;
  /// What a source calls the latency of a request, in ms, whatever it means by it.
  std::optional<sourced_number> latency_ms;
  std::vector<throughput_point> throughput;

  /// A simulated engine: kind `sim`, its concurrency and `[engine.sim]`. Empty name: a caller gives
  /// it one, and a `[[model]]`.
  engine_config engine;
  /// Of each key of `[profile.sim]` that the file has; the value is in `engine`, in seconds or as
  /// it is.
  std::map<std::string, sourced_number, std::less<>> sim_sources;
};

inline constexpr std::size_t fleet_profiles_max = 64;

/// Every `[[profile]]` of a text. `invalid_argument` names every problem with file, line and
/// column; unknown keys are problems, and so is what is called measured or derived without a
/// source.
[[nodiscard]] caf::expected<std::vector<fleet_profile>> read_fleet(std::string_view text,
                                                                   const std::string& source);
/// The same for a file of at most 1 MiB; `not_found`: it cannot be read.
[[nodiscard]] caf::expected<std::vector<fleet_profile>> load_fleet(
    const std::filesystem::path& file);

/// One profile by `FILE` (where the file has one) or `FILE:NAME`; FILE is a path, or the name of a
/// file in `folder` without its `.toml`. `not_found` lists what there is.
[[nodiscard]] caf::expected<fleet_profile> find_fleet_profile(std::string_view which,
                                                              const std::filesystem::path& folder);

/// Where config/fleets lies for a program at `executable`: $TANDEM_FLEETS, else
/// `../share/tandem/config/fleets` beside the program's folder, else a source tree's. `not_found`
/// names the places.
[[nodiscard]] caf::expected<std::filesystem::path> find_fleets_folder(
    const std::filesystem::path& executable);

}  // namespace tandem
