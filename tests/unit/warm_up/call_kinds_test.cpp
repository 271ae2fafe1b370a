#include "actors/warm_up/call_kinds.hpp"

#include "tests/unit/warm_up/warm_testing.hpp"

namespace tandem::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using chain = std::vector<std::uint64_t>;

class CallKinds : public ::testing::Test {
 protected:
  bool note(std::uint64_t job, const std::string& kind, const chain& begins = {1},
            const std::string& engine = "e") {
    return kinds.note(
        {.job = job, .model = "tiny", .kind = kind, .chain = begins, .engine = engine}, now_s);
  }
  /// What comes behind a call that a new job makes now.
  std::vector<call_kinds::follower> behind(const std::string& kind) {
    note(next_job++, kind);
    return kinds.followers();
  }

  call_kinds kinds{{}};
  double now_s = 0;
  std::uint64_t next_job = 1'000'000;
};

TEST_F(CallKinds, WhatUsuallyComesBehindIsKnownAfterSomeJobs) {
  for (std::uint64_t job = 1; job <= 2; ++job) {
    EXPECT_TRUE(note(job, "read"));
    EXPECT_FALSE(note(job, "read")) << "the same job's second";
    note(job, "write", {7, 8});
  }
  EXPECT_THAT(behind("read"), IsEmpty()) << "two jobs are not enough";
  for (std::uint64_t job = 3; job <= 6; ++job) {
    note(job, "read");
    note(job, "write", {7, 8, 100 + job});
  }
  auto found = behind("read");
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].model, "tiny");
  EXPECT_THAT(found[0].chain, ElementsAre(7, 8)) << "what the last two had in common";
  EXPECT_THAT(behind("write"), IsEmpty()) << "the last of each job";
}

TEST_F(CallKinds, WhatSeldomComesIsNotExpected) {
  for (std::uint64_t job = 1; job <= 20; ++job) {
    note(job, "read");
    if (job % 4 == 0) note(job, "mend");
  }
  EXPECT_THAT(behind("read"), IsEmpty());
}

TEST_F(CallKinds, WhatJobsDoNowOutweighsWhatTheyDid) {
  for (std::uint64_t job = 1; job <= 200; ++job) {
    note(job, "read");
    note(job, job <= 100 ? "old" : "new");
  }
  auto found = behind("read");
  ASSERT_THAT(found, SizeIs(1));
  auto expected = found[0].kind;
  note(500, "new");
  EXPECT_GE(kinds.read_at(expected, "e"), 0);
}

TEST_F(CallKinds, KnowsWhichEnginesHaveReadSuchACall) {
  for (std::uint64_t job = 1; job <= 5; ++job) {
    now_s = static_cast<double>(job);
    note(job, "read", {1}, "a");
    note(job, "write", {2}, "b");
  }
  auto found = behind("read");
  ASSERT_THAT(found, SizeIs(1));
  auto write = found[0].kind;
  EXPECT_EQ(kinds.read_at(write, "b"), 5);
  EXPECT_LT(kinds.read_at(write, "a"), 0);
  kinds.set_read(write, "a", 9);
  EXPECT_EQ(kinds.read_at(write, "a"), 9);
  kinds.forget_engine("b");
  EXPECT_LT(kinds.read_at(write, "b"), 0);
}

TEST_F(CallKinds, ItIsBoundedWhateverComes) {
  kinds = call_kinds{{.kinds_max = 8,
                      .jobs_max = 16,
                      .kinds_of_job_max = 4,
                      .followers_max = 2,
                      .engines_max = 2}};
  for (std::uint64_t i = 0; i < 5'000; ++i) {
    note(i % 40, "kind" + std::to_string(i % 23), {i % 5, i}, "engine" + std::to_string(i % 7));
    EXPECT_LE(kinds.followers().size(), 2u);
  }
}

}  // namespace
}  // namespace tandem::testing
