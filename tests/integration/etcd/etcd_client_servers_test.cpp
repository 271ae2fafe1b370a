#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/etcd/etcd_lease.hpp"
#include "actors/etcd/etcd_watch.hpp"
#include "tests/integration/etcd/etcd_fixture.hpp"

namespace tandem::test {
namespace {

using ::testing::HasSubstr;
using clock = std::chrono::steady_clock;

std::string value_of(const etcd_range& range) {
  return range.entries.empty() ? std::string{} : range.entries.front().value;
}

etcd_txn swap(const std::string& key, std::int64_t upon, const std::string& value) {
  using target = etcd_compare::target;
  return {.compares = {{.key = key,
                        .what = upon == 0 ? target::create_revision : target::mod_revision,
                        .revision = upon}},
          .success = {{.what = etcd_operation::kind::put, .key = key, .value = value}},
          .failure = {{.what = etcd_operation::kind::range, .key = key}}};
}

etcd_result run(etcd_client& client, const etcd_txn& txn) {
  return wait_for<etcd_result>([&](etcd_callback done) { client.txn(txn, std::move(done)); });
}

TEST(etcd_one, SwapsOnlyUponTheRevisionThatWasRead) {
  TANDEM_NEED_ETCD();
  etcd_process etcd;
  ASSERT_TRUE(etcd.start()) << etcd.log();
  auto loop = std::make_shared<http_loop>();
  auto client = open_client(loop, etcd);
  std::string key{"k\0\xff", 3};
  auto created = run(*client, swap(key, 0, "one"));
  ASSERT_TRUE(created.ok()) << created.text;
  EXPECT_TRUE(created.reply.succeeded);
  auto again = run(*client, swap(key, 0, "two"));
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again.reply.succeeded);
  ASSERT_EQ(again.reply.ranges.size(), 1u);
  auto version = again.reply.ranges[0].entries.at(0).mod_revision;
  EXPECT_TRUE(run(*client, swap(key, version, "three")).reply.succeeded);
  EXPECT_EQ(value_of(read(*client, key).reply.ranges.at(0)), "three");
  EXPECT_TRUE(wait_for<etcd_result>([&](etcd_callback done) { client->erase(key, done); }).ok());
  EXPECT_TRUE(read(*client, key).reply.ranges.at(0).entries.empty());
  auto status = wait_for<etcd_result>([&](etcd_callback done) { client->status(done); });
  EXPECT_THAT(status.reply.version, HasSubstr("3."));
}

TEST(etcd_one, KeepsALeaseUntilItIsStoppedAndTellsInTime) {
  TANDEM_NEED_ETCD();
  etcd_process etcd;
  ASSERT_TRUE(etcd.start()) << etcd.log();
  auto loop = std::make_shared<http_loop>();
  auto client = open_client(loop, etcd, 500ms);
  mailbox<std::int64_t> granted;
  mailbox<clock::time_point> lost;
  auto lease = std::make_unique<etcd_lease>(
      client, 1s,
      etcd_lease::listener{
          .granted = [&](std::int64_t id) { granted.put(id); },
          .lost = [&](std::int64_t, const std::string&) { lost.put(clock::now()); }});
  ASSERT_TRUE(granted.wait([](auto) { return true; }));
  auto first = granted.all().front();
  ASSERT_TRUE(put(*client, "mine", "1", first).ok());
  // Kept alive: it moves on.
  auto until = lease->held_until();
  EXPECT_EQ(lease->id(), first);
  auto end = clock::now() + 20s;
  while (lease->held_until() <= until && clock::now() < end) std::this_thread::sleep_for(5ms);
  ASSERT_GT(lease->held_until(), until);
  etcd.pause(0);
  ASSERT_TRUE(lost.wait([](auto) { return true; }));
  EXPECT_FALSE(lease->is_held());
  EXPECT_EQ(lease->id(), 0);
  etcd.resume(0);
  // Another one follows.
  ASSERT_TRUE(granted.wait([&](auto id) { return id != first; }));
  std::promise<void> released;
  auto second = granted.all().back();
  ASSERT_TRUE(put(*client, "mine", "2", second).ok());
  lease->release([&] { released.set_value(); });
  released.get_future().get();
  EXPECT_TRUE(read(*client, "mine").reply.ranges.at(0).entries.empty());
  EXPECT_EQ(put(*client, "mine", "3", second).failure, etcd_failure::not_found);
  lease.reset();
  loop.reset();
}

TEST(etcd_one, WatchesAcrossARestartAndACompaction) {
  TANDEM_NEED_ETCD();
  etcd_process etcd;
  ASSERT_TRUE(etcd.start()) << etcd.log();
  auto loop = std::make_shared<http_loop>();
  auto client = open_client(loop, etcd, 1s);
  mailbox<std::string> states;
  mailbox<int> troubles;
  auto watch = std::make_unique<etcd_watch>(
      client,
      // The stream alone tells in this test.
      etcd_watch::options{.key = "w", .range_end = "x", .check_interval = 1h},
      etcd_watch::listener{
          .changed = [&](const etcd_range& state, std::int64_t) { states.put(value_of(state)); },
          .trouble = [&](const etcd_result&) { troubles.put(1); },
          .recovered = [] {}});
  ASSERT_TRUE(states.wait([](const auto& value) { return value.empty(); }));
  auto changes = [&](const std::string& value) {
    auto done = put(*client, "w1", value);
    return done.ok() && states.wait([&](const auto& seen) { return seen == value; });
  };
  EXPECT_TRUE(changes("a"));
  etcd.kill_all();
  ASSERT_TRUE(etcd.start()) << etcd.log();
  EXPECT_TRUE(changes("b"));
  if (!etcd_process::has_etcdctl()) GTEST_SKIP() << "no etcdctl: install etcd-client";
  // What the watch would go on from is compacted while it cannot see.
  etcd.kill_all();
  ASSERT_TRUE(etcd.start()) << etcd.log();
  ASSERT_TRUE(put(*client, "w1", "c").ok());
  auto last = put(*client, "w1", "d");
  ASSERT_TRUE(last.ok());
  auto compacted = etcd.control({"compact", std::to_string(last.reply.header.revision)});
  EXPECT_EQ(compacted.code, 0) << compacted.err;
  EXPECT_TRUE(states.wait([](const auto& value) { return value == "d"; }));
  EXPECT_TRUE(changes("e"));
  watch.reset();
  loop.reset();
}

TEST(etcd_one, RefusesAnEtcdThatWasPutBackUntilSomebodyAcknowledges) {
  TANDEM_NEED_ETCD();
  if (!etcd_process::has_etcdctl()) GTEST_SKIP() << "no etcdctl: install etcd-client";
  etcd_process etcd;
  ASSERT_TRUE(etcd.start()) << etcd.log();
  auto loop = std::make_shared<http_loop>();
  auto client = open_client(loop, etcd);
  ASSERT_TRUE(put(*client, "a", "1").ok());
  auto file = etcd.folder() / "snapshot";
  ASSERT_TRUE(etcd.save(file)) << etcd.log();
  ASSERT_TRUE(put(*client, "a", "2").ok());
  ASSERT_TRUE(etcd.restore(file)) << etcd.log();
  ASSERT_TRUE(etcd.start()) << etcd.log();
  auto refused = read(*client, "a");
  EXPECT_EQ(refused.failure, etcd_failure::other_history) << refused.text;
  EXPECT_THAT(refused.text, HasSubstr("restored from an older state"));
  EXPECT_EQ(put(*client, "a", "3").failure, etcd_failure::other_history);
  client->acknowledge();
  EXPECT_EQ(value_of(read(*client, "a").reply.ranges.at(0)), "1");
  // Another cluster at the same address.
  ASSERT_TRUE(etcd.restore(file, "other")) << etcd.log();
  ASSERT_TRUE(etcd.start()) << etcd.log();
  EXPECT_THAT(read(*client, "a").text, HasSubstr("another cluster"));
}

TEST(etcd_one, LogsInAgainWhenItsTokenIsForgotten) {
  TANDEM_NEED_ETCD();
  if (!etcd_process::has_etcdctl()) GTEST_SKIP() << "no etcdctl: install etcd-client";
  etcd_process etcd;
  ASSERT_TRUE(etcd.start()) << etcd.log();
  EXPECT_EQ(etcd.control({"user", "add", "root:s3cret"}).code, 0);
  EXPECT_EQ(etcd.control({"user", "grant-role", "root", "root"}).code, 0);
  EXPECT_EQ(etcd.control({"auth", "enable"}).code, 0);
  etcd_config config;
  config.endpoints = etcd.endpoints();
  auto loop = std::make_shared<http_loop>();
  EXPECT_EQ(read(**etcd_client::open(config, loop), "a").failure, etcd_failure::refused);
  config.user = "root";
  config.password_file = etcd.folder() / "password";
  write_text(config.password_file, "wrong\n");
  EXPECT_EQ(read(**etcd_client::open(config, loop), "a").failure, etcd_failure::not_authenticated);
  write_text(config.password_file, "s3cret\n");
  auto client = *etcd_client::open(config, loop);
  auto done = put(*client, "a", "1");
  EXPECT_TRUE(done.ok()) << done.text;
  // Tokens do not outlive a server.
  etcd.kill_all();
  // Nobody but a user can see whether it serves.
  (void)etcd.start_member(0, 0ms);
  etcd_result again;
  auto end = clock::now() + 20s;
  do {
    again = read(*client, "a");
  } while (!again.ok() && clock::now() < end);
  EXPECT_TRUE(again.ok()) << again.text;
}

TEST(etcd_one, ShowsItsCertificateAndChecksTheServers) {
  TANDEM_NEED_ETCD();
  etcd_process etcd{{.tls = true}};
  ASSERT_TRUE(etcd.start()) << etcd.log();
  etcd_config config;
  config.endpoints = etcd.endpoints();
  config.timeout = 1s;
  auto loop = std::make_shared<http_loop>();
  // Neither knows the other.
  EXPECT_THAT(read(**etcd_client::open(config, loop), "a").text, HasSubstr("TLS failed"));
  config.ca_file = etcd.tls_file("ca.pem");
  EXPECT_EQ(read(**etcd_client::open(config, loop), "a").failure, etcd_failure::unavailable);
  config.cert_file = etcd.tls_file("client.pem");
  config.key_file = etcd.tls_file("client.key");
  auto done = put(**etcd_client::open(config, loop), "a", "1");
  EXPECT_TRUE(done.ok()) << done.text;
}

TEST(etcd_three, GoesOnWhenTheLeaderIsKilledOrStopped) {
  TANDEM_NEED_ETCD();
  etcd_process etcd{{.members = 3}};
  ASSERT_TRUE(etcd.start()) << etcd.log();
  auto loop = std::make_shared<http_loop>();
  auto client = open_client(loop, etcd, 3s);
  mailbox<std::string> states;
  auto watch = std::make_unique<etcd_watch>(
      client, etcd_watch::options{.key = "a", .check_interval = 300ms},
      etcd_watch::listener{
          .changed = [&](const etcd_range& state, std::int64_t) { states.put(value_of(state)); },
          .trouble = [](const etcd_result&) {},
          .recovered = [] {}});
  auto version = run(*client, swap("a", 0, "0")).reply.header.revision;
  // Swaps until it is done, as whoever does not know reads back.
  auto change = [&](const std::string& value) {
    for (auto end = clock::now() + 20s; clock::now() < end;) {
      auto result = run(*client, swap("a", version, value));
      if (result.ok() && result.reply.succeeded) {
        version = result.reply.header.revision;
        return true;
      }
      auto now = read(*client, "a");
      if (!now.ok() || now.reply.ranges.at(0).entries.empty()) continue;
      version = now.reply.ranges[0].entries[0].mod_revision;
      if (now.reply.ranges[0].entries[0].value == value) return true;
    }
    return false;
  };
  auto first = etcd.leader();
  ASSERT_LT(first, 3u) << etcd.log();
  etcd.kill9(first);
  EXPECT_TRUE(change("1"));
  ASSERT_TRUE(etcd.start_member(first)) << etcd.log();
  auto second = etcd.leader();
  ASSERT_LT(second, 3u) << etcd.log();
  etcd.pause(second);
  EXPECT_TRUE(change("2"));
  EXPECT_TRUE(states.wait([](const auto& value) { return value == "2"; }));
  etcd.resume(second);
  EXPECT_TRUE(change("3"));
  // All of them stand still for longer than a call may last.
  for (std::size_t i = 0; i < 3; ++i) etcd.pause(i);
  auto stopped = read(*client, "a");
  EXPECT_EQ(stopped.failure, etcd_failure::unavailable) << stopped.text;
  for (std::size_t i = 0; i < 3; ++i) etcd.resume(i);
  EXPECT_TRUE(change("4"));
  EXPECT_TRUE(states.wait([](const auto& value) { return value == "4"; }));
  watch.reset();
  loop.reset();
}

}  // namespace
}  // namespace tandem::test
