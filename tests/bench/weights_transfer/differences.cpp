// 3% of the 2-byte elements changed.

#include <bit>
#include <cstdio>
#include <fstream>
#include <random>

#include "tests/bench/weights_transfer/transfer_bench.hpp"

namespace tandem::bench {
namespace {

constexpr std::uint64_t bytes = std::uint64_t{256} << 20;
constexpr double share = 0.03;

/// As training does: numbers of two bytes (bfloat16, about normal), of which some get a neighbour's
/// value.
std::vector<std::uint16_t> numbers() {
  std::mt19937_64 random{3};
  std::normal_distribution<float> normal{0, 0.02f};
  std::vector<std::uint16_t> out(bytes / 2);
  for (auto& each : out)
    each = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(normal(random)) >> 16);
  return out;
}

void write(const std::filesystem::path& file, const std::vector<std::uint16_t>& all) {
  std::ofstream{file, std::ios::binary}.write(reinterpret_cast<const char*>(all.data()),
                                              static_cast<std::streamsize>(all.size() * 2));
}

double moved_share(const work_folder& folder, const std::string& name,
                   std::vector<std::uint16_t> all, bool is_random) {
  auto file = folder.path() / "weights";
  write(file, all);
  (void)add_version(folder.path() / ("from-" + name), file);
  (void)add_version(folder.path() / ("to-" + name), file);
  std::mt19937_64 random{4};
  const auto changes = static_cast<std::size_t>(static_cast<double>(all.size()) * share);
  for (std::size_t i = 0; i < changes; ++i) {
    auto& each = all[random() % all.size()];
    each = is_random ? static_cast<std::uint16_t>(random()) : static_cast<std::uint16_t>(each + 1);
  }
  write(file, all);
  auto hash = add_version(folder.path() / ("from-" + name), file);
  serving_process server{folder, folder.path() / ("from-" + name)};
  auto fetch = start_fetch(folder, folder.path() / ("to-" + name), hash, server.url());
  auto end = end_of(*fetch);
  std::printf("3%% of the elements changed (%s): %.2f%% moved, %.2f s\n", name.c_str(),
              100 * end.moved_bytes / static_cast<double>(bytes), end.seconds);
  return end.ok ? end.moved_bytes / static_cast<double>(bytes) : 1;
}

}  // namespace

void run_differences(transfer_results& results) {
  work_folder folder{"differences"};
  auto all = numbers();
  results.at_most("moved_of_changed", moved_share(folder, "random values", all, true));
  results.note("moved_of_changed_by_one_step", moved_share(folder, "next values", all, false));
}

}  // namespace tandem::bench
