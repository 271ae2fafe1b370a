#include "actors/replication/journal_register.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/etcd/etcd_lease.hpp"
#include "tests/integration/etcd/etcd_fixture.hpp"

namespace tandem::test {
namespace {

using ::testing::HasSubstr;

journal_holder node(const std::string& name, std::uint64_t replica) {
  return {{name, replica}, 1, name + ":7420"};
}

/// One node: its client, its lease and its view of the journal.
struct member {
  std::shared_ptr<http_loop> loop = std::make_shared<http_loop>();
  std::shared_ptr<etcd_client> client;
  journal_holder self;
  mailbox<std::int64_t> leases;
  mailbox<register_view> views;
  mailbox<register_reply> troubles;
  std::unique_ptr<etcd_lease> lease;
  std::unique_ptr<journal_register> journal;

  member(const etcd_process& etcd, journal_holder who) : self{std::move(who)} {
    client = open_client(loop, etcd, 2s);
    lease = std::make_unique<etcd_lease>(
        client, 1s,
        etcd_lease::listener{.granted = [this](std::int64_t id) { leases.put(id); },
                             .lost = [](std::int64_t, const std::string&) {}});
    journal = std::make_unique<journal_register>(client, "test", journal_id{5}, self,
                                                 register_options{.check_interval = 300ms});
    journal->watch([this](const register_view& view) { views.put(view); },
                   [this](const register_reply& reply) { troubles.put(reply); });
    EXPECT_TRUE(leases.wait([](auto) { return true; }));
  }
  ~member() { die(); }

  register_reply perform(register_operation operation) {
    return wait_for<register_reply>([&](journal_register::callback done) {
      journal->perform(std::move(operation), lease ? lease->id() : 0, std::move(done));
    });
  }
  register_reply read() {
    return wait_for<register_reply>(
        [&](journal_register::callback done) { journal->read(std::move(done)); });
  }
  /// Without a good-bye.
  void die() {
    lease.reset();
    journal.reset();
    client.reset();
    loop.reset();
  }
};

TEST(journal_register, GivesAJournalToAnInSyncMemberWhenItsPrimaryIsGone) {
  TANDEM_NEED_ETCD();
  etcd_process etcd{{.members = 3}};
  ASSERT_TRUE(etcd.start()) << etcd.log();
  member a{etcd, node("a", 1)};
  member b{etcd, node("b", 2)};
  member c{etcd, node("c", 3)};
  auto made = a.perform(register_create{3, 1});
  ASSERT_TRUE(made.ok()) << made.text;
  EXPECT_EQ(b.perform(register_create{3, 1}).outcome, register_outcome::fenced);
  ASSERT_TRUE(a.perform(register_add{1, b.self.copy}).ok());
  EXPECT_EQ(b.perform(register_take_over{1}).outcome, register_outcome::held);
  EXPECT_EQ(c.perform(register_take_over{1}).outcome, register_outcome::refused);
  // The leader of etcd goes as well; the lease outlives that.
  etcd.kill9(etcd.leader());
  a.die();
  ASSERT_TRUE(b.views.wait([](const auto& view) {
    return view.record && view.record->has({"b", 2}) && view.lease.empty();
  })) << etcd.log();
  register_reply taken;
  for (int tries = 0; tries < 20 && !taken.ok(); ++tries) taken = b.perform(register_take_over{1});
  ASSERT_TRUE(taken.ok()) << taken.text;
  EXPECT_EQ(taken.view.record->epoch, 2u);
  EXPECT_FALSE(taken.view.record->has(a.self.copy));
  // The former primary comes back from a pause.
  member late{etcd, node("a", 1)};
  EXPECT_EQ(late.perform(register_remove{1, b.self.copy}).outcome, register_outcome::fenced);
  EXPECT_TRUE(
      c.views.wait([](const auto& view) { return view.record && view.record->epoch == 2; }));
}

TEST(journal_register, HandsOverAndResignsWithoutAWait) {
  TANDEM_NEED_ETCD();
  etcd_process etcd;
  ASSERT_TRUE(etcd.start()) << etcd.log();
  member a{etcd, node("a", 1)};
  member b{etcd, node("b", 2)};
  ASSERT_TRUE(a.perform(register_create{2, 2}).ok());
  ASSERT_TRUE(a.perform(register_add{1, b.self.copy}).ok());
  auto below = a.perform(register_remove{1, b.self.copy});
  EXPECT_EQ(below.outcome, register_outcome::refused);
  EXPECT_THAT(below.text, HasSubstr("min_in_sync = 2"));
  ASSERT_TRUE(a.perform(register_hand_over{1, b.self}).ok());
  auto held = b.perform(register_hold{2});
  ASSERT_TRUE(held.ok()) << held.text;
  EXPECT_EQ(held.view.lease, lease_text(b.self, b.lease->id()));
  EXPECT_EQ(a.perform(register_hold{1}).outcome, register_outcome::fenced);
  ASSERT_TRUE(b.perform(register_resign{2}).ok());
  auto taken = a.perform(register_take_over{2});
  ASSERT_TRUE(taken.ok()) << taken.text;
  EXPECT_EQ(taken.view.record->epoch, 3u);
}

TEST(journal_register, ReadsBackWhatASlowEtcdDidNotAnswer) {
  TANDEM_NEED_ETCD();
  etcd_process etcd;
  ASSERT_TRUE(etcd.start()) << etcd.log();
  member a{etcd, node("a", 1)};
  ASSERT_TRUE(a.perform(register_create{2, 1}).ok());
  // It takes the write in, and says nothing for longer than the client waits.
  etcd.pause(0);
  std::promise<register_reply> promise;
  auto reply = promise.get_future();
  a.journal->perform(register_add{1, {"b", 2}}, 0,
                     [&](register_reply done) { promise.set_value(std::move(done)); });
  EXPECT_EQ(reply.wait_for(2500ms), std::future_status::timeout);
  etcd.resume(0);
  auto done = reply.get();
  EXPECT_TRUE(done.ok()) << done.text;
  EXPECT_TRUE(done.view.record->has({"b", 2}));
}

TEST(journal_register, BelievesNoRecordThatIsOlderThanItsStorage) {
  TANDEM_NEED_ETCD();
  if (!etcd_process::has_etcdctl()) GTEST_SKIP() << "no etcdctl: install etcd-client";
  etcd_process etcd;
  ASSERT_TRUE(etcd.start()) << etcd.log();
  auto snapshot = etcd.folder() / "snapshot";
  {
    member a{etcd, node("a", 1)};
    ASSERT_TRUE(a.perform(register_create{2, 1}).ok());
    ASSERT_TRUE(etcd.save(snapshot)) << etcd.log();
    ASSERT_TRUE(a.perform(register_resign{1}).ok());
    ASSERT_TRUE(a.perform(register_take_over{1}).ok());
    ASSERT_TRUE(etcd.restore(snapshot)) << etcd.log();
    ASSERT_TRUE(etcd.start()) << etcd.log();
    // The same process knows by etcd's revision.
    EXPECT_EQ(a.read().outcome, register_outcome::corrupted);
    EXPECT_TRUE(a.troubles.wait(
        [](const auto& reply) { return reply.outcome == register_outcome::corrupted; }));
  }
  // A new one by the epoch in its storage.
  auto loop = std::make_shared<http_loop>();
  auto client = open_client(loop, etcd);
  journal_register journal{client, "test", journal_id{5}, node("a", 1), {.known_epoch = 2}};
  auto read = wait_for<register_reply>(
      [&](journal_register::callback done) { journal.read(std::move(done)); });
  EXPECT_EQ(read.outcome, register_outcome::corrupted);
  EXPECT_THAT(read.text, HasSubstr("put back"));
  journal.acknowledge();
  EXPECT_TRUE(wait_for<register_reply>([&](journal_register::callback done) {
                journal.read(std::move(done));
              }).ok());
}

}  // namespace
}  // namespace tandem::test
