#include "actors/gateway/keys/key_gate.hpp"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/errc.hpp"
#include "tests/unit/gateway_keys/key_entry.hpp"

namespace tandem::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint64_t now = 5'000'000;

entry_facts facts_of(const new_key& key) {
  return {.id = key.id, .text = key.text};
}

std::string refusal_of(key_gate& gate, const std::string& header) {
  auto holder = gate.authenticate(header, now);
  if (holder) return {};
  EXPECT_EQ(code_of(holder.error()), errc::not_authenticated);
  return message_of(holder.error());
}

TEST(KeyText, IsAFixedFormWithAnIdAnd256RandomBits) {
  auto one = *make_key();
  auto other = *make_key();
  EXPECT_EQ(one.text.size(), key_text_size);
  EXPECT_TRUE(one.text.starts_with("tdm_" + one.id + "_"));
  EXPECT_EQ(id_in_key(one.text), one.id);
  EXPECT_NE(one.text, other.text);
  EXPECT_NE(one.id, other.id);
  EXPECT_TRUE(same_hash(one.hash, hash_key(one.text)));
  EXPECT_FALSE(same_hash(one.hash, other.hash));
}

TEST(KeyText, WhatHasNotThatFormIsNoKey) {
  auto text = make_key()->text;
  EXPECT_FALSE(id_in_key(""));
  EXPECT_FALSE(id_in_key(text + "A"));
  EXPECT_FALSE(id_in_key(text.substr(1)));
  EXPECT_FALSE(id_in_key("TDM_" + text.substr(4)));
  for (std::size_t at : {std::size_t{0}, std::size_t{5}, std::size_t{16}, std::size_t{30}}) {
    auto changed = text;
    changed[at] = '\0';
    EXPECT_FALSE(id_in_key(changed)) << at;
  }
}

TEST(KeyText, IsReadFromABearerHeaderOrAlone) {
  EXPECT_EQ(key_in_header("Bearer abc"), "abc");
  EXPECT_EQ(key_in_header("  bEARER \t abc  "), "abc");
  EXPECT_EQ(key_in_header("abc"), "abc");
  EXPECT_EQ(key_in_header("Basic abc"), "");
  EXPECT_EQ(key_in_header("   "), "");
  EXPECT_EQ(key_in_header("Bearer  "), "Bearer");
}

TEST(KeyGate, LetsInWhoHasTheKey) {
  key_gate gate;
  auto key = *make_key();
  gate.set(*make_entry(facts_of(key)).read());
  auto holder = gate.authenticate("Bearer " + key.text, now);
  ASSERT_TRUE(holder);
  EXPECT_EQ((*holder)->tenant, "acme");
  EXPECT_FALSE((*holder)->is_admin);
  EXPECT_TRUE(gate.authenticate(key.text, now));
}

TEST(KeyGate, DoesNotTellWhetherAnIdExists) {
  key_gate gate;
  auto key = *make_key();
  gate.set(*make_entry(facts_of(key)).read());
  auto stranger = make_key()->text;
  auto wrong_secret = key.text.substr(0, 17) + stranger.substr(17);
  EXPECT_EQ(refusal_of(gate, "Bearer " + wrong_secret), refusal_of(gate, "Bearer " + stranger));
  EXPECT_THAT(refusal_of(gate, "Bearer " + stranger), Not(HasSubstr(stranger.substr(17))));
  EXPECT_THAT(refusal_of(gate, ""), HasSubstr("no API key"));
  EXPECT_THAT(refusal_of(gate, "Basic dGVzdA=="), HasSubstr("no API key"));
  EXPECT_THAT(refusal_of(gate, "Bearer sk-something"), HasSubstr("no valid API key"));
}

TEST(KeyGate, TellsTheHolderThatAKeyHasExpiredOrIsRevoked) {
  key_gate gate;
  auto expired = *make_key();
  auto facts = facts_of(expired);
  facts.expires = now;
  gate.set(*make_entry(facts).read());
  EXPECT_THAT(refusal_of(gate, expired.text), HasSubstr("expired"));
  EXPECT_TRUE(gate.authenticate(expired.text, now - 1));
  auto revoked = *make_key();
  facts = facts_of(revoked);
  facts.revoked = 2000;
  gate.set(*make_entry(facts).read());
  EXPECT_THAT(refusal_of(gate, revoked.text), HasSubstr("revoked"));
  EXPECT_EQ(gate.use(revoked.id, now).refused, 1u);
}

TEST(KeyGate, RevokingAKeyInUseLetsWhatIsUnderWayFinish) {
  key_gate gate;
  auto key = *make_key();
  gate.set(*make_entry(facts_of(key)).read());
  auto holder = *gate.authenticate(key.text, now);
  auto permit = std::get<key_permit>(gate.admit(*holder, now, {}));
  auto facts = facts_of(key);
  facts.changed = facts.revoked = 3000;
  gate.set(*make_entry(facts).read());
  EXPECT_FALSE(gate.authenticate(key.text, now));
  EXPECT_EQ(std::get<key_refusal>(gate.admit(*holder, now, {})).limit, key_limit::revoked);
  gate.settle(std::move(permit), {.tokens = 5});
  EXPECT_EQ(gate.use(key.id, now).spent.tokens, 5u);
}

TEST(KeyGate, AChangedEntryKeepsItsCounters) {
  key_gate gate;
  auto key = *make_key();
  auto facts = facts_of(key);
  gate.set(*make_entry(facts).read(), {.requests = 10, .last_used_at_ms = 1});
  facts.requests_per_min = 1;
  facts.changed = 2000;
  gate.set(*make_entry(facts).read());
  auto holder = *gate.authenticate(key.text, now);
  std::get<key_permit>(gate.admit(*holder, now, {})).settle({});
  EXPECT_EQ(gate.uses(now).at(key.id).requests, 11u);
}

TEST(KeyHolder, NamesTheModelsThatTheKeyAllows) {
  auto all = read_holder(*make_entry({}).read());
  EXPECT_TRUE(all.may_use("anything"));
  auto some = read_holder(*make_entry({.models = {"tandem", "qwen*"}}).read());
  EXPECT_TRUE(some.may_use("tandem"));
  EXPECT_FALSE(some.may_use("tandem-auto"));
  EXPECT_TRUE(some.may_use("qwen"));
  EXPECT_TRUE(some.may_use("qwen-32b"));
  EXPECT_FALSE(some.may_use("Qwen-32b"));
  EXPECT_FALSE(some.may_use(""));
}

TEST(KeyHolder, CapsThePriorityOfItsJobs) {
  key_holder holder;
  holder.priority_max = 5;
  EXPECT_EQ(holder.priority(100), 5);
  EXPECT_EQ(holder.priority(-20), -20);
}

TEST(KeyGate, StandsManyThreadsWhileKeysComeAndGo) {
  key_gate gate;
  auto key = *make_key();
  auto facts = facts_of(key);
  facts.requests_per_min = 1'000'000;
  gate.set(*make_entry(facts).read());
  std::atomic<std::uint64_t> admitted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        auto holder = gate.authenticate("Bearer " + key.text, now);
        if (!holder) continue;
        auto admission = gate.admit(**holder, now, {.tokens = 3});
        if (auto* permit = std::get_if<key_permit>(&admission)) {
          permit->settle({.tokens = 2});
          ++admitted;
        }
      }
    });
  for (std::uint64_t i = 0; i < 200; ++i) {
    auto other = *make_key();
    gate.set(*make_entry(facts_of(other)).read());
    facts.changed = 1001 + i;
    gate.set(*make_entry(facts).read());
    gate.forget(other.id);
    (void)gate.uses(now);
  }
  facts.revoked = facts.changed;
  gate.set(*make_entry(facts).read());
  for (auto& thread : threads) thread.join();
  auto use = gate.use(key.id, now);
  EXPECT_EQ(use.requests, admitted.load());
  EXPECT_EQ(use.spent.tokens, 2 * admitted.load());
  EXPECT_FALSE(gate.authenticate(key.text, now));
}

}  // namespace
}  // namespace tandem::testing
