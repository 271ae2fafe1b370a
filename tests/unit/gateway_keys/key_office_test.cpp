#include "actors/gateway/keys/key_office.hpp"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/errc.hpp"
#include "schema/text.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/unit/gateway_keys/key_entry.hpp"

namespace tandem::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::uint64_t today = 5'000'000;

std::unique_ptr<key_office> open(const std::filesystem::path& folder, std::uint64_t at = today) {
  auto out = key_office::open(folder, at);
  EXPECT_TRUE(out) << message_of(out.error());
  return out ? std::move(*out) : nullptr;
}

tmsg::keycmd command(schema::KeyAction action, const std::string& id = {}) {
  message_builder<schema::KeyCommand> out;
  out->setAction(action);
  auto key = out->initKey();
  key.setId(id);
  key.setName("chat page");
  key.setTenant("acme");
  return out.finish();
}

struct made_key {
  std::string id, text;
};

made_key create(key_office& office, std::uint64_t at = today) {
  auto report = office.handle(command(schema::KeyAction::CREATE), at);
  EXPECT_TRUE(report) << message_of(report.error());
  if (!report) return {};
  auto reader = report->read();
  return {std::string{view(reader->getKeys()[0].getKey().getId())},
          std::string{view(reader->getSecret())}};
}

TEST(KeyOffice, AKeyThatWasMadeHoldsAfterARestart) {
  test::temp_folder folder;
  auto office = open(folder.path());
  auto key = create(*office);
  EXPECT_TRUE(office->gate()->authenticate(key.text, today));
  office = open(folder.path());
  EXPECT_TRUE(office->gate()->authenticate(key.text, today));
  auto mode = std::filesystem::status(folder.path() / "keys").permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(test::read_text(folder.path() / "keys").find(key.text.substr(17)), std::string::npos);
}

TEST(KeyOffice, ListsKeysWithTheirUseAndWithoutHashes) {
  test::temp_folder folder;
  auto office = open(folder.path());
  auto key = create(*office);
  auto holder = *office->gate()->authenticate(key.text, today);
  std::get<key_permit>(office->gate()->admit(*holder, today, {})).settle({.tokens = 12});
  auto report = office->handle(command(schema::KeyAction::LIST), today);
  ASSERT_TRUE(report);
  auto reader = report->read();
  ASSERT_EQ(reader->getKeys().size(), 1u);
  EXPECT_EQ(reader->getKeys()[0].getRequests(), 1u);
  EXPECT_EQ(reader->getKeys()[0].getSpent().getTokens(), 12u);
  EXPECT_EQ(reader->getKeys()[0].getKey().getHash().size(), 0u);
  EXPECT_EQ(reader->getSecret().size(), 0u);
}

TEST(KeyOffice, ListsManyKeysPageByPage) {
  test::temp_folder folder;
  auto office = open(folder.path());
  message_builder<schema::KeyNews> news;
  constexpr unsigned count = 2000;
  auto list = news->initKeys(count);
  for (unsigned i = 0; i < count; ++i) {
    auto id = std::to_string(100'000'000'000 + i);
    list.setWithCaveats(i, *make_entry({.id = id, .name = std::string(200, 'n')}).read());
  }
  ASSERT_TRUE(office->take(news.finish()));
  std::string after;
  unsigned seen = 0;
  for (int pages = 0; pages < 100; ++pages) {
    auto report = office->handle(command(schema::KeyAction::LIST, after), today);
    ASSERT_TRUE(report);
    EXPECT_LT(report->bytes().size(), 256u * 1024);
    auto reader = report->read();
    if (reader->getKeys().size() == 0) break;
    for (auto each : reader->getKeys()) after = view(each.getKey().getId());
    seen += reader->getKeys().size();
  }
  EXPECT_EQ(seen, count);
  for (const auto& each : office->news()) EXPECT_LT(each.bytes().size(), 256u * 1024);
}

TEST(KeyOffice, ARevokedKeyIsRefusedHereAndAtTheOthers) {
  test::temp_folder here, there;
  auto one = open(here.path());
  auto other = open(there.path());
  auto key = create(*one);
  for (const auto& news : one->news_since_last()) EXPECT_TRUE(*other->take(news));
  EXPECT_TRUE(other->gate()->authenticate(key.text, today));
  // The other's clock is behind.
  auto report = other->handle(command(schema::KeyAction::REVOKE, key.id), today - 1000);
  ASSERT_TRUE(report) << message_of(report.error());
  EXPECT_NE(report->read()->getKeys()[0].getKey().getRevokedAtMs(), 0u);
  for (const auto& news : other->news()) EXPECT_TRUE(*one->take(news));
  EXPECT_FALSE(one->gate()->authenticate(key.text, today));
  one = open(here.path());
  EXPECT_FALSE(one->gate()->authenticate(key.text, today));
  EXPECT_TRUE(one->handle(command(schema::KeyAction::REVOKE, key.id), today));
}

TEST(KeyOffice, NewsThatGoInCirclesEnd) {
  test::temp_folder here, there;
  auto one = open(here.path());
  auto other = open(there.path());
  create(*one);
  auto news = one->news_since_last();
  ASSERT_EQ(news.size(), 1u);
  EXPECT_TRUE(*other->take(news[0]));
  auto back = other->news_since_last();
  ASSERT_EQ(back.size(), 1u);
  EXPECT_FALSE(*one->take(back[0]));
  EXPECT_TRUE(one->news_since_last().empty());
  EXPECT_TRUE(other->news_since_last().empty());
}

TEST(KeyOffice, CountersAndBudgetsSurviveARestart) {
  test::temp_folder folder;
  auto office = open(folder.path());
  auto key = create(*office);
  auto holder = *office->gate()->authenticate(key.text, today);
  std::get<key_permit>(office->gate()->admit(*holder, today, {})).settle({42, 1000});
  EXPECT_FALSE(office->save_use(today));
  office = open(folder.path());
  auto use = office->gate()->use(key.id, today);
  EXPECT_EQ(use.requests, 1u);
  EXPECT_EQ(use.last_used_at_ms, today);
  EXPECT_EQ(use.spent, (budget{42, 1000}));
}

TEST(KeyOffice, WritesCountersOnlyWhenTheyChange) {
  test::temp_folder folder;
  auto office = open(folder.path());
  EXPECT_FALSE(office->save_use(today));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "keys.use"));
}

TEST(KeyOffice, RefusesADamagedOrForeignFileAndSaysWhatToDo) {
  test::temp_folder folder;
  create(*open(folder.path()));
  auto file = folder.path() / "keys";
  auto good = test::read_text(file);
  auto flipped = good;
  flipped[good.size() / 2] ^= 1;
  auto newer = good;
  newer[12] = '2';
  for (const auto& bad :
       {std::string{}, good.substr(0, 20), good.substr(0, good.size() - 1), flipped, newer,
        std::string{"[keys]\nname = 'mine'\n"}, std::string(1000, '\0'), good + "more"}) {
    test::write_text(file, bad);
    auto office = key_office::open(folder.path(), today);
    ASSERT_FALSE(office);
    EXPECT_EQ(code_of(office.error()), errc::corrupted);
    EXPECT_THAT(message_of(office.error()),
                AllOf(HasSubstr(file.string()), HasSubstr("remove it")));
  }
  test::write_text(file, good);
  EXPECT_EQ(open(folder.path())->size(), 1u);
}

TEST(KeyOffice, ADamagedFileOfCountersIsSetAside) {
  test::temp_folder folder;
  auto key = create(*open(folder.path()));
  test::write_text(folder.path() / "keys.use", "nonsense");
  auto office = open(folder.path());
  EXPECT_THAT(office->remark(), HasSubstr("keys.use.damaged"));
  EXPECT_TRUE(office->gate()->authenticate(key.text, today));
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "keys.use.damaged"));
}

TEST(KeyOffice, AKeyThatCannotBeWrittenIsNotMade) {
  test::temp_folder folder;
  auto office = open(folder.path());
  std::filesystem::create_directory(folder.path() / "keys");
  auto report = office->handle(command(schema::KeyAction::CREATE), today);
  ASSERT_FALSE(report);
  EXPECT_EQ(code_of(report.error()), errc::storage_failed);
  EXPECT_EQ(office->size(), 0u);
  EXPECT_TRUE(office->news_since_last().empty());
}

TEST(KeyOffice, RefusesWhatMakesNoSense) {
  test::temp_folder folder;
  auto office = open(folder.path());
  auto code = [&](const tmsg::keycmd& what) {
    auto report = office->handle(what, today);
    return report ? errc::unknown : code_of(report.error());
  };
  EXPECT_EQ(code(command(schema::KeyAction::UNKNOWN)), errc::invalid_argument);
  EXPECT_EQ(code(command(schema::KeyAction::REVOKE, "nosuchkey000")), errc::not_found);
  message_builder<schema::KeyCommand> nameless;
  nameless->setAction(schema::KeyAction::CREATE);
  EXPECT_EQ(code(nameless.finish()), errc::invalid_argument);
  message_builder<schema::KeyCommand> late;
  late.copy(*command(schema::KeyAction::CREATE).read());
  late->getKey().setExpiresAtMs(today);
  EXPECT_EQ(code(late.finish()), errc::invalid_argument);
}

}  // namespace
}  // namespace tandem::testing
