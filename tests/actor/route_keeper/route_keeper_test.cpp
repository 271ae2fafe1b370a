#include "actors/router/route_keeper.hpp"

#include <memory>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include "actors/system/caf_settings.hpp"
#include "storage/fault_file_system.hpp"
#include "tests/unit/storage/route_fixture.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using storage::disk_fault;
using storage::disk_operation;
using storage::ids_of;
using storage::make_decision;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class RouteKeeper : public storage::route_fixture {
 protected:
  RouteKeeper() {
    options_.file_system = storage::make_fault_file_system(faults_);
    config_ = std::move(*system_config::make({.threads = 1}));
    system_ = std::make_unique<caf::actor_system>(*config_);
    self_ = std::make_unique<caf::scoped_actor>(*system_);
  }
  ~RouteKeeper() override {
    if (keeper_) caf::anon_send_exit(keeper_, caf::exit_reason::user_shutdown);
    if (keeper_) (*self_)->wait_for(keeper_);
    keeper_ = nullptr;
  }

  void start(std::shared_ptr<storage::route_store> store, const std::string& why = {}) {
    store_ = std::move(store);
    keeper_ = system_->spawn<caf::detached>(route_keeper_behavior, store_, std::size_t{3}, why);
  }

  void write(const storage::route_batch& batch) { (*self_)->send(keeper_, write_atom_v, batch); }
  void decide(std::uint64_t id, double quality = -1) {
    storage::route_batch batch;
    batch.decisions = {make_decision(id, quality)};
    write(batch);
  }

  template <class Reply, class... Args>
  caf::expected<Reply> ask(Args... args) {
    caf::expected<Reply> result{make_error(errc::internal)};
    (*self_)
        ->request(keeper_, 30s, args...)
        .receive([&](const Reply& reply) { result = reply; },
                 [&](const caf::error& err) { result = err; });
    return result;
  }
  auto status() { return *ask<tmsg::actstat>(status_atom_v); }

  std::shared_ptr<storage::fault_switch> faults_ = std::make_shared<storage::fault_switch>();
  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  std::unique_ptr<caf::scoped_actor> self_;
  std::shared_ptr<storage::route_store> store_;
  route_keeper_actor keeper_;
};

TEST_F(RouteKeeper, WritesAndReadsBack) {
  start(open());
  write(make_batch());
  auto decision = ask<tmsg::decrec>(find_atom_v, std::uint64_t{12});
  ASSERT_TRUE(decision) << message_of(decision.error());
  EXPECT_EQ(decision->read()->getQuality(), 0.5);
  auto none = ask<tmsg::decrec>(find_atom_v, std::uint64_t{13});
  ASSERT_FALSE(none);
  EXPECT_EQ(code_of(none.error()), errc::not_found);
  auto page = ask<tmsg::rtrep>(list_atom_v, std::uint64_t{0}, std::uint32_t{1});
  ASSERT_TRUE(page);
  ASSERT_EQ(page->read()->getDecisions().size(), 1u);
  EXPECT_EQ(page->read()->getDecisions()[0].getId(), 11u);
  EXPECT_TRUE(page->read()->getMore());
  page = ask<tmsg::rtrep>(list_atom_v, std::uint64_t{11}, std::uint32_t{0});
  EXPECT_EQ(page->read()->getDecisions().size(), 1u);
  EXPECT_FALSE(page->read()->getMore());
  EXPECT_THAT(ask<route_changes>(list_atom_v, std::uint32_t{10})->changes, SizeIs(2));
  EXPECT_EQ(status().read()->getHandled(), 1u);
  EXPECT_EQ(view(status().read()->getState()), "ok");
}

TEST_F(RouteKeeper, KeepsWhatAFullDiskRefusesAndWritesItLater) {
  start(open());
  decide(1);
  ASSERT_EQ(status().read()->getHandled(), 1u);
  faults_->fail(disk_operation::append, disk_fault::no_space);
  decide(2);
  decide(3);
  decide(2, 0.25);
  auto failing = status();
  EXPECT_EQ(view(failing.read()->getState()), "failing");
  EXPECT_EQ(failing.read()->getQueued(), 2u);
  EXPECT_THAT(std::string{view(failing.read()->getLastError())}, HasSubstr("disk is full"));
  faults_->clear();
  decide(4);
  EXPECT_EQ(view(status().read()->getState()), "ok");
  EXPECT_EQ(status().read()->getQueued(), 0u);
  EXPECT_THAT(ids_of(store_->load(10).decisions), ElementsAre(4, 3, 2, 1));
  EXPECT_EQ(store_->decision(2)->read()->getQuality(), 0.25);
}

TEST_F(RouteKeeper, ADiskThatIsFullFromTheFirstWriteOnStopsNothing) {
  start(open());
  faults_->fail(disk_operation::append, disk_fault::no_space);
  for (std::uint64_t id = 1; id < 4; ++id) decide(id);
  ASSERT_EQ(view(status().read()->getState()), "failing");
  faults_->clear();
  decide(3, 1);
  EXPECT_EQ(view(status().read()->getState()), "ok");
  EXPECT_THAT(ids_of(store_->load(10).decisions), ElementsAre(3, 2, 1));
}

TEST_F(RouteKeeper, HoldsBackABoundedNumberOfDecisions) {
  start(open());
  decide(1);
  ASSERT_EQ(status().read()->getHandled(), 1u);
  faults_->fail(disk_operation::append, disk_fault::no_space);
  decide(1, 1);
  for (std::uint64_t id = 2; id < 8; ++id) decide(id);
  EXPECT_EQ(status().read()->getQueued(), 3u);
  faults_->clear();
  decide(8);
  ASSERT_EQ(view(status().read()->getState()), "ok");
  EXPECT_THAT(ids_of(store_->load(10).decisions), ElementsAre(8, 7, 6))
      << "decision 1 must not be there without its reward";
}

TEST_F(RouteKeeper, ABatchThatIsNoGoodIsRefusedAndTheNextOneIsWelcome) {
  start(open());
  decide(0);
  decide(5);
  auto after = status();
  EXPECT_EQ(after.read()->getHandled(), 1u);
  EXPECT_EQ(after.read()->getQueued(), 0u);
  EXPECT_EQ(view(after.read()->getState()), "ok");
  EXPECT_THAT(ids_of(store_->load(10).decisions), ElementsAre(5));
}

TEST_F(RouteKeeper, ANodeWithoutAStoreSaysWhy) {
  start(nullptr, "no permission");
  decide(1);
  auto none = ask<tmsg::decrec>(find_atom_v, std::uint64_t{1});
  ASSERT_FALSE(none);
  EXPECT_EQ(code_of(none.error()), errc::unavailable);
  EXPECT_THAT(message_of(none.error()), HasSubstr("no permission"));
  EXPECT_EQ(view(status().read()->getState()), "failing");
}

}  // namespace
}  // namespace tandem
