#include "tests/unit/storage/crash_child.hpp"
#include "tests/unit/storage/journal_fixture.hpp"

namespace tandem::storage {
namespace {

using std::filesystem::path;

class JournalDamage : public journal_fixture {
 protected:
  static constexpr std::uint64_t jobs = 40;
  static constexpr std::size_t record_bytes = 300;

  /// A journal that was killed: all in its log.
  void make_with_log() {
    ASSERT_EQ(run_until_killed({options_.folder, durability::os, false, jobs, record_bytes}), jobs);
  }
  /// A journal that was stopped: all in its tables.
  void make_with_tables() {
    make_with_log();
    ASSERT_TRUE(open());
  }

  /// Every job is right, or an error says that something is not; returns whether there was an
  /// error.
  [[nodiscard]] bool damage_is_seen() const {
    auto opened = journal::open(options_);
    if (!opened) return true;
    bool seen = false;
    for (std::uint64_t job = 1; job <= jobs; ++job) {
      std::size_t found = 0;
      const auto err = (*opened)->read_records(job, 0, [&](const journal_record& one) {
        EXPECT_EQ(text_of(one.bytes), crash_record(job, record_bytes));
        ++found;
        return true;
      });
      if (err) {
        EXPECT_EQ(failure_of(err), errc::corrupted) << words_of(err);
        seen = true;
      } else {
        EXPECT_EQ(found, 1u) << "job " << job << " was lost in silence";
      }
    }
    return seen;
  }

  /// Where a log's second record begins; the first holds the journal's id, whose loss would be seen
  /// anyway.
  static std::ptrdiff_t second_record(const std::string& log) {
    return 7 + static_cast<unsigned char>(log[4]) + 256 * static_cast<unsigned char>(log[5]);
  }

  void flip_bytes_of(const path& file, std::size_t steps) {
    const auto intact = root_ / "intact";
    const auto name = file.filename();
    std::filesystem::copy(options_.folder, intact, std::filesystem::copy_options::recursive);
    const auto size = file_text(file).size();
    ASSERT_GT(size, 0u);
    for (std::size_t step = 0; step < steps; ++step) {
      std::filesystem::remove_all(options_.folder);
      std::filesystem::copy(intact, options_.folder, std::filesystem::copy_options::recursive);
      auto bytes = file_text(file);
      const auto at = size * step / steps;
      bytes[at] = static_cast<char>(bytes[at] ^ 0x40);
      write_file(file, bytes);
      SCOPED_TRACE(name.string() + " byte " + std::to_string(at));
      (void)damage_is_seen();
    }
  }
};

TEST_F(JournalDamage, AFlippedByteInALogIsNeverSilent) {
  make_with_log();
  flip_bytes_of(database_files(".log").back(), 25);
}

TEST_F(JournalDamage, AFlippedByteInATableIsNeverSilent) {
  make_with_tables();
  const auto tables = database_files(".sst");
  const auto biggest = *std::max_element(tables.begin(), tables.end(), [](auto& a, auto& b) {
    return std::filesystem::file_size(a) < std::filesystem::file_size(b);
  });
  flip_bytes_of(biggest, 25);
}

TEST_F(JournalDamage, AFlippedByteInTheManifestIsNeverSilent) {
  make_with_tables();
  for (const auto& entry : std::filesystem::directory_iterator(options_.folder / "db"))
    if (entry.path().filename().string().starts_with("MANIFEST"))
      return flip_bytes_of(entry.path(), 25);
  FAIL() << "no manifest";
}

// RocksDB alone takes this for a record that was cut off, and drops all behind it.
TEST_F(JournalDamage, ALengthThatPointsBehindTheEndOfALogIsCorrupted) {
  make_with_log();
  const auto log = database_files(".log").back();
  auto bytes = file_text(log);
  // Each record's header: checksum u32, length u16, type u8.
  bytes[second_record(bytes) + 5] = '\x7f';
  write_file(log, bytes);
  EXPECT_EQ(failure_of(open_error()), errc::corrupted);
}

TEST_F(JournalDamage, ZerosInTheMiddleOfALogAreCorrupted) {
  make_with_log();
  const auto log = database_files(".log").back();
  auto bytes = file_text(log);
  std::fill_n(bytes.begin() + second_record(bytes), 1000, '\0');
  write_file(log, bytes);
  EXPECT_EQ(failure_of(open_error()), errc::corrupted);
}

TEST_F(JournalDamage, ZerosAtTheEndOfALogAreNoDamage) {
  make_with_log();
  const auto log = database_files(".log").back();
  write_file(log, file_text(log) + std::string(100'000, '\0'));
  EXPECT_FALSE(damage_is_seen());
}

TEST_F(JournalDamage, DamageInTheMiddleOfALogSaysHowToMendIt) {
  make_with_log();
  const auto log = database_files(".log").back();
  auto bytes = file_text(log);
  bytes[bytes.size() / 2] ^= 1;
  write_file(log, bytes);
  const auto err = open_error();
  EXPECT_EQ(failure_of(err), errc::corrupted);
  EXPECT_NE(words_of(err).find("accept_torn_log"), std::string::npos) << words_of(err);
  EXPECT_NE(words_of(err).find(options_.folder.string()), std::string::npos) << words_of(err);

  options_.accept_torn_log = true;
  const auto opened = open();
  ASSERT_TRUE(opened);
  const auto kept = opened->open_jobs()->size();
  EXPECT_GT(kept, jobs / 4);
  EXPECT_LT(kept, jobs);
  EXPECT_EQ(records_of(*opened, kept).size(), 1u);
}

TEST_F(JournalDamage, AMissingTableIsCorrupted) {
  make_with_tables();
  std::filesystem::remove(database_files(".sst").front());
  EXPECT_EQ(failure_of(open_error()), errc::corrupted);
}

TEST_F(JournalDamage, AMissingDatabaseIsNotANewJournal) {
  make_with_tables();
  std::filesystem::remove_all(options_.folder / "db");
  EXPECT_EQ(failure_of(open_error()), errc::corrupted);
}

TEST_F(JournalDamage, AMissingPointerToTheManifestIsCorrupted) {
  make_with_tables();
  std::filesystem::remove(options_.folder / "db" / "CURRENT");
  EXPECT_EQ(failure_of(open_error()), errc::corrupted);
}

TEST_F(JournalDamage, ADatabaseOfAnotherJournalIsRefused) {
  make_with_tables();
  write_file(options_.folder / "journal", "aaaaaaab\n");
  EXPECT_EQ(failure_of(open_error()), errc::corrupted);
}

}  // namespace
}  // namespace tandem::storage
