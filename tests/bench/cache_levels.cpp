#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "actors/cache/cache_key.hpp"
#include "actors/cache/cache_memory.hpp"
#include "schema/errc.hpp"
#include "storage/cache_store.hpp"
#include "storage/raw_cache_records.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/cache_bench.hpp"

namespace tandem::bench {
namespace {

constexpr std::uint64_t now_ms = 1'700'000'000'000;
constexpr std::uint64_t hour_ms = 3'600'000;
constexpr std::size_t value_bytes = 1024;
constexpr std::size_t first_level_room = std::size_t{160} << 20;

cache_item make_item(std::mt19937_64& random) {
  return {bench_words(value_bytes, random), now_ms, now_ms + hour_ms, 1000};
}

double heap_in_use() {
  const auto heap = ::mallinfo2();
  return static_cast<double>(heap.uordblks + heap.hblkhd);
}

/// Microseconds of each call.
template <class Call>
std::vector<double> time_each(std::size_t times, Call call) {
  std::vector<double> us(times);
  for (auto& one : us) {
    const auto from = std::chrono::steady_clock::now();
    call();
    one =
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - from).count();
  }
  return us;
}

/// All that an answer depends on: some 700 bytes of names and a prompt of 500.
cache_key request_key(cache_key_builder& builder, std::uint64_t n) {
  static const std::string prompt(500, 'p');
  static const std::string tools(150, 't');
  return builder.add(1, "tenant of a usual length")
      .add(2, "a-model-of-7b-parameters")
      .add(3, "2026-11-27T00:00:00Z-1")
      .add(4, "default template")
      .add(5, tools)
      .add(6, std::uint64_t{70})
      .add(7, n)
      .add(8, prompt)
      .finish();
}

constexpr std::uint64_t stored_items = 200'000;

storage::cache_store_options store_options(const std::filesystem::path& folder) {
  storage::cache_store_options options;
  options.folder = folder;
  options.tiers = {{"small", std::uint64_t{1} << 30, hour_ms}};
  options.memory_bytes_max = std::size_t{64} << 20;
  options.now_ms = now_ms;
  return options;
}

void fill_store(const storage::cache_store_options& options) {
  auto store = storage::cache_store::open(options);
  if (!store) throw std::runtime_error(message_of(store.error()));
  std::mt19937_64 random(3);
  for (std::uint64_t n = 0; n < stored_items; n += 100) {
    std::vector<storage::stored_item> batch;
    for (auto i = n; i < n + 100; ++i)
      batch.push_back({bench_key(i), make_item(random), {"tenant", "model", "version"}});
    if (auto err = (*store)->put("small", batch, now_ms)) throw std::runtime_error(message_of(err));
  }
}

/// Keys that are asked for: `distinct` of them, `times` in all.
std::vector<cache_key> keys_of(std::uint64_t distinct, std::size_t times, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> chosen(distinct);
  for (auto& n : chosen) n = random() % stored_items;
  std::vector<cache_key> keys;
  for (std::size_t i = 0; i < times; ++i) keys.push_back(bench_key(chosen[i % distinct]));
  return keys;
}

struct pair_of_times {
  double store_us = 0;
  double bare_us = 0;
};

/// In turns, so that what else the machine does hits both.
pair_of_times compare(storage::cache_store& store, storage::raw_cache_reader& bare,
                      const std::vector<cache_key>& keys) {
  constexpr std::size_t turn = 500;
  std::vector<double> by_store, by_bare;
  std::size_t found = 0;
  for (std::size_t at = 0; at + turn <= keys.size(); at += turn) {
    auto key = keys.begin() + static_cast<std::ptrdiff_t>(at);
    const auto a =
        time_each(turn, [&] { found += store.get("small", *key++, now_ms)->has_value(); });
    key = keys.begin() + static_cast<std::ptrdiff_t>(at);
    const auto b = time_each(turn, [&] { found += bare.get(0, *key++) > 0; });
    by_store.insert(by_store.end(), a.begin(), a.end());
    by_bare.insert(by_bare.end(), b.begin(), b.end());
  }
  if (found != 2 * by_store.size()) throw std::runtime_error("not all that was put is there");
  return {percentile(by_store, 0.5), percentile(by_bare, 0.5)};
}

}  // namespace

void run_first_level(cache_results& results) {
  constexpr std::uint64_t items = 100'000;
  constexpr std::size_t lookups = 400'000;
  std::mt19937_64 random(1);
  cache_key_builder builder;
  const auto cache = make_cache_memory(cache_policy::frequency_lru, first_level_room);
  for (std::uint64_t n = 0; n < items; ++n) cache->put(request_key(builder, n), make_item(random));
  std::vector<cache_key> asked;
  for (std::size_t i = 0; i < lookups; ++i) asked.push_back(request_key(builder, random() % items));
  std::size_t found = 0;
  auto key = asked.begin();
  const auto hit = time_each(lookups, [&] { found += cache->find(*key++, now_ms) != nullptr; });
  const auto with_key = time_each(lookups, [&] {
    found += cache->find(request_key(builder, random() % items), now_ms) != nullptr;
  });
  if (found != 2 * lookups) throw std::runtime_error("not all that was put is there");
  const auto clock = time_each(lookups, [] {});
  const std::string regime = "100,000 answers of 1 KiB, uniform";
  results.must("l1_hit_us_p50", percentile(hit, 0.5), "l1_hit_us_p50_max",
               "first level: a hit, median, µs", regime);
  results.documents.notes.push_back(
      "First level, " + regime + ": p99 " + rounded(percentile(hit, 0.99)) +
      " µs; with its key, of 700 bytes, " + rounded(percentile(with_key, 0.5)) +
      " µs; the clock alone takes " + rounded(percentile(clock, 0.5)) + " µs.");
  results.note("l1_hit_with_key_us_p50", percentile(with_key, 0.5));
}

void run_heap(cache_results& results) {
  std::mt19937_64 random(2);
  double worst = 0;
  for (const std::size_t size : {std::size_t{64}, value_bytes, std::size_t{32} << 10}) {
    const auto before = heap_in_use();
    const auto cache = make_cache_memory(cache_policy::frequency_lru, first_level_room);
    for (std::uint64_t n = 0; n < 2 * first_level_room / (size + 128); ++n)
      cache->put(bench_key(n), {bench_words(size, random), now_ms, now_ms + hour_ms, 1000});
    const auto real = heap_in_use() - before;
    results.documents.notes.push_back(
        "First level, full of " + std::to_string(size) +
        " bytes each: " + rounded(real / 1048576.0, 1) + " MiB of the heap, " +
        rounded(static_cast<double>(cache->bytes()) / 1048576.0, 1) + " MiB by its own count, " +
        rounded(static_cast<double>(first_level_room) / 1048576.0, 1) + " MiB allowed.");
    worst = std::max(worst, real / static_cast<double>(first_level_room));
  }
  results.must("bytes_over_bound", worst, "bytes_over_bound_max",
               "first level: the heap's bytes over its bound",
               "full of answers of 64 bytes, 1 KiB, 32 KiB; the worst");
}

void run_third_level(cache_results& results) {
  const temp_folder folder{"cache"};
  auto options = store_options(folder.path() / "store");
  fill_store(options);
  auto copied = options;
  copied.folder = folder.path() / "bare";
  std::filesystem::copy(options.folder, copied.folder);
  auto store = storage::cache_store::open(options);
  if (!store) throw std::runtime_error(message_of(store.error()));
  storage::raw_cache_reader bare(copied);

  const auto cold = compare(**store, bare, keys_of(20'000, 20'000, 5));
  const auto hot_keys = keys_of(2'000, 40'000, 6);
  static_cast<void>(compare(**store, bare, hot_keys));
  const auto warm = compare(**store, bare, hot_keys);
  std::mt19937_64 random(7);
  const auto miss = time_each(20'000, [&] {
    static_cast<void>(
        (*store)->get("small", bench_key(stored_items + random() % stored_items), now_ms));
  });
  results.documents.notes.push_back(
      "Third level, 200,000 answers of 1 KiB, medians: with RocksDB's block cache cold " +
      rounded(cold.store_us) + " µs against " + rounded(cold.bare_us) + " of a bare get, warm " +
      rounded(warm.store_us) + " against " + rounded(warm.bare_us) + "; a miss " +
      rounded(percentile(miss, 0.5)) + " µs.");
  results.note("l3_cold_us_p50", cold.store_us);
  results.note("l3_warm_us_p50", warm.store_us);
  results.note("l3_miss_us_p50", percentile(miss, 0.5));
  const std::string regime = "200,000 answers of 1 KiB, the same data, in turns, block cache ";
  results.must("l3_over_bare_get_cold", cold.store_us / cold.bare_us, "l3_over_bare_get_max",
               "third level: a hit over a bare RocksDB get, medians", regime + "cold");
  results.must("l3_over_bare_get_warm", warm.store_us / warm.bare_us, "l3_over_bare_get_max",
               "third level: a hit over a bare RocksDB get, medians", regime + "warm");
}

}  // namespace tandem::bench
