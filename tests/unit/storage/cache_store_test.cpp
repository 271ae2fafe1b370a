#include <fstream>
#include <span>

#include "storage/crc32c.hpp"
#include "storage/fault_file_system.hpp"
#include "tests/unit/storage/cache_child.hpp"
#include "tests/unit/storage/cache_fixture.hpp"

namespace tandem::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CacheStore : public cache_fixture {
 protected:
  /// Bytes that this process has read so far, from files and all else.
  static std::uint64_t bytes_read() {
    std::ifstream in("/proc/self/io");
    std::string name;
    std::uint64_t value = 0;
    in >> name >> value;
    return value;
  }
};

TEST(Crc32c, OfPartsIsThatOfTheWhole) {
  const std::string text = "123456789";
  const auto bytes = std::as_bytes(std::span(text));
  EXPECT_EQ(crc32c_of(bytes), 0xE3069283u);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut)
    EXPECT_EQ(crc32c_of({bytes.first(cut), bytes.subspan(cut)}), 0xE3069283u);
  EXPECT_EQ(crc32c_of(std::span<const std::byte>()), 0u);
}

TEST_F(CacheStore, GivesBackWhatWasPutAlsoAfterAStart) {
  {
    const auto store = open();
    put(*store, make_item(1));
    put(*store, make_item(2), now, "large");
  }
  const auto store = open();
  const auto found = get(*store, 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(number_of(*found), 1u);
  EXPECT_EQ(found->key, cache_key_of(1));
  EXPECT_EQ(found->item.created_ms, now);
  EXPECT_EQ(found->item.compute_us, 1234u);
  EXPECT_EQ(found->facts.tenant, "acme");
  EXPECT_EQ(found->facts.model, "tiny");
  EXPECT_EQ(found->facts.weight_version, "v1");
  EXPECT_FALSE(get(*store, 1, now, "large"));
  EXPECT_TRUE(get(*store, 2, now, "large"));
  ASSERT_FALSE(store->erase("small", cache_key_of(1)));
  EXPECT_FALSE(get(*store, 1));
  EXPECT_EQ(store->counts().hits, 2u);
  EXPECT_EQ(store->counts().misses, 2u);
  EXPECT_THAT(store->notes(), IsEmpty());
}

TEST_F(CacheStore, ChecksExpiryWhenItReads) {
  const auto store = open();
  put(*store, make_item(1, 64, now, now + 1000));
  put(*store, make_item(2));
  put(*store, make_item(3, 64, now + 1'000'000));
  EXPECT_TRUE(get(*store, 1, now + 999));
  EXPECT_FALSE(get(*store, 1, now + 1000));
  EXPECT_TRUE(get(*store, 2, now + hour_ms - 1));
  EXPECT_FALSE(get(*store, 2, now + hour_ms)) << "no longer than the tier's ttl";
  EXPECT_FALSE(get(*store, 3)) << "from the future";
  EXPECT_EQ(store->counts().expired, 3u);
}

TEST_F(CacheStore, RefusesWhatIsTooLargeAndKeepsTheOthers) {
  const auto store = open();
  auto long_name = make_item(3);
  long_name.facts.tenant.assign(1025, 't');
  const std::vector<stored_item> batch{make_item(1, 300'000), make_item(2), long_name};
  ASSERT_FALSE(store->put("small", batch, now));
  EXPECT_EQ(count(*store, 1, 4), 1u);
  EXPECT_EQ(store->counts().refused, 2u);
}

TEST_F(CacheStore, RefusesOptionsAndTiersThatMakeNoSense) {
  const auto store = open();
  EXPECT_EQ(code_of(store->get("medium", cache_key_of(1), now).error()), errc::invalid_argument);
  EXPECT_EQ(code_of(store->put("medium", {}, now)), errc::invalid_argument);
  EXPECT_EQ(code_of(cache_store::open(options_).error()), errc::locked);
  const auto wrong = [this](std::vector<cache_tier_options> tiers) {
    auto options = options_;
    options.folder = root_ / "other";
    options.tiers = std::move(tiers);
    return code_of(cache_store::open(options).error());
  };
  EXPECT_EQ(wrong({}), errc::invalid_argument);
  EXPECT_EQ(wrong({{"default", 4u << 20, 1000}}), errc::invalid_argument);
  EXPECT_EQ(wrong({{"a", 4u << 20, 1000}, {"a", 4u << 20, 1000}}), errc::invalid_argument);
  EXPECT_EQ(wrong({{"a", 1u << 20, 1000}}), errc::invalid_argument);
  EXPECT_EQ(wrong({{"a", 4u << 20, 0}}), errc::invalid_argument);
}

TEST_F(CacheStore, HoldsItsBytesWhenTenTimesAsMuchIsPut) {
  const auto store = open();
  const auto most = options_.tiers[0].bytes_max;
  put(*store, make_item(1'000'000), now, "large");
  constexpr std::uint64_t items = 10'000;
  for (std::uint64_t n = 0; n < items; n += 50) {
    std::vector<stored_item> batch;
    for (auto i = n; i < n + 50; ++i) batch.push_back(make_item(i, 4096));
    ASSERT_FALSE(store->put("small", batch, now));
    ASSERT_LE(folder_bytes(".sst"), most);
    ASSERT_LE(store->approximate_bytes("small"), most + options_.memory_bytes_max);
  }
  EXPECT_GT(folder_bytes(".sst"), most / 2);
  EXPECT_LT(folder_bytes(), most + (2u << 20)) << "with RocksDB's own files";
  EXPECT_EQ(count(*store, items - 400, items), 400u) << "the newest are there";
  EXPECT_EQ(count(*store, 0, 1000), 0u);
  EXPECT_TRUE(get(*store, 1'000'000, now, "large")) << "the other tier has its own bytes";
}

TEST_F(CacheStore, FilesWhoseItemsHaveExpiredAreDeleted) {
  const auto store = open();
  for (std::uint64_t n = 0; n < 500; ++n) put(*store, make_item(n, 4096));
  ASSERT_FALSE(store->maintain(now + hour_ms / 4));
  const auto full = folder_bytes(".sst");
  EXPECT_GT(full, 1u << 20);
  put(*store, make_item(1000, 64, now + hour_ms), now + hour_ms);
  ASSERT_FALSE(store->maintain(now + hour_ms * 5 / 4));
  EXPECT_GE(folder_bytes(".sst"), full) << "some might still be good";
  ASSERT_FALSE(store->maintain(now + hour_ms * 7 / 4));
  EXPECT_LT(folder_bytes(".sst"), full / 10);
  EXPECT_TRUE(get(*store, 1000, now + hour_ms * 7 / 4));
}

TEST_F(CacheStore, WhatWaitsLongIsBroughtToTheDisk) {
  const auto store = open();
  put(*store, make_item(1));
  ASSERT_FALSE(store->maintain(now + 60'000));
  EXPECT_THAT(files(".sst"), IsEmpty());
  ASSERT_FALSE(store->maintain(now + hour_ms / 4));
  EXPECT_THAT(files(".sst"), SizeIs(1));
  ASSERT_FALSE(store->maintain(now + hour_ms / 2));
  EXPECT_THAT(files(".sst"), SizeIs(1));
}

TEST_F(CacheStore, AMissReadsNothingFromTheDisk) {
  const auto store = open();
  for (std::uint64_t n = 0; n < 700; ++n) put(*store, make_item(n, 4096));
  ASSERT_FALSE(store->maintain(now + hour_ms / 4));
  ASSERT_GT(files(".sst").size(), 3u);
  EXPECT_EQ(count(*store, 10'000, 10'100), 0u);
  const auto before = bytes_read();
  constexpr std::uint64_t misses = 2000;
  EXPECT_EQ(count(*store, 20'000, 20'000 + misses), 0u);
  // A bloom filter of 10 bits errs in 1 of 100, and some blocks are in memory.
  EXPECT_LT(bytes_read() - before, misses / 20 * 4096 * files(".sst").size() / 4);
}

TEST_F(CacheStore, HotKeysAndPurgeRulesAreKept) {
  const std::vector<cache_key> keys{cache_key_of(3), cache_key_of(1), cache_key_of(2)};
  const std::vector<purge_rule> rules{{"small", "acme", "", "", 5}, {"", "", "tiny", "v1", 6}};
  {
    const auto store = open();
    EXPECT_THAT(*store->load_hot("small"), IsEmpty());
    EXPECT_THAT(*store->load_purges(), IsEmpty());
    ASSERT_FALSE(store->save_hot("small", std::span(keys).first(1)));
    ASSERT_FALSE(store->save_hot("small", keys));
    ASSERT_FALSE(store->save_purges(rules));
  }
  const auto store = open();
  EXPECT_EQ(*store->load_hot("small"), keys);
  EXPECT_THAT(*store->load_hot("large"), IsEmpty());
  EXPECT_EQ(*store->load_purges(), rules);
  EXPECT_EQ(code_of(store->save_purges(std::vector<purge_rule>(4097))), errc::invalid_argument);
}

TEST_F(CacheStore, ATierThatIsNoLongerNamedIsDeleted) {
  {
    const auto store = open();
    put(*store, make_item(1));
    put(*store, make_item(2), now, "large");
  }
  options_.tiers = {{"huge", 4u << 20, hour_ms}, {"small", 8u << 20, 2 * hour_ms}};
  {
    const auto store = open();
    EXPECT_TRUE(get(*store, 1));
    EXPECT_FALSE(get(*store, 2, now, "huge"));
    EXPECT_THAT(store->notes(), IsEmpty());
  }
  options_.tiers = {{"large", 4u << 20, hour_ms}};
  EXPECT_FALSE(get(*open(), 2, now, "large"));
}

TEST_F(CacheStore, AKillLosesNoMoreThanWhatWasInMemory) {
  for (const bool power_cut : {false, true}) {
    for (const std::uint64_t items : {0, 1, 700, 1800, 5000}) {
      SCOPED_TRACE(items);
      std::filesystem::remove_all(options_.folder);
      ASSERT_TRUE(cache_and_die(options_.folder, items, power_cut));
      EXPECT_EQ(folder_bytes(".log"), 0u) << "nothing to be replayed";
      const auto last_ms = now + items * 2000;
      options_.now_ms = last_ms;
      const auto store = open();
      EXPECT_THAT(store->notes(), IsEmpty());
      EXPECT_THAT(*store->load_purges(), ElementsAre(purge_rule{"", "acme", "", "", 42}));
      EXPECT_THAT(*store->load_hot("small"), ElementsAre(cache_key_of(7)));
      const auto there = count(*store, 0, items, last_ms);
      EXPECT_EQ(store->damaged(), 0u);
      // By then an hour is 1,800 items.
      EXPECT_TRUE(items < 1800 || there > 800u) << there;
      put(*store, make_item(1'000'000, 64, last_ms), last_ms);
      EXPECT_TRUE(get(*store, 1'000'000, last_ms));
    }
  }
}

TEST_F(CacheStore, ADiskThatFailsIsSaidAndTheNextWriteTriesAgain) {
  const auto faults = std::make_shared<fault_switch>();
  options_.file_system = make_fault_file_system(faults);
  const auto store = open();
  put(*store, make_item(1));
  ASSERT_FALSE(store->maintain(now + hour_ms / 4));
  const std::vector<cache_key> keys{cache_key_of(1)};
  for (const auto operation : {disk_operation::append, disk_operation::sync}) {
    for (const auto fault : {disk_fault::no_space, disk_fault::io_error, disk_fault::read_only}) {
      faults->fail(operation, fault);
      EXPECT_EQ(code_of(store->save_hot("small", keys)), errc::storage_failed);
      const auto found = store->get("small", cache_key_of(1), now);
      EXPECT_TRUE(found && *found) << "what is there can be read";
      EXPECT_EQ(code_of(store->put("small", std::vector{make_item(2)}, now)), errc::storage_failed);
      faults->clear();
      EXPECT_FALSE(store->put("small", std::vector{make_item(3)}, now));
      EXPECT_FALSE(store->save_hot("small", keys));
      EXPECT_TRUE(get(*store, 1));
      EXPECT_TRUE(get(*store, 3));
    }
  }
  EXPECT_THAT(store->notes(), IsEmpty());
}

}  // namespace
}  // namespace tandem::storage
