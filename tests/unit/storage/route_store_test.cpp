#include "storage/fault_file_system.hpp"
#include "tests/unit/storage/route_child.hpp"
#include "tests/unit/storage/route_fixture.hpp"

namespace tandem::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using RouteStore = route_fixture;

std::vector<std::uint64_t> count_up(std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint64_t> numbers;
  for (auto n = from; n <= to; ++n) numbers.push_back(n);
  return numbers;
}

void expect_batch(const route_store& store) {
  const auto memory = store.load(100);
  ASSERT_THAT(memory.statistics, SizeIs(2));
  auto statistics = memory.statistics[0].read();
  EXPECT_EQ(view(statistics->getModel()), "big");
  EXPECT_EQ(statistics->getGram()[2], 2.5f);
  EXPECT_EQ(memory.setting.read()->getGeneration(), 3u);
  ASSERT_THAT(memory.states, SizeIs(2));
  EXPECT_EQ(memory.states[0].bytes, "some bytes");
  EXPECT_EQ(memory.states[1].name, "price of a");
  EXPECT_EQ(memory.states[1].bytes, std::string("\0\1", 2));
  EXPECT_THAT(ids_of(memory.decisions), ElementsAre(12, 11));
  EXPECT_THAT(memory.set_aside, IsEmpty());
  EXPECT_THAT(reasons_of(*store.changes(10)), ElementsAre("second", "first"));
  EXPECT_THAT(reasons_of(*store.changes(1)), ElementsAre("second"));
  EXPECT_EQ(store.decision(12)->read()->getQuality(), 0.5);
  EXPECT_EQ(code_of(store.decision(13).error()), errc::not_found);
}

TEST_F(RouteStore, StartsEmptyInAFolderOfItsOwn) {
  const auto store = open();
  const auto memory = store->load(100);
  EXPECT_THAT(memory.statistics, IsEmpty());
  EXPECT_TRUE(memory.setting.empty());
  EXPECT_THAT(memory.decisions, IsEmpty());
  EXPECT_THAT(*store->changes(10), IsEmpty());
  EXPECT_THAT(store->decisions_after(0, 10, many)->decisions, IsEmpty());
  EXPECT_EQ(std::filesystem::status(options_.folder).permissions(),
            std::filesystem::perms::owner_all);
}

TEST_F(RouteStore, GivesBackWhatWasWrittenAlsoAfterAReopening) {
  {
    const auto store = open();
    ASSERT_FALSE(store->write(make_batch()));
    expect_batch(*store);
  }
  expect_batch(*open());
}

TEST_F(RouteStore, LosesNothingThatWasWrittenWhenItsProcessDies) {
  ASSERT_TRUE(write_and_die(options_.folder, 100, false));
  const auto memory = open()->load(many);
  EXPECT_THAT(memory.decisions, SizeIs(100));
  ASSERT_THAT(memory.statistics, SizeIs(1));
  EXPECT_EQ(memory.statistics[0].read()->getQualitySum(), 100);
  EXPECT_THAT(memory.set_aside, IsEmpty());
}

TEST_F(RouteStore, APowerCutTakesWholeBatchesOnly) {
  constexpr std::uint64_t batches = 6'000;
  ASSERT_TRUE(write_and_die(options_.folder, batches, true));
  const auto store = open();
  const auto memory = store->load(many);
  ASSERT_THAT(memory.statistics, SizeIs(1)) << "nothing was flushed: the test shows nothing";
  const auto counted = memory.statistics[0].read()->getQualitySum();
  EXPECT_LT(counted, batches);
  EXPECT_EQ(static_cast<double>(memory.decisions.size()), counted);
  EXPECT_FALSE(store->write(make_batch()));
}

TEST_F(RouteStore, ALaterRecordOfTheSameKeyReplacesTheEarlierOne) {
  const auto store = open();
  ASSERT_FALSE(store->write(make_batch()));
  route_batch batch;
  batch.statistics = {make_statistics(1, "big", 9)};
  batch.decisions = {make_decision(11, 1)};
  batch.setting = make_setting(4, "fixed");
  batch.states = {{"judge", "other"}, {"price of a", ""}};
  ASSERT_FALSE(store->write(batch));
  const auto memory = store->load(100);
  ASSERT_THAT(memory.statistics, SizeIs(2));
  EXPECT_EQ(memory.statistics[0].read()->getQualitySum(), 9);
  EXPECT_EQ(view(memory.setting.read()->getPolicy()), "fixed");
  ASSERT_THAT(memory.states, SizeIs(1));
  EXPECT_EQ(memory.states[0].bytes, "other");
  // It keeps its place.
  EXPECT_THAT(ids_of(memory.decisions), ElementsAre(12, 11));
  EXPECT_EQ(store->decision(11)->read()->getQuality(), 1);
  EXPECT_EQ(store->decisions_kept(), 2u);
}

TEST_F(RouteStore, KeepsTheNewestDecisionsWhateverTheirIds) {
  options_.decisions_kept = 10;
  auto store = open();
  // Ids fall from one start of a node to the next: their high half is random.
  for (std::uint64_t id = 1000; id > 900; --id) {
    route_batch batch;
    batch.decisions = {make_decision(id)};
    ASSERT_FALSE(store->write(batch));
  }
  EXPECT_LE(store->decisions_kept(), 11u);
  store.reset();
  store = open();
  EXPECT_EQ(code_of(store->decision(1000).error()), errc::not_found);
  EXPECT_TRUE(store->decision(901));
  EXPECT_THAT(ids_of(store->load(3).decisions), ElementsAre(901, 902, 903));
}

TEST_F(RouteStore, ALowerLimitIsReachedInSteps) {
  {
    const auto store = open();
    route_batch batch;
    for (auto id : count_up(1, 3'000)) batch.decisions.push_back(make_decision(id));
    ASSERT_FALSE(store->write(batch));
  }
  options_.decisions_kept = 5;
  const auto store = open();
  route_batch batch;
  batch.decisions = {make_decision(3'001)};
  ASSERT_FALSE(store->write(batch));
  EXPECT_GT(store->decisions_kept(), 1'000u);
  for (std::uint64_t id = 3'002; id < 3'006; ++id) {
    batch.decisions = {make_decision(id)};
    ASSERT_FALSE(store->write(batch));
  }
  EXPECT_EQ(store->decisions_kept(), 5u);
  EXPECT_THAT(ids_of(store->decisions_after(0, many, many)->decisions),
              ElementsAre(3'001, 3'002, 3'003, 3'004, 3'005));
}

TEST_F(RouteStore, PagesOfDecisionsFollowTheOrderOfTheirArrival) {
  const auto store = open();
  route_batch batch;
  for (std::uint64_t id : {50, 10, 40, 20, 30}) batch.decisions.push_back(make_decision(id));
  ASSERT_FALSE(store->write(batch));
  auto page = store->decisions_after(0, 2, many);
  EXPECT_THAT(ids_of(page->decisions), ElementsAre(50, 10));
  EXPECT_TRUE(page->more);
  page = store->decisions_after(10, 3, many);
  EXPECT_THAT(ids_of(page->decisions), ElementsAre(40, 20, 30));
  EXPECT_FALSE(page->more);
  EXPECT_THAT(store->decisions_after(30, 3, many)->decisions, IsEmpty());
  // One that is no longer kept: from the oldest.
  EXPECT_THAT(ids_of(store->decisions_after(77, 1, many)->decisions), ElementsAre(50));
  page = store->decisions_after(0, many, 1);
  EXPECT_THAT(ids_of(page->decisions), ElementsAre(50)) << "one goes however big it is";
  EXPECT_TRUE(page->more);
}

TEST_F(RouteStore, ForgetsOriginsAndDecisions) {
  const auto store = open();
  route_batch batch;
  batch.statistics = {make_statistics(1, "a"), make_statistics(2, "a"), make_statistics(2, "b"),
                      make_statistics(3, "a"), make_statistics(~std::uint64_t{0}, "a")};
  batch.decisions = {make_decision(1), make_decision(2)};
  ASSERT_FALSE(store->write(batch));
  batch = {};
  batch.forgotten_origins = {2, ~std::uint64_t{0}};
  batch.forgotten_decisions = {1};
  batch.statistics = {make_statistics(2, "c")};
  ASSERT_FALSE(store->write(batch));
  const auto memory = store->load(10);
  std::vector<std::string> left;
  for (const auto& one : memory.statistics)
    left.push_back(std::to_string(one.read()->getOrigin()) +
                   std::string(view(one.read()->getModel())));
  EXPECT_THAT(left, ElementsAre("1a", "2c", "3a"));
  EXPECT_THAT(ids_of(memory.decisions), ElementsAre(2));
  EXPECT_THAT(memory.set_aside, IsEmpty());
}

TEST_F(RouteStore, RefusesWhatItCouldNotGiveBack) {
  const auto store = open();
  route_batch bad;
  bad.statistics = {make_statistics(1, std::string(1025, 'm'))};
  EXPECT_EQ(code_of(store->write(bad)), errc::invalid_argument);
  bad = {};
  bad.decisions = {make_decision(1), make_decision(0)};
  EXPECT_EQ(code_of(store->write(bad)), errc::invalid_argument);
  bad = {};
  bad.decisions = {tmsg::decrec{}};
  EXPECT_EQ(code_of(store->write(bad)), errc::invalid_argument);
  bad = {};
  bad.states = {{"", "x"}};
  EXPECT_EQ(code_of(store->write(bad)), errc::invalid_argument);
  bad = {};
  bad.changes = {make_change(1, std::string(2u << 20, 'x'))};
  EXPECT_EQ(code_of(store->write(bad)), errc::invalid_argument);
  EXPECT_THAT(store->load(10).decisions, IsEmpty()) << "nothing of a bad batch is written";
  EXPECT_FALSE(store->write(make_batch()));
}

TEST_F(RouteStore, WritesAgainWhenAFullDiskHasRoom) {
  const auto faults = std::make_shared<fault_switch>();
  options_.file_system = make_fault_file_system(faults);
  auto store = open();
  ASSERT_FALSE(store->write(make_batch()));
  faults->fail(disk_operation::append, disk_fault::no_space);
  route_batch batch;
  batch.decisions = {make_decision(13, 1)};
  batch.changes = {make_change(9, "third")};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(code_of(store->write(batch)), errc::storage_failed) << i;
  faults->clear();
  ASSERT_FALSE(store->write(batch));
  EXPECT_THAT(reasons_of(*store->changes(10)), ElementsAre("third", "second", "first"));
  store.reset();
  store = open();
  EXPECT_THAT(ids_of(store->load(10).decisions), ElementsAre(13, 12, 11));
  EXPECT_THAT(reasons_of(*store->changes(10)), ElementsAre("third", "second", "first"));
}

TEST_F(RouteStore, WritesAgainAfterADiskThatFailed) {
  const auto faults = std::make_shared<fault_switch>();
  options_.file_system = make_fault_file_system(faults);
  const auto store = open();
  ASSERT_FALSE(store->write(make_batch()));
  faults->fail(disk_operation::append, disk_fault::io_error);
  route_batch batch;
  batch.decisions = {make_decision(13, 1)};
  EXPECT_TRUE(store->write(batch));
  EXPECT_TRUE(store->write(batch));
  faults->clear();
  ASSERT_FALSE(store->write(batch));
  EXPECT_THAT(ids_of(store->load(10).decisions), ElementsAre(13, 12, 11));
}

TEST_F(RouteStore, IsOpenInOneProcessAtATime) {
  const auto store = open();
  auto second = route_store::open(options_);
  ASSERT_FALSE(second);
  EXPECT_EQ(code_of(second.error()), errc::locked);
  EXPECT_THAT(std::vector<std::filesystem::path>(std::filesystem::directory_iterator(root_), {}),
              SizeIs(1))
      << "nothing is moved aside";
}

}  // namespace
}  // namespace tandem::storage
