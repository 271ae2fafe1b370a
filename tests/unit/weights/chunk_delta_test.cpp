#include "actors/weights/chunk_delta.hpp"

#include <random>

#include <gtest/gtest.h>

#include "schema/errc.hpp"
#include "tests/unit/weights/weight_files.hpp"

namespace tandem {
namespace {

using bytes = std::vector<std::uint8_t>;

bytes random_bytes(std::size_t size, unsigned seed) {
  const auto text = test::random_text(size, seed);
  return {text.begin(), text.end()};
}

/// A share of the 2-byte elements set to anything.
bytes changed(bytes base, double share, unsigned seed) {
  std::mt19937 dice{seed};
  std::bernoulli_distribution change{share};
  for (std::size_t i = 0; i + 2 <= base.size(); i += 2)
    if (change(dice)) {
      base[i] = static_cast<std::uint8_t>(dice());
      base[i + 1] = static_cast<std::uint8_t>(dice());
    }
  return base;
}

TEST(ChunkDelta, ThreePercentChangedElementsTakeLessThanSixPercentOfTheBytes) {
  const auto base = random_bytes(1 << 20, 1), next = changed(base, 0.03, 2);
  const auto delta = make_delta(base, next);
  ASSERT_TRUE(delta);
  EXPECT_LT(delta->size(), base.size() * 6 / 100);
  EXPECT_EQ(*apply_delta(base, *delta), next);
}

TEST(ChunkDelta, GivesBackTheChunkWhateverTheSizeAndWhereverItChanged) {
  for (const std::size_t size : {1u, 2u, 3u, 7u, 8u, 9u, 63u, 511u, 1023u, 4096u, 4099u, 70'001u}) {
    const auto base = random_bytes(size, 1);
    for (const auto at : {std::size_t{0}, size / 2, size - 1}) {
      auto next = base;
      next[at] ^= 0x41;
      const auto delta = make_delta(base, next);
      // A header is more than a tiny chunk.
      if (!delta) {
        EXPECT_LT(size, 128u);
        continue;
      }
      EXPECT_EQ(*apply_delta(base, *delta), next) << size << ' ' << at;
    }
  }
}

TEST(ChunkDelta, EqualChunksTakeNextToNothing) {
  const auto base = random_bytes(1 << 20, 1);
  const auto delta = make_delta(base, base);
  ASSERT_TRUE(delta);
  EXPECT_LT(delta->size(), 64u);
  EXPECT_EQ(*apply_delta(base, *delta), base);
}

TEST(ChunkDelta, SmallChangesOfAllElementsAreStillWorthIt) {
  const auto base = random_bytes(1 << 18, 1);
  auto next = base;
  std::mt19937 dice{3};
  for (std::size_t i = 0; i < next.size(); i += 2)
    next[i] ^= static_cast<std::uint8_t>(1 + dice() % 7);
  const auto delta = make_delta(base, next);
  ASSERT_TRUE(delta);
  EXPECT_LT(delta->size(), base.size() / 4);
  EXPECT_EQ(*apply_delta(base, *delta), next);
}

TEST(ChunkDelta, NothingWhereItWouldSaveLittle) {
  const auto base = random_bytes(1 << 20, 1);
  EXPECT_FALSE(make_delta(base, random_bytes(1 << 20, 2)));
  EXPECT_FALSE(make_delta(base, changed(base, 0.6, 2)));
  EXPECT_FALSE(make_delta(base, random_bytes(1 << 19, 2)));
  EXPECT_FALSE(make_delta({}, {}));
}

TEST(ChunkDelta, MutatedDifferencesAreRefusedOrGiveAChunkOfTheSameSize) {
  const auto base = random_bytes(20'001, 1);
  const auto delta = *make_delta(base, changed(base, 0.05, 2));
  std::mt19937 dice{11};
  std::size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto mutated = delta;
    for (auto n = 1 + dice() % 4; n > 0; --n) {
      const auto at = dice() % 2 == 0 ? dice() % 24 : dice() % mutated.size();
      mutated[at] = dice() % 3 == 0 ? 0xff : static_cast<std::uint8_t>(dice());
    }
    if (dice() % 4 == 0) mutated.resize(dice() % mutated.size());
    if (dice() % 8 == 0) mutated.insert(mutated.end(), dice() % 9, 0);
    const auto out = apply_delta(base, mutated);
    if (out) {
      EXPECT_EQ(out->size(), base.size());
    } else {
      EXPECT_EQ(code_of(out.error()), errc::malformed_message);
      ++refused;
    }
  }
  EXPECT_GT(refused, 10'000u);
  EXPECT_FALSE(apply_delta(random_bytes(20'000, 1), delta));
  EXPECT_FALSE(apply_delta({}, delta));
  EXPECT_FALSE(apply_delta(base, {}));
}

}  // namespace
}  // namespace tandem
