#include "schema/ids.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tandem {
namespace {

TEST(ids, JobIdsSurviveTheirTextForm) {
  std::mt19937_64 random{7};
  for (int i = 0; i < 1'000; ++i) {
    job_id id{journal_id{random() >> (64 - journal_id_bits)}, random() | 1};
    auto text = to_string(id);
    EXPECT_EQ(text.find('-'), journal_id_bits / 5) << text;
    EXPECT_EQ(parse_job_id(text), id) << text;
    EXPECT_EQ(parse_journal_id(to_string(id.journal)), id.journal);
  }
  EXPECT_EQ(to_string(job_id{journal_id{0}, 1}), "aaaaaaaa-1");
  EXPECT_EQ(to_string(job_id{journal_id{(std::uint64_t{1} << 40) - 1}, UINT64_MAX}),
            "77777777-18446744073709551615");
}

TEST(ids, RefusesWhatIsNoJobId) {
  using std::string_view_literals::operator""sv;
  for (auto text : {""sv,
                    "-"sv,
                    "-1"sv,
                    "a-"sv,
                    "a"sv,
                    "aaaaaaaa"sv,
                    "a-0"sv,
                    "a--1"sv,
                    "a-+1"sv,
                    "a- 1"sv,
                    " a-1"sv,
                    "a-1 "sv,
                    "a-1x"sv,
                    "a-0x1"sv,
                    "A-1"sv,
                    "a1-1"sv,
                    "a8-1"sv,
                    "ä-1"sv,
                    "a\0a-1"sv,
                    "a-1\0"sv,
                    "a-18446744073709551616"sv,
                    "a-99999999999999999999999999"sv,
                    "aaaaaaaaaaaaa-1"sv,
                    "a-1-1"sv,
                    "../../x-1"sv,
                    "a/1"sv}) {
    EXPECT_EQ(parse_job_id(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_job_id(std::string(1 << 20, 'a') + "-1"), std::nullopt);
  EXPECT_EQ(parse_job_id("a-" + std::string(1 << 20, '1')), std::nullopt);
}

TEST(ids, RefusesWhatIsNoJournalId) {
  for (auto text : {"", "A", "0", "1", "8", "9", "a-", "aaaaaaaaaaaaa"})
    EXPECT_EQ(parse_journal_id(text), std::nullopt) << text;
}

TEST(ids, EffectKeysNameJobEpochAndStep) {
  EXPECT_EQ(effect_key({journal_id{1}, 42}, epoch_id{2}, step_id{7}), "aaaaaaab-42/2/7");
}

}  // namespace
}  // namespace tandem
