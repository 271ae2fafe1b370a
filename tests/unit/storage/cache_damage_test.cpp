#include <fstream>

#include "storage/cache_record.hpp"
#include "storage/keys.hpp"
#include "storage/raw_cache_records.hpp"
#include "storage/route_record.hpp"
#include "tests/unit/storage/cache_fixture.hpp"

namespace tandem::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CacheDamage : public cache_fixture {
 protected:
  static constexpr std::uint64_t items = 20;
  void fill() {
    const auto store = open();
    for (std::uint64_t n = 0; n < items; ++n) put(*store, make_item(n));
    const purge_rule rule{"", "acme", "", "", 42};
    const auto hot = cache_key_of(7);
    ASSERT_FALSE(store->save_purges({&rule, 1}));
    ASSERT_FALSE(store->save_hot("small", {&hot, 1}));
  }
  int change_all(keys::tag kind, const std::function<void(const std::string&, std::string&)>& how) {
    return change_raw_cache_records(options_, [&](const auto& key, auto& value) {
      if (key[0] == static_cast<char>(kind)) how(key, value);
    });
  }
  /// All answers are damaged: misses, counted, and not found damaged again.
  void expect_all_dropped() {
    const auto store = open();
    EXPECT_EQ(count(*store, 0, items), 0u);
    EXPECT_EQ(store->damaged(), items);
    EXPECT_EQ(count(*store, 0, items), 0u);
    EXPECT_EQ(store->damaged(), items) << "they are gone";
    EXPECT_EQ(store->counts().hits, 0u);
    put(*store, make_item(1));
    EXPECT_EQ(count(*store, 0, items), 1u);
  }
};

TEST(CacheRecord, LiesAsItAlwaysDid) {
  stored_item item;
  item.item.created_ms = 0x0102;
  item.item.expires_ms = 0x0304;
  item.item.compute_us = 0x0506;
  item.facts = {"t", "mo", "v"};
  auto words = std::make_shared<capnp::word[]>(1);
  std::memcpy(words.get(), "content!", 8);
  item.item.value = {words, 1};
  EXPECT_EQ(cache_content(item),
            std::string("\0\0\0\0\0\0\1\2\0\0\0\0\0\0\3\4\0\0\5\6\0\1\0\2\0\1tmovcontent!", 38));
}

TEST(CacheRecord, NoLengthLeadsBeyondItsEnd) {
  const auto content = cache_content(make_item(1));
  ASSERT_TRUE(read_cache_content(content));
  const auto words = read_cache_content(content)->words.size();
  for (std::size_t size = 0; size < content.size(); ++size) {
    const auto read = read_cache_content(std::string_view(content).substr(0, size));
    EXPECT_EQ(read.has_value(), size > content.size() - words && (content.size() - size) % 8 == 0);
  }
  for (std::size_t at = 20; at < 26; ++at) {
    auto wrong = content;
    wrong[at] = '\xFF';
    const auto read = read_cache_content(wrong);
    EXPECT_TRUE(!read || read->words.end() <= wrong.data() + wrong.size());
  }
  const std::vector<purge_rule> rules{{"a", "b", "c", "d", 1}, {"", "", "", "", 2}};
  const auto purges = purge_content(rules);
  EXPECT_EQ(read_purge_content(purges), rules);
  for (std::size_t size = 1; size < purges.size(); ++size) {
    const auto read = read_purge_content(std::string_view(purges).substr(0, size));
    EXPECT_TRUE(!read || read->size() == 1u);
  }
}

TEST_F(CacheDamage, AFlippedBitAnywhereInARecordIsFound) {
  const auto row = keys::cached_answer(cache_key_of(1));
  const auto sealed = seal_record(row, cache_content(make_item(1)));
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    auto flipped = sealed;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    EXPECT_NE(open_record(row, flipped).is, opened_record::kind::good) << at;
  }
  fill();
  std::size_t at = 0;
  ASSERT_EQ(change_all(keys::tag::cached_answer,
                       [&at](const auto&, std::string& value) {
                         at = (at + 13) % value.size();
                         value[at] = static_cast<char>(value[at] ^ 4);
                       }),
            static_cast<int>(items));
  expect_all_dropped();
}

TEST_F(CacheDamage, ATruncatedValueIsFound) {
  fill();
  std::size_t left = 0;
  ASSERT_GT(change_all(keys::tag::cached_answer,
                       [&left](const auto&, std::string& value) { value.resize(left += 8); }),
            0);
  expect_all_dropped();
}

TEST_F(CacheDamage, ARecordUnderAnothersKeyIsFound) {
  fill();
  std::string last;
  ASSERT_GT(change_all(keys::tag::cached_answer,
                       [&last](const auto&, std::string& value) {
                         // The first one stays, and is damaged otherwise.
                         if (last.empty()) {
                           last = value;
                           value.pop_back();
                         } else {
                           std::swap(last, value);
                         }
                       }),
            0);
  expect_all_dropped();
}

TEST_F(CacheDamage, ALaterVersionIsNotGuessedAt) {
  fill();
  ASSERT_GT(change_all(keys::tag::cached_answer,
                       [](const std::string& key, std::string& value) {
                         value = seal_record(key, "what nobody knows yet", 2);
                       }),
            0);
  expect_all_dropped();
}

TEST_F(CacheDamage, GoodChecksumsDoNotMakeHostileBytesAMessage) {
  fill();
  int n = 0;
  ASSERT_GT(change_all(keys::tag::cached_answer,
                       [&n](const std::string& key, std::string& value) {
                         auto content = std::string(open_record(key, value).content);
                         std::fill(content.end() - 64, content.end(), '\xFF');
                         value = seal_record(key, ++n % 2 == 0 ? content : std::string(80, '\xFF'));
                       }),
            0);
  expect_all_dropped();
}

TEST_F(CacheDamage, PurgeRulesThatCannotBeReadPurgeEverything) {
  fill();
  ASSERT_EQ(change_all(keys::tag::purge_rules,
                       [](const auto&, std::string& value) { value.back() ^= 1; }),
            1);
  ASSERT_EQ(change_all(keys::tag::hot_answers,
                       [](const auto&, std::string& value) { value.back() ^= 1; }),
            1);
  const auto store = open();
  EXPECT_THAT(*store->load_purges(), ElementsAre(purge_rule{"", "", "", "", ~std::uint64_t{0}}));
  EXPECT_THAT(*store->load_hot("small"), IsEmpty());
  EXPECT_EQ(store->damaged(), 2u);
  ASSERT_FALSE(store->save_purges({}));
  EXPECT_THAT(*store->load_purges(), IsEmpty());
}

TEST_F(CacheDamage, ADatabaseThatCannotBeOpenedBeginsAnewAndSaysSo) {
  const auto lost_table = [this] { std::filesystem::remove(files(".sst").at(0)); };
  const auto short_table = [this] { std::filesystem::resize_file(files(".sst").at(0), 100); };
  const auto nonsense = [this] {
    std::ofstream(options_.folder / "CURRENT", std::ios::trunc) << "nonsense";
  };
  const auto lost_manifest = [this] { std::filesystem::remove(options_.folder / "CURRENT"); };
  const std::function<void()> damages[] = {lost_table, short_table, nonsense, lost_manifest};
  for (const auto& damage : damages) {
    fill();
    damage();
    const auto store = open();
    EXPECT_THAT(store->notes(), ElementsAre(HasSubstr("it has begun anew")));
    EXPECT_EQ(count(*store, 0, items), 0u);
    put(*store, make_item(1));
    EXPECT_EQ(count(*store, 0, items), 1u);
  }
  EXPECT_THAT(open()->notes(), IsEmpty());
  EXPECT_LT(folder_bytes(), 200'000u) << "nothing of the old ones is left";
}

TEST_F(CacheDamage, AFileInThePlaceOfTheFolderIsMovedAside) {
  std::ofstream(options_.folder) << "somebody's file";
  put(*open(), make_item(1));
  EXPECT_TRUE(std::filesystem::is_regular_file(root_ / "cache.damaged-1"));
  EXPECT_TRUE(get(*open(), 1));
}

TEST_F(CacheDamage, AFlippedByteAnywhereInATableNeverServesAWrongAnswer) {
  fill();
  const auto intact = root_ / "intact";
  std::filesystem::copy(options_.folder, intact);
  int damaged = 0;
  for (const auto& entry : std::filesystem::directory_iterator(intact)) {
    const auto name = entry.path().filename().string();
    if (!name.ends_with(".sst") && !name.starts_with("MANIFEST")) continue;
    const auto text = test::read_text(entry.path());
    for (std::size_t at = 0; at < text.size(); at += text.size() / 24 + 1) {
      std::filesystem::remove_all(options_.folder);
      std::filesystem::copy(intact, options_.folder);
      auto flipped = text;
      flipped[at] = static_cast<char>(flipped[at] ^ 0x40);
      test::write_text(options_.folder / name, flipped);
      SCOPED_TRACE(name + " byte " + std::to_string(at));
      const auto store = open();
      const auto there = count(*store, 0, items);
      EXPECT_TRUE(there == items || store->damaged() > 0 || !store->notes().empty())
          << "lost in silence";
      damaged += there == items ? 0 : 1;
      put(*store, make_item(100));
      EXPECT_TRUE(get(*store, 100));
    }
  }
  EXPECT_GT(damaged, 0);
}

}  // namespace
}  // namespace tandem::storage
