#include <fstream>

#include "schema/ids.hpp"
#include "storage/keys.hpp"
#include "storage/raw_route_records.hpp"
#include "storage/route_record.hpp"
#include "tests/unit/storage/route_fixture.hpp"

namespace tandem::storage {
namespace {

using std::filesystem::path;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class RouteDamage : public route_fixture {
 protected:
  void fill() { ASSERT_FALSE(open()->write(make_batch())); }

  /// Changes every value under keys of `kind`.
  int change_all(keys::tag kind, const std::function<void(const std::string&, std::string&)>& how) {
    return change_raw_route_records(options_.folder, [&](const auto& key, auto& value) {
      if (key[0] == static_cast<char>(kind)) how(key, value);
    });
  }
  static void flip_last(const std::string&, std::string& value) { value.back() ^= 4; }

  [[nodiscard]] std::vector<std::string> folders() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(root_))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  [[nodiscard]] std::vector<path> files(std::string_view ending) const {
    std::vector<path> found;
    for (const auto& entry : std::filesystem::directory_iterator(options_.folder))
      if (entry.path().filename().string().ends_with(ending)) found.push_back(entry.path());
    return found;
  }
};

TEST(RouteRecord, LiesAsItAlwaysDid) {
  const std::string golden("\0\1\x19\x99\xB9#content", 13);
  EXPECT_EQ(seal_record("key", "content"), golden);
  EXPECT_EQ(open_record("key", golden).content, "content");
}

TEST(RouteRecord, IsGoodUnderItsOwnKeyAlone) {
  const auto value = seal_record("key", "content");
  EXPECT_EQ(open_record("kez", value).is, opened_record::kind::damaged);
  for (std::size_t i = 0; i < value.size(); ++i) {
    auto damaged = value;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_EQ(open_record("key", damaged).is, opened_record::kind::damaged) << i;
    EXPECT_EQ(open_record("key", value.substr(0, i)).is, opened_record::kind::damaged) << i;
  }
  const auto later = open_record("key", seal_record("key", "?", 2));
  EXPECT_EQ(later.is, opened_record::kind::later);
  EXPECT_EQ(later.version, 2);
  EXPECT_EQ(later.content, "");
}

TEST_F(RouteDamage, DamagedStatisticsAreSetAsideOnceAndTheOthersKept) {
  fill();
  ASSERT_EQ(change_all(keys::tag::arm_statistics,
                       [](const std::string& key, std::string& value) {
                         if (key.ends_with("tiny")) flip_last(key, value);
                       }),
            1);
  {
    const auto memory = open()->load(10);
    ASSERT_THAT(memory.statistics, SizeIs(1));
    EXPECT_EQ(view(memory.statistics[0].read()->getModel()), "big");
    EXPECT_THAT(memory.set_aside, ElementsAre(HasSubstr("the statistics of arm 'tiny'")));
    EXPECT_THAT(memory.decisions, SizeIs(2));
  }
  EXPECT_THAT(open()->load(10).set_aside, IsEmpty());
  int in_corner = 0;
  (void)change_all(keys::tag::route_aside, [&](const auto&, auto&) { ++in_corner; });
  EXPECT_EQ(in_corner, 1);
  EXPECT_THAT(folders(), ElementsAre("routing"));
}

TEST_F(RouteDamage, DamageInAnyKindOfRecordIsNamedAndNothingDamagedIsServed) {
  const std::pair<keys::tag, const char*> kinds[] = {
      {keys::tag::arm_statistics, "the statistics of arm 'big'"},
      {keys::tag::decision, "decision 12"},
      {keys::tag::route_setting, "the setting"},
      {keys::tag::route_change, "change 2 of the setting"},
      {keys::tag::route_state, "the state 'judge'"}};
  for (const auto& [kind, name] : kinds) {
    SCOPED_TRACE(name);
    std::filesystem::remove_all(options_.folder);
    fill();
    ASSERT_GT(change_all(kind, flip_last), 0);
    const auto store = open();
    const auto memory = store->load(10);
    EXPECT_THAT(memory.set_aside, Contains(HasSubstr(name)));
    EXPECT_EQ(memory.statistics.empty(), kind == keys::tag::arm_statistics);
    EXPECT_EQ(memory.decisions.empty(), kind == keys::tag::decision);
    EXPECT_EQ(memory.setting.empty(), kind == keys::tag::route_setting);
    EXPECT_EQ(memory.states.empty(), kind == keys::tag::route_state);
    EXPECT_EQ(store->changes(10)->empty(), kind == keys::tag::route_change);
    EXPECT_EQ(store->decisions_after(0, 10, many)->decisions.empty(), kind == keys::tag::decision);
    if (kind == keys::tag::decision) {
      EXPECT_EQ(code_of(store->decision(12).error()), errc::corrupted);
    }
    ASSERT_FALSE(store->write(make_batch()));
    EXPECT_THAT(store->load(10).statistics, SizeIs(2));
    EXPECT_TRUE(store->decision(12));
    EXPECT_THAT(ids_of(store->decisions_after(0, 10, many)->decisions), ElementsAre(11, 12));
  }
}

TEST_F(RouteDamage, GoodChecksumsDoNotMakeHostileBytesAMessage) {
  fill();
  for (const auto kind : {keys::tag::arm_statistics, keys::tag::decision, keys::tag::route_setting,
                          keys::tag::route_change})
    ASSERT_GT(change_all(kind,
                         [](const std::string& key, std::string& value) {
                           value = seal_record(key, std::string(80, '\xFF'));
                         }),
              0);
  const auto store = open();
  const auto memory = store->load(10);
  EXPECT_THAT(memory.statistics, IsEmpty());
  EXPECT_THAT(memory.decisions, IsEmpty());
  EXPECT_TRUE(memory.setting.empty());
  EXPECT_THAT(*store->changes(10), IsEmpty());
  EXPECT_EQ(code_of(store->decision(12).error()), errc::corrupted);
  EXPECT_THAT(memory.set_aside, Contains(HasSubstr("the setting is unreadable")));
}

TEST_F(RouteDamage, RecordsOfALaterVersionAreNamedAndLeftAlone) {
  fill();
  const auto make_later = [](const std::string& key, std::string& value) {
    value = seal_record(key, "what nobody knows yet", 2);
  };
  for (const auto kind : {keys::tag::arm_statistics, keys::tag::decision, keys::tag::route_setting,
                          keys::tag::route_change, keys::tag::route_state})
    ASSERT_GT(change_all(kind, make_later), 0);
  for (int start = 0; start < 2; ++start) {
    const auto store = open();
    const auto memory = store->load(10);
    EXPECT_THAT(memory.statistics, IsEmpty());
    EXPECT_THAT(memory.decisions, IsEmpty());
    EXPECT_THAT(memory.states, IsEmpty());
    EXPECT_TRUE(memory.setting.empty());
    EXPECT_THAT(memory.set_aside, Contains(HasSubstr("the setting was written by a later version "
                                                     "(format 2) and is not used")));
  }
  int later = 0;
  (void)change_raw_route_records(options_.folder, [&](const auto& key, auto& value) {
    later += open_record(key, value).is == opened_record::kind::later ? 1 : 0;
  });
  EXPECT_EQ(later, 9);
  ASSERT_FALSE(open()->write(make_batch()));
  EXPECT_EQ(open()->load(10).setting.read()->getGeneration(), 3u);
}

TEST_F(RouteDamage, SaysAtMostAHundredSentences) {
  {
    route_batch batch;
    for (std::uint64_t origin = 1; origin <= 300; ++origin)
      batch.statistics.push_back(make_statistics(origin, "big"));
    ASSERT_FALSE(open()->write(batch));
  }
  ASSERT_EQ(change_all(keys::tag::arm_statistics, flip_last), 300);
  {
    const auto memory = open()->load(10);
    EXPECT_THAT(memory.set_aside, SizeIs(100));
    EXPECT_EQ(memory.set_aside.back(), "and 201 more");
  }
  int in_corner = 0;
  (void)change_all(keys::tag::route_aside, [&](const auto&, auto&) { ++in_corner; });
  EXPECT_EQ(in_corner, 100);
}

TEST_F(RouteDamage, ADatabaseThatCannotBeOpenedIsMovedAsideAndSaid) {
  fill();
  std::ofstream(options_.folder / "CURRENT", std::ios::trunc) << "nonsense";
  {
    const auto store = open();
    const auto memory = store->load(10);
    EXPECT_THAT(memory.statistics, IsEmpty());
    EXPECT_THAT(memory.set_aside, ElementsAre(HasSubstr("routing.damaged-1")));
    EXPECT_FALSE(store->write(make_batch()));
  }
  EXPECT_THAT(folders(), ElementsAre("routing", "routing.damaged-1"));
  EXPECT_THAT(open()->load(10).set_aside, IsEmpty());
}

TEST_F(RouteDamage, ALostManifestDoesNotLookLikeANewFolder) {
  fill();
  std::filesystem::remove(options_.folder / "CURRENT");
  EXPECT_THAT(open()->load(10).set_aside, ElementsAre(HasSubstr("routing.damaged-1")));
}

TEST_F(RouteDamage, AFileInThePlaceOfTheFolderIsMovedAside) {
  std::ofstream(options_.folder) << "a file";
  EXPECT_FALSE(open()->write(make_batch()));
  EXPECT_THAT(folders(), ElementsAre("routing", "routing.damaged-1"));
}

TEST_F(RouteDamage, FewDamagedFoldersAreKept) {
  for (int i = 0; i < 6; ++i) {
    fill();
    std::ofstream(options_.folder / "CURRENT", std::ios::trunc) << "nonsense";
  }
  (void)open();
  EXPECT_THAT(folders(), ElementsAre("routing", "routing.damaged-4", "routing.damaged-5",
                                     "routing.damaged-6"));
}

TEST_F(RouteDamage, AFlippedByteAnywhereInATableNeverKeepsTheStoreFromOpening) {
  fill();
  // The log into tables: RocksDB does that at an opening.
  (void)open();
  const auto intact = root_ / "intact";
  std::filesystem::copy(options_.folder, intact);
  int damaged = 0;
  for (const auto& file : files(".sst")) {
    const auto text = test::read_text(intact / file.filename());
    for (std::size_t at = 0; at < text.size(); at += text.size() / 12 + 1) {
      std::filesystem::remove_all(options_.folder);
      std::filesystem::copy(intact, options_.folder);
      auto flipped = text;
      flipped[at] = static_cast<char>(flipped[at] ^ 0x40);
      test::write_text(file, flipped);
      SCOPED_TRACE(file.filename().string() + " byte " + std::to_string(at));
      const auto store = open();
      const auto memory = store->load(10);
      const auto whole = memory.statistics.size() == 2 && memory.decisions.size() == 2 &&
                         memory.states.size() == 2 && !memory.setting.empty();
      EXPECT_TRUE(whole || !memory.set_aside.empty()) << "lost in silence";
      damaged += whole ? 0 : 1;
      EXPECT_FALSE(store->write(make_batch()));
    }
  }
  EXPECT_GT(damaged, 0);
}

}  // namespace
}  // namespace tandem::storage
