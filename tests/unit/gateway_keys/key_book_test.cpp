#include "actors/gateway/keys/key_book.hpp"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/errc.hpp"
#include "schema/text.hpp"
#include "tests/unit/gateway_keys/key_entry.hpp"

namespace tandem::testing {
namespace {

using ::testing::HasSubstr;

std::map<std::string, std::string> content(const key_book& book) {
  std::map<std::string, std::string> out;
  for (const auto& [id, entry] : book.entries()) {
    auto bytes = entry.bytes();
    out[id] = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  return out;
}

std::string numbered_id(std::size_t number) {
  auto digits = std::to_string(number);
  return std::string(key_id_size - digits.size(), '0') + digits;
}

TEST(KeyBook, OfTwoEntriesTheOneChangedLaterCounts) {
  key_book book;
  EXPECT_TRUE(*book.take(*make_entry({.name = "new", .changed = 2000}).read()));
  EXPECT_FALSE(*book.take(*make_entry({.name = "old", .changed = 1000}).read()));
  EXPECT_FALSE(*book.take(*make_entry({.name = "new", .changed = 2000}).read()));
  EXPECT_EQ(view(book.find("abcdefghijkl")->read()->getName()), "new");
}

TEST(KeyBook, ARevokedKeyNeverComesBack) {
  key_book book;
  EXPECT_TRUE(*book.take(*make_entry({.changed = 2000, .revoked = 2000}).read()));
  EXPECT_FALSE(*book.take(*make_entry({.changed = 9000}).read()));
  EXPECT_NE(book.find("abcdefghijkl")->read()->getRevokedAtMs(), 0u);
}

TEST(KeyBook, AnyOrderOfTheSameNewsGivesTheSameBook) {
  std::mt19937_64 random{20261127};
  for (int round = 0; round < 50; ++round) {
    std::vector<key_entry> news;
    for (int i = 0; i < 60; ++i) {
      auto changed = 1000 + random() % 4;
      news.push_back(make_entry({.id = numbered_id(random() % 8),
                                 .name = "name " + std::to_string(random() % 4),
                                 .changed = changed,
                                 .revoked = random() % 8 == 0 ? changed : 0}));
    }
    key_book first;
    for (const auto& entry : news) ASSERT_TRUE(first.take(*entry.read()));
    std::shuffle(news.begin(), news.end(), random);
    for (std::size_t i = 0; i < 20; ++i) news.push_back(key_entry{news[i]});
    key_book second;
    for (const auto& entry : news) ASSERT_TRUE(second.take(*entry.read()));
    EXPECT_EQ(content(first), content(second)) << "round " << round;
  }
}

TEST(KeyBook, AFullBookKeepsTheKeysThatWereMadeFirst) {
  key_book book;
  for (std::size_t i = 0; i < key_book::keys_max; ++i)
    ASSERT_TRUE(*book.take(
        *make_entry({.id = numbered_id(i), .created = 1000 + i, .changed = 1000 + i}).read()));
  auto younger = make_entry({.id = "younger00000", .created = 99'000, .changed = 99'000});
  auto refused = book.take(*younger.read());
  ASSERT_FALSE(refused);
  EXPECT_EQ(code_of(refused.error()), errc::overloaded);
  EXPECT_THAT(message_of(refused.error()), HasSubstr("--expires"));
  EXPECT_TRUE(
      *book.take(*make_entry({.id = "older0000000", .created = 1, .changed = 99'000}).read()));
  EXPECT_EQ(book.entries().size(), key_book::keys_max);
  EXPECT_EQ(book.find(numbered_id(key_book::keys_max - 1)), nullptr);
}

TEST(KeyBook, ForgetsOnlyKeysThatHaveExpired) {
  key_book book;
  for (const auto& facts : {entry_facts{.id = "expired00000", .expires = 5000},
                            entry_facts{.id = "lasting00000", .expires = 50'000},
                            entry_facts{.id = "revoked00000", .revoked = 1000}})
    ASSERT_TRUE(book.take(*make_entry(facts).read()));
  EXPECT_EQ(book.forget_expired(20'000), 1u);
  EXPECT_EQ(book.find("expired00000"), nullptr);
  EXPECT_NE(book.find("revoked00000"), nullptr);
}

TEST(KeyBook, RefusesWhatNoGatewayMakes) {
  key_book book;
  for (const auto& facts :
       {entry_facts{.id = "short"}, entry_facts{.id = "../../../etc"}, entry_facts{.name = ""},
        entry_facts{.name = "two\nlines"}, entry_facts{.name = std::string(257, 'x')},
        entry_facts{.changed = 1}, entry_facts{.models = {"a*b"}}, entry_facts{.models = {""}},
        entry_facts{.models = std::vector<std::string>(65, "m")},
        entry_facts{.models = std::vector<std::string>(20, std::string(200, 'm'))}}) {
    auto taken = book.take(*make_entry(facts).read());
    ASSERT_FALSE(taken) << facts.id << ' ' << facts.name;
    EXPECT_EQ(code_of(taken.error()), errc::invalid_argument);
  }
  EXPECT_TRUE(book.entries().empty());
}

}  // namespace
}  // namespace tandem::testing
