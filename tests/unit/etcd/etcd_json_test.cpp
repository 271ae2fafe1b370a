#include "actors/etcd/etcd_json.hpp"

#include <gtest/gtest.h>

#include "actors/etcd/watch_state.hpp"

namespace tandem {
namespace {

TEST(etcd_json, WritesAndReadsBase64) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  std::string all;
  for (int c = 0; c < 256; ++c) {
    all += static_cast<char>(c);
    EXPECT_EQ(from_base64(to_base64(all)), all);
  }
  for (const char* wrong : {"Z", "Zg=", "Zg", "=Zg=", "Z===", "Zm9\n", "Zg==Zg=="})
    EXPECT_FALSE(from_base64(wrong)) << wrong;
}

TEST(etcd_json, ReadsWhatEtcd34Answers) {
  auto range = read_reply(
      R"({"header":{"cluster_id":"15118495548433857066","member_id":"13668033151171901709",)"
      R"("revision":"2","raft_term":"2"},"kvs":[{"key":"YQ==","create_revision":"2",)"
      R"("mod_revision":"2","version":"1","value":"MQ=="}],"count":"1"})");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->header.cluster_id, 15118495548433857066ull);
  ASSERT_EQ(range->ranges.size(), 1u);
  EXPECT_EQ(range->ranges[0].entries.at(0).key, "a");
  EXPECT_EQ(range->ranges[0].entries.at(0).value, "1");

  auto txn = read_reply(
      R"({"header":{"cluster_id":"1","revision":"3"},"responses":[{"response_range":{"header":)"
      R"({"revision":"3"},"kvs":[{"key":"eno=","mod_revision":"3","value":"Mg=="}],"count":"1"}},)"
      R"({"response_range":{"header":{"revision":"3"}}}]})");
  ASSERT_TRUE(txn);
  EXPECT_FALSE(txn->succeeded);
  ASSERT_EQ(txn->ranges.size(), 2u);
  EXPECT_EQ(txn->ranges[0].entries.at(0).mod_revision, 3);
  EXPECT_TRUE(txn->ranges[1].entries.empty());

  auto lease = read_reply(
      R"({"result":{"header":{"cluster_id":"1","revision":"3"},"ID":"4111120271017646345","TTL":"2"}})");
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->lease, 4111120271017646345);
  EXPECT_EQ(lease->ttl.count(), 2);

  auto refusal = read_refusal(
      R"({"error":"etcdserver: requested lease not found","message":"etcdserver: requested lease not found","code":5})");
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, 5);
}

TEST(etcd_json, RefusesNonsense) {
  for (const char* wrong :
       {"", "{}", "[]", "nonsense", R"({"header":5})", R"({"header":{"cluster_id":"x"}})",
        R"({"header":{"revision":"-1"}})", R"({"header":{"revision":"99999999999999999999"}})",
        R"({"header":{},"kvs":[5]})", R"({"header":{},"kvs":[{"key":"?"}]})",
        R"({"header":{},"TTL":"99999999999"})", R"({"header":{},"succeeded":"yes"})"})
    EXPECT_FALSE(read_reply(wrong)) << wrong;
  std::string many = R"({"header":{},"kvs":[)";
  for (std::size_t i = 0; i <= etcd_entries_max; ++i) many += i > 0 ? ",{}" : "{}";
  EXPECT_FALSE(read_reply(many + "]}"));
}

TEST(etcd_json, EscapesUsersAndPasswords) {
  EXPECT_EQ(login_json("a\"b", "c\\\n"), R"({"name":"a\"b","password":"c\\\u000a"})");
}

TEST(etcd_json, FindsTheEndOfAPrefix) {
  EXPECT_EQ(etcd_prefix_end("ab"), "ac");
  EXPECT_EQ(etcd_prefix_end("a\xff"), "b");
  EXPECT_EQ(etcd_prefix_end("\xff"), std::string(1, '\0'));
}

etcd_watch_message put(const std::string& key, const std::string& value, std::int64_t revision) {
  etcd_watch_message out;
  out.events.push_back({false, {key, value, 1, revision, 0}});
  return out;
}

TEST(watch_state, PutsReadsAndEventsTogetherInAnyOrder) {
  watch_state state;
  EXPECT_TRUE(state.take(etcd_range{}, 5));
  EXPECT_FALSE(state.take(etcd_range{}, 6));
  EXPECT_FALSE(state.take(put("a", "old", 6)));
  EXPECT_TRUE(state.take(put("a", "new", 8)));
  EXPECT_FALSE(state.take(etcd_range{}, 7));
  EXPECT_EQ(state.range().entries.at(0).value, "new");
  etcd_watch_message erased;
  erased.events.push_back({true, {"a", "", 0, 9, 0}});
  EXPECT_TRUE(state.take(erased));
  EXPECT_EQ(state.size(), 0u);
}

TEST(watch_state, ReadsWatchMessages) {
  auto events = read_watch_message(
      R"({"result":{"header":{"cluster_id":"1","revision":"4"},"events":[{"type":"DELETE",)"
      R"("kv":{"key":"YQ==","mod_revision":"4"}}]}})");
  ASSERT_TRUE(events);
  ASSERT_EQ(events->events.size(), 1u);
  EXPECT_TRUE(events->events[0].is_erased);
  auto compacted = read_watch_message(
      R"({"result":{"header":{"cluster_id":"1"},"canceled":true,"compact_revision":"4"}})");
  ASSERT_TRUE(compacted);
  EXPECT_TRUE(compacted->is_cancelled);
  EXPECT_EQ(compacted->compact_revision, 4);
  EXPECT_FALSE(read_watch_message(R"({"error":{"grpc_code":14,"message":"x"}})"));
}

}  // namespace
}  // namespace tandem
