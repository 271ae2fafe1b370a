// kill -9 of who fetches, and of who serves, in the middle: what has to be moved again.

#include <cstdio>

#include "tests/bench/weights_transfer/transfer_bench.hpp"

namespace tandem::bench {
namespace {

constexpr std::uint64_t bytes = std::uint64_t{1} << 30;
/// Slow enough to be killed in the middle.
constexpr std::uint64_t bytes_per_s = 250'000'000;

/// Bytes of the version that are in this store.
double bytes_here(const std::filesystem::path& store, const weight_hash& hash) {
  auto opened = open_store(store);
  double out = 0;
  auto have = opened->have(hash);
  for (std::size_t i = 0; i < bytes / chunk_bytes_default; ++i)
    if (i / 8 < have.size() && (have[i / 8] >> (i % 8) & 1) != 0) out += chunk_bytes_default;
  return out;
}

void wait_for_half(test::child_process& fetch) {
  if (!fetch.wait_line("half", std::chrono::minutes{2})) give_up("nothing comes: " + fetch.log());
}

}  // namespace

void run_kills(transfer_results& results) {
  work_folder folder{"kills"};
  write_noise(folder.path() / "weights", bytes, 5);
  auto hash = add_version(folder.path() / "from", folder.path() / "weights");
  const auto size = static_cast<double>(bytes);
  {
    serving_process server{folder, folder.path() / "from", bytes_per_s};
    auto fetch = start_fetch(folder, folder.path() / "to", hash, server.url());
    wait_for_half(*fetch);
    fetch->kill9();
    auto had = bytes_here(folder.path() / "to", hash);
    auto end = end_of(*start_fetch(folder, folder.path() / "to", hash, server.url()));
    // What its first life had got at most: all that had been asked for when it was killed.
    auto again = (end.moved_bytes - (size - had)) / size + 8.0 * chunk_bytes_default / size;
    std::printf("fetcher killed with %.1f%%: at most %.2f%% moved again\n", 100 * had / size,
                100 * again);
    results.ok = results.ok && end.ok && had >= size / 2;
    results.at_most("again_fetcher_killed", again);
  }
  std::filesystem::remove_all(folder.path() / "to");
  auto server = std::make_unique<serving_process>(folder, folder.path() / "from", bytes_per_s);
  auto fetch = start_fetch(folder, folder.path() / "to", hash, server->url());
  wait_for_half(*fetch);
  server->kill9();
  (void)fetch->wait(std::chrono::minutes{1});
  auto had = bytes_here(folder.path() / "to", hash);
  server = std::make_unique<serving_process>(folder, folder.path() / "from", bytes_per_s);
  auto end = end_of(*start_fetch(folder, folder.path() / "to", hash, server->url()));
  // Requests that broke off: no more than four at one peer.
  auto again = (end.moved_bytes - (size - had)) / size + 4.0 * chunk_bytes_default / size;
  std::printf("server killed with %.1f%%: at most %.2f%% moved again\n", 100 * had / size,
              100 * again);
  results.ok = results.ok && end.ok && had >= size / 2;
  results.at_most("again_server_killed", again);
}

}  // namespace tandem::bench
