#include "actors/front/journal_book.hpp"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/front/book_file.hpp"
#include "schema/errc.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

journal_book three() {
  journal_book book;
  book.adopt({.birth_ms = 20, .journal = 2}, true);
  book.learn({.birth_ms = 30, .journal = 3});
  book.learn({.birth_ms = 10, .journal = 1});
  book.place(1, {.node = "node one", .address = "10.0.0.1:7420", .seen_ms = 5});
  return book;
}

TEST(JournalBook, KeepsTheOrderOfLearningAndKnowsTheOldest) {
  auto book = three();
  EXPECT_THAT(book.journals(),
              ElementsAre(journal_birth{20, 2}, journal_birth{30, 3}, journal_birth{10, 1}));
  EXPECT_EQ(book.sequencer(), 1u);
  EXPECT_FALSE(book.learn({.birth_ms = 1, .journal = 3})) << "a birth never changes";
  EXPECT_FALSE(book.learn({.birth_ms = 1, .journal = 0}));
  EXPECT_EQ(book.sequencer(), 1u);
}

TEST(JournalBook, IsTheSameAfterItWasWrittenAndRead) {
  auto book = three();
  book.settle(3, 1);
  book.note_accept(2, 2);
  auto again = journal_book::parse(book.to_text());
  ASSERT_TRUE(again) << message_of(again.error());
  EXPECT_EQ(again->to_text(), book.to_text());
  EXPECT_EQ(again->where(1)->node, "node one");
  EXPECT_EQ(again->where(1)->address, "10.0.0.1:7420");
  EXPECT_TRUE(again->is_ordered(2));
  EXPECT_EQ(again->settled_under(2), 0u);
  EXPECT_FALSE(again->adopt({.birth_ms = 20, .journal = 2}, false));
}

TEST(JournalBook, SaysAChangeOfPlaceOnceAndNotThatTimePasses) {
  auto book = three();
  EXPECT_FALSE(book.place(1, {"node one", "10.0.0.1:7420", 6}));
  EXPECT_TRUE(book.place(1, {"node one", "10.0.0.9:7420", 7}));
  EXPECT_FALSE(book.place(9, {"x", "y", 7})) << "an unknown journal has no place";
}

TEST(JournalBook, KeepsNamesOnOneLine) {
  auto book = three();
  book.place(1, {"evil\nend 5", "a b", 8});
  auto again = journal_book::parse(book.to_text());
  ASSERT_TRUE(again) << message_of(again.error());
  EXPECT_EQ(again->where(1)->node, "evil?end 5");
  EXPECT_EQ(again->where(1)->address, "a?b");
}

TEST(JournalBook, HasABound) {
  journal_book book;
  for (std::uint64_t i = 1; i <= journal_book::journals_max; ++i)
    ASSERT_TRUE(book.learn({i, i})) << i;
  EXPECT_TRUE(book.is_full());
  EXPECT_FALSE(book.learn({1, 999'999}));
  EXPECT_LT(book.to_text().size(), journal_book::text_bytes_max);
}

TEST(JournalBook, EveryDamageIsSeen) {
  auto text = three().to_text();
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto bad = text;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(journal_book::parse(bad)) << i;
    EXPECT_FALSE(journal_book::parse(text.substr(0, i))) << i;
  }
  EXPECT_FALSE(journal_book::parse(text + "more\n"));
}

TEST(JournalBook, AJournalSaysThatItIsSettledUntilItHasAcceptedUnderAnother) {
  auto book = three();
  EXPECT_EQ(book.settled_under(2), 1u);
  EXPECT_TRUE(book.note_accept(2, 1));
  EXPECT_FALSE(book.note_accept(2, 1)) << "written once";
  EXPECT_EQ(book.settled_under(2), 1u);
  // An older one turns up: what was accepted under 1 is not in its order.
  book.learn({.birth_ms = 5, .journal = 4});
  EXPECT_EQ(book.settled_under(2), 0u);
  EXPECT_EQ(book.settled_under(3), 0u) << "nobody here can say it for another";
}

TEST(JournalBook, ABookThatWasLostVouchesForNothing) {
  journal_book book;
  book.adopt({.birth_ms = 20, .journal = 2}, false);
  EXPECT_FALSE(book.is_ordered(2));
  EXPECT_EQ(book.settled_under(2), 0u);
  auto again = journal_book::parse(book.to_text());
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->is_ordered(2));
  EXPECT_EQ(again->settled_under(2), 0u);
}

TEST(JournalBook, AsksTheOwnersSoFarAndWhoIsNotSettled) {
  journal_book book;
  for (std::uint64_t i = 1; i <= 12; ++i) book.learn({i, i});
  auto hash = key_hash("t", "k");
  auto owner = book.owner(hash);
  auto all = book.earlier_owners(hash, book.journals(), true);
  EXPECT_EQ(all.size(), 11u) << "nobody has said that it is settled";
  for (std::uint64_t i = 1; i <= 12; ++i) book.settle(i, 1);
  auto few = book.earlier_owners(hash, book.journals(), true);
  std::set<std::uint64_t> expected{1};
  for (auto journal : key_owners_so_far(hash, book.journals())) expected.insert(journal);
  expected.erase(owner);
  EXPECT_EQ(few, expected);
  EXPECT_EQ(book.earlier_owners(hash, book.journals(), false).size(), 11u);
}

TEST(BookFile, StartsEmptyAndIsReplacedAsAWhole) {
  test::temp_folder folder;
  auto file = book_file(folder.path());
  auto none = load_book(file);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->book.journals().empty());
  EXPECT_EQ(none->remark, "");
  ASSERT_FALSE(save_book(file, three().to_text()));
  auto some = load_book(file);
  ASSERT_TRUE(some);
  EXPECT_EQ(some->book.to_text(), three().to_text());
  EXPECT_FALSE(std::filesystem::exists(file.string() + ".new"));
}

TEST(BookFile, SetsADamagedOneAsideAndSaysSo) {
  test::temp_folder folder;
  auto file = book_file(folder.path());
  test::write_text(file, "tandem-journals 1\nown 2");
  auto book = load_book(file);
  ASSERT_TRUE(book);
  EXPECT_TRUE(book->book.journals().empty());
  EXPECT_THAT(book->remark, HasSubstr("damaged"));
  EXPECT_TRUE(std::filesystem::exists(file.string() + ".damaged"));
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST(BookFile, SaysWhatCannotBeWritten) {
  test::temp_folder folder;
  auto err = save_book(folder.path() / "none" / "cluster.journals", "x");
  EXPECT_EQ(code_of(err), errc::storage_failed);
  EXPECT_THAT(message_of(err), HasSubstr("cluster.journals"));
}

}  // namespace
}  // namespace tandem::testing
