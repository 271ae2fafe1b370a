#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "schema/errc.hpp"
#include "schema/routing.capnp.h"
#include "storage/cache_store.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::storage {

inline constexpr std::uint64_t cache_start_ms = 1'700'000'000'000;

inline cache_key cache_key_of(std::uint64_t n) {
  cache_key key;
  // Spread, as real keys are.
  for (std::size_t i = 0; i < key.bytes.size(); i += sizeof n) {
    n = (n + i + 1) * 0x9E3779B97F4A7C15;
    n ^= n >> 29;
    std::memcpy(key.bytes.data() + i, &n, sizeof n);
  }
  return key;
}

/// Item n; `bytes`: of noise in it, which does not compress.
inline stored_item make_item(std::uint64_t n, std::size_t bytes = 64,
                             std::uint64_t created_ms = cache_start_ms,
                             std::uint64_t expires_ms = ~std::uint64_t{0}) {
  message_builder<schema::RouteChange> out;
  out->setAtMs(n);
  std::string noise(bytes, ' ');
  for (std::size_t i = 0; i < bytes; ++i)
    noise[i] = static_cast<char>('!' + cache_key_of(n * 1000 + i / 32).bytes[i % 32] % 90);
  out->setWhy(noise);
  return {cache_key_of(n),
          {out.finish().words(), created_ms, expires_ms, 1234},
          {"acme", "tiny", "v" + std::to_string(n % 3)}};
}

/// The number of the item; throws when it is none.
inline std::uint64_t number_of(const stored_item& item) {
  return message<schema::RouteChange>(item.item.value).read()->getAtMs();
}

/// A folder of its own for each test, removed afterwards.
class cache_fixture : public testing::Test {
 protected:
  static constexpr std::uint64_t hour_ms = 3'600'000;
  static constexpr std::uint64_t now = cache_start_ms;

  cache_fixture() {
    options_.folder = root_ / "cache";
    options_.tiers = {{"small", 4u << 20, hour_ms}, {"large", 4u << 20, 4 * hour_ms}};
    options_.memory_bytes_max = 4u << 20;
    options_.now_ms = now;
    options_.value_schema = capnp::Schema::from<schema::RouteChange>();
  }

  /// Throws, which fails the test, when it cannot be opened.
  [[nodiscard]] std::unique_ptr<cache_store> open() const {
    auto opened = cache_store::open(options_);
    if (!opened) throw std::runtime_error(message_of(opened.error()));
    return std::move(*opened);
  }
  static void put(cache_store& store, const stored_item& item, std::uint64_t now_ms = now,
                  const char* tier = "small") {
    if (auto err = store.put(tier, {&item, 1}, now_ms)) throw std::runtime_error(message_of(err));
  }
  /// Nothing: a miss.
  static std::optional<stored_item> get(cache_store& store, std::uint64_t n,
                                        std::uint64_t now_ms = now, const char* tier = "small") {
    auto found = store.get(tier, cache_key_of(n), now_ms);
    if (!found) throw std::runtime_error(message_of(found.error()));
    return std::move(*found);
  }
  /// How many of [from, to) are there; each that is must be what was put.
  static std::uint64_t count(cache_store& store, std::uint64_t from, std::uint64_t to,
                             std::uint64_t now_ms = now, const char* tier = "small") {
    std::uint64_t there = 0;
    for (auto n = from; n < to; ++n) {
      const auto found = get(store, n, now_ms, tier);
      if (!found) continue;
      EXPECT_EQ(number_of(*found), n);
      ++there;
    }
    return there;
  }
  [[nodiscard]] std::vector<std::filesystem::path> files(std::string_view ending) const {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(options_.folder))
      if (entry.path().filename().string().ends_with(ending)) found.push_back(entry.path());
    return found;
  }
  [[nodiscard]] std::uint64_t folder_bytes(std::string_view ending = "") const {
    std::uint64_t sum = 0;
    for (const auto& file : files(ending)) {
      // RocksDB may be deleting it.
      std::error_code code;
      const auto bytes = std::filesystem::file_size(file, code);
      sum += code ? 0 : bytes;
    }
    return sum;
  }

  test::temp_folder folder_;
  const std::filesystem::path root_ = folder_.path();
  cache_store_options options_;
};

}  // namespace tandem::storage
