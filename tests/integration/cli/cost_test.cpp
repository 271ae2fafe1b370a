// `tandem cost` and `tandem jobs export` against a real node.

#include <memory>

#include <gmock/gmock.h>

#include "tests/integration/cli/cli_fixture.hpp"
#include "tests/support/node_process.hpp"

namespace tandem::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class Cost : public testing::Test {
 protected:
  void SetUp() override {
    node_.start(sim_config{}.text());
    ASSERT_TRUE(node_.wait_ready()) << node_.log();
  }

  run_result cli(std::vector<std::string> arguments) {
    auto made = tandem_options(std::move(arguments));
    made.environment["TANDEM_DATA"] = node_.data_dir().string();
    return run(std::move(made), std::chrono::seconds{60});
  }
  std::string submit(const std::string& tenant, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"submit", "--wait", "--json", "--tenant", tenant, "add 1 2"};
    words.insert(words.begin() + 1, more.begin(), more.end());
    auto done = cli(words);
    EXPECT_EQ(done.code, 0) << done.err << node_.log();
    return json_document{done.out}.text("/job");
  }
  std::string cost(std::vector<std::string> more = {}) {
    std::vector<std::string> words{"cost", "--json", "--no-quality"};
    words.insert(words.end(), more.begin(), more.end());
    auto got = cli(words);
    EXPECT_EQ(got.code, 0) << got.err;
    return got.out;
  }

  node_process node_{TANDEM_BIN_DIR};
};

constexpr const char* usage_fields[] = {
    "calls",        "prompt_tokens",          "cached_prompt_tokens", "completion_tokens",
    "cost_nanousd", "cost_all_large_nanousd", "cache_hits",           "saved_nanousd"};

TEST_F(Cost, IsTheSumOfWhatTheJobsSay) {
  std::vector<std::string> jobs{submit("acme"), submit("beta"),
                                submit("acme", {"--mode", "small"})};
  for (const auto* tenant : {"", "acme"}) {
    std::map<std::string, std::int64_t> sum;
    for (const auto& id : jobs) {
      json_document job{cli({"job", id, "--json"}).out};
      if (*tenant != 0 && job.text("/tenant") != tenant) continue;
      for (const auto* field : usage_fields)
        sum[field] += job.number("/usage/" + std::string{field});
    }
    for (const auto* by : {"tenant", "model", "kind,model", "day,tenant,model,kind"}) {
      std::vector<std::string> words{"--by", by};
      if (*tenant != 0) words.insert(words.end(), {"--tenant", tenant});
      json_document all{cost(words)};
      std::map<std::string, std::int64_t> rows;
      for (std::size_t i = 0; i < all.size("/rows"); ++i)
        for (const auto* field : usage_fields)
          rows[field] += all.number("/rows/" + std::to_string(i) + "/usage/" + field);
      for (const auto* field : usage_fields) {
        EXPECT_EQ(all.number("/total/usage/" + std::string{field}), sum[field]) << field << by;
        EXPECT_EQ(rows[field], sum[field]) << field << by;
      }
    }
  }
}

TEST_F(Cost, KnowsTenantsKindsAndThatEnginesAreSimulated) {
  submit("acme");
  submit("beta");
  json_document tenants{cost({"--by", "tenant"})};
  ASSERT_EQ(tenants.size("/rows"), 2u);
  EXPECT_EQ(tenants.text("/rows/0/tenant"), "acme");
  EXPECT_EQ(tenants.text("/rows/1/tenant"), "beta");
  EXPECT_EQ(tenants.number("/jobs/0/done"), 1);
  EXPECT_EQ(tenants.number("/total_jobs/simulated"), 2);
  json_document kinds{cost({"--by", "kind"})};
  EXPECT_EQ(kinds.text("/rows/0/purpose"), "plan");
  auto text = cli({"cost", "--by", "model,kind"});
  ASSERT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("simulated"));
  EXPECT_THAT(text.out, HasSubstr("(plan)"));
  EXPECT_THAT(text.out, HasSubstr("2 jobs: 2 done; in 2 a simulated engine had a part"));
  EXPECT_THAT(text.out, HasSubstr("same tokens"));
}

TEST_F(Cost, IsTheSameAfterAKill) {
  for (int i = 0; i < 12; ++i) submit("acme");
  auto before = cost({"--by", "day,tenant,model,kind"});
  EXPECT_THAT(before, Not(HasSubstr("\"saving_interval_percent\":null")));
  node_.kill9();
  node_.start();
  ASSERT_TRUE(node_.wait_ready()) << node_.log();
  EXPECT_EQ(cost({"--by", "day,tenant,model,kind"}), before);
}

TEST_F(Cost, CountsTheRightJobsOfThoseThatWereJudged) {
  auto good = submit("acme");
  auto bad = submit("acme");
  submit("acme");
  ASSERT_EQ(cli({"feedback", good, "--score", "1"}).code, 0);
  ASSERT_EQ(cli({"feedback", bad, "--score", "0"}).code, 0);
  json_document all{cost()};
  EXPECT_EQ(all.number("/total_jobs/judged"), 2);
  EXPECT_EQ(all.number("/total_jobs/right"), 1);
}

TEST_F(Cost, SaysThatJobsWerePurged) {
  submit("acme");
  auto gone = submit("acme");
  submit("acme");
  ASSERT_EQ(cli({"purge", gone}).code, 0);
  auto text = cli({"cost", "--no-quality"});
  EXPECT_THAT(text.out, HasSubstr("1 job of about that time purged"));
  EXPECT_EQ(json_document{cost()}.number("/purged"), 1);
}

TEST_F(Cost, OfAnEmptyPeriodIsSaidToBeNothing) {
  submit("acme");
  auto before = cli({"cost", "--from", "2001-01-01", "--to", "2001-12-31"});
  EXPECT_EQ(before.code, 0) << before.err;
  EXPECT_THAT(before.out, HasSubstr("2001-01-01 to 2001-12-31 (UTC)"));
  EXPECT_THAT(before.out, HasSubstr("nothing was spent"));
  EXPECT_EQ(json_document{cost({"--tenant", "nobody"})}.size("/rows"), 0u);
}

TEST_F(Cost, RefusesWhatItDoesNotUnderstand) {
  auto expect = [&](std::vector<std::string> words, const char* why) {
    words.insert(words.begin(), "cost");
    auto got = cli(words);
    EXPECT_EQ(got.code, 2) << got.out;
    EXPECT_THAT(got.err, HasSubstr(why));
  };
  expect({"--by", "tenent"}, "did you mean tenant?");
  expect({"--by", ""}, "tenant, model, kind");
  expect({"--from", "2026-02-30"}, "must be a day");
  expect({"--from", "2026-02-02", "--to", "2026-02-01"}, "is after --to");
  expect({"--tenant", ""}, "is empty");
}

TEST_F(Cost, SaysWhyQualityCannotBeCompared) {
  submit("acme");
  auto text = cli({"cost"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("whether the large tier alone had been better cannot be said"));
}

TEST_F(Cost, JobsAreExportedALineEach) {
  auto first = submit("acme");
  auto second = submit("beta", {"--mode", "small"});
  ASSERT_EQ(cli({"feedback", second, "--score", "1"}).code, 0);
  auto got = cli({"jobs", "export"});
  ASSERT_EQ(got.code, 0) << got.err;
  auto lines = lines_of(got.out);
  ASSERT_EQ(lines.size(), 2u);
  json_document newest{lines[0]};
  EXPECT_EQ(newest.text("/job"), second);
  EXPECT_EQ(newest.text("/tenant"), "beta");
  EXPECT_EQ(newest.text("/attempts/0/purpose"), "answer");
  EXPECT_THAT(lines[0], HasSubstr("\"right\":true"));
  json_document oldest{lines[1]};
  EXPECT_EQ(oldest.text("/job"), first);
  EXPECT_EQ(oldest.text("/attempts/0/purpose"), "plan");
  EXPECT_THAT(lines[1], HasSubstr("\"right\":null"));
  EXPECT_EQ(oldest.size("/steps"), 4u);
  auto of_one = cli({"jobs", "export", "--tenant", "acme"});
  EXPECT_EQ(lines_of(of_one.out).size(), 1u);
}

}  // namespace
}  // namespace tandem::test
