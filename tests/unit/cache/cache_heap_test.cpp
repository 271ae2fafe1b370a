#include <malloc.h>

#include <cstdlib>
#include <new>
#include <random>

#include <gtest/gtest.h>

#include "actors/cache/cache_memory.hpp"
#include "tests/unit/cache/cache_testing.hpp"

namespace {

/// What the heap has given out, with its own header of 8 bytes for each block.
std::size_t heap_bytes = 0;
std::size_t heap_bytes_highest = 0;

void* take(std::size_t size) {
  auto* block = std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  heap_bytes += malloc_usable_size(block) + sizeof(std::size_t);
  heap_bytes_highest = std::max(heap_bytes_highest, heap_bytes);
  return block;
}
void give_back(void* block) {
  if (block == nullptr) return;
  heap_bytes -= malloc_usable_size(block) + sizeof(std::size_t);
  std::free(block);
}

}  // namespace

void* operator new(std::size_t size) {
  return take(size);
}
void* operator new[](std::size_t size) {
  return take(size);
}
void operator delete(void* block) noexcept {
  give_back(block);
}
void operator delete[](void* block) noexcept {
  give_back(block);
}
void operator delete(void* block, std::size_t) noexcept {
  give_back(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  give_back(block);
}

namespace tandem {
namespace {

using test::item_of;
using test::key_of;

/// Sizes of values, from one word on.
using sizes = std::pair<std::size_t, std::size_t>;

class CacheHeap : public testing::TestWithParam<std::tuple<cache_policy, sizes, std::size_t>> {};

TEST_P(CacheHeap, RealUseStaysWithinTheBoundAndIsWhatTheCacheSays) {
  const auto [policy, range, room] = GetParam();
  const auto before = heap_bytes;
  const auto cache = make_cache_memory(policy, room);
  std::mt19937_64 random(1);
  const auto span = (range.second - range.first) / 8 + 1;
  // Thrice what fits, and ghosts as well as uses.
  const auto puts = std::min<std::size_t>(3 * room / (range.first + 128), 400'000);
  for (std::size_t i = 0; i < puts; ++i) {
    const auto size = range.first + random() % span * 8;
    cache->put(key_of(random() % (2 * puts)), item_of(size));
    (void)cache->find(key_of(random() % (2 * puts)), 0);
    if (i % 64 != 0) continue;
    const auto real = heap_bytes - before;
    ASSERT_LE(real, room + room / 20);
    ASSERT_LE(static_cast<double>(real), static_cast<double>(cache->bytes()) * 1.05 + 1024);
    ASSERT_GE(static_cast<double>(real), static_cast<double>(cache->bytes()) * 0.95 - 1024);
  }
  EXPECT_GT(heap_bytes - before, room / 100 * 85) << "what is allowed is used";
  ASSERT_GT(cache->counts().evicted, 0u);
}

TEST_P(CacheHeap, GrowingNeverTakesMuchMoreForAMoment) {
  const auto [policy, range, room] = GetParam();
  const auto before = heap_bytes;
  const auto cache = make_cache_memory(policy, room);
  heap_bytes_highest = heap_bytes;
  for (std::size_t i = 0; i < 3 * room / (range.second + 128); ++i)
    cache->put(key_of(i), item_of(range.second));
  EXPECT_LE(heap_bytes_highest - before, room + room / 20 + range.second);
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, CacheHeap,
    testing::Combine(testing::Values(cache_policy::frequency_lru, cache_policy::semantic_lru),
                     testing::Values(sizes{8, 8}, sizes{8, 4096}, sizes{1024, 1024},
                                     sizes{100'000, 400'000}),
                     testing::Values(std::size_t{4} << 20, std::size_t{10} << 20)));

}  // namespace
}  // namespace tandem
