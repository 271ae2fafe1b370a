// The real program against a real node.

#include <csignal>
#include <memory>

#include <gmock/gmock.h>

#include "tests/integration/cli/cli_fixture.hpp"
#include "tests/support/node_process.hpp"

namespace tandem::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Cli : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    node = std::make_unique<node_process>(TANDEM_BIN_DIR);
    node->start(sim_config{}.text());
    ASSERT_TRUE(node->wait_ready()) << node->log();
  }
  static void TearDownTestSuite() { node.reset(); }

  static child_options options(std::vector<std::string> arguments, std::string input = {}) {
    auto made = tandem_options(std::move(arguments), std::move(input));
    made.environment["TANDEM_DATA"] = node->data_dir().string();
    return made;
  }
  static run_result cli(std::vector<std::string> arguments, std::string input = {}) {
    return run(options(std::move(arguments), std::move(input)), std::chrono::seconds{60});
  }
  /// The id of a job that is done.
  static std::string done_job(const std::string& goal) {
    auto waited = cli({"submit", "--wait", "--json", goal});
    EXPECT_EQ(waited.code, 0) << waited.err << node->log();
    return json_document{waited.out}.text("/job");
  }

  static std::unique_ptr<node_process> node;
};

std::unique_ptr<node_process> Cli::node;

TEST_F(Cli, SubmitPrintsTheIdAlone) {
  auto submitted = cli({"submit", "add", "1", "2"});
  ASSERT_EQ(submitted.code, 0) << submitted.err;
  EXPECT_EQ(submitted.err, "");
  auto id = without_line_end(submitted.out);
  EXPECT_THAT(id, StartsWith(node->journal() + "-"));
  EXPECT_EQ(cli({"follow", id}).code, 0);
}

TEST_F(Cli, SubmitWaitsForTheAnswer) {
  auto waited = cli({"submit", "--wait", "-"}, "add 1 2\n");
  ASSERT_EQ(waited.code, 0) << waited.err;
  EXPECT_GT(waited.out.size(), 1u);
  EXPECT_THAT(waited.err, HasSubstr(": done in "));
}

TEST_F(Cli, SubmitWithAKeyGivesTheSameJob) {
  json_document first{cli({"submit", "--json", "--key", "k1", "add 1 2"}).out};
  json_document second{cli({"submit", "--json", "--key", "k1", "add 1 2"}).out};
  EXPECT_EQ(first.text("/job"), second.text("/job"));
  auto other = cli({"submit", "--key", "k1", "another goal"});
  EXPECT_EQ(other.code, 4);
  EXPECT_THAT(other.err, HasSubstr("k1"));
}

TEST_F(Cli, FollowPrintsALinePerEventAndThenTheAnswer) {
  auto followed = cli({"submit", "--follow", "add 1 2"});
  ASSERT_EQ(followed.code, 0) << followed.err;
  EXPECT_THAT(followed.out, HasSubstr(" s  planned "));
  EXPECT_THAT(followed.out, HasSubstr(" s  step "));
  EXPECT_THAT(followed.out, HasSubstr(" s  done\n\n"));
  EXPECT_THAT(followed.out, Not(HasSubstr("\x1b")));
}

TEST_F(Cli, FollowInJsonIsAnObjectALine) {
  auto followed = cli({"submit", "--follow", "--json", "add 1 2"});
  ASSERT_EQ(followed.code, 0) << followed.err;
  auto lines = lines_of(followed.out);
  ASSERT_GE(lines.size(), 4u);
  EXPECT_EQ(json_document{lines.front()}.text("/event"), "accepted");
  json_document last{lines.back()};
  EXPECT_EQ(last.text("/event"), "ended");
  EXPECT_EQ(last.text("/job/state"), "done");
  EXPECT_FALSE(last.text("/job/answer").empty());
  std::int64_t number = 0;
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
    auto next = json_document{lines[i]}.number("/number");
    EXPECT_GT(next, number);
    number = next;
  }
}

TEST_F(Cli, JobsFiltersAndPages) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(
        cli({"submit", "--wait", "--tag", "paged", "--tenant", "t1", "goal " + std::to_string(i)})
            .code,
        0);
  }
  json_document first{cli({"jobs", "--tag", "paged", "--limit", "2", "--json"}).out};
  ASSERT_EQ(first.size("/jobs"), 2u);
  EXPECT_EQ(first.text("/jobs/0/goal"), "goal 2");
  EXPECT_EQ(first.text("/jobs/0/tenant"), "t1");
  auto before = std::to_string(first.number("/next_before"));
  json_document rest{cli({"jobs", "--tag", "paged", "--before", before, "--json"}).out};
  ASSERT_EQ(rest.size("/jobs"), 1u);
  EXPECT_EQ(rest.text("/jobs/0/goal"), "goal 0");
  EXPECT_EQ((json_document{cli({"jobs", "--tag", "paged", "--state", "failed", "--json"}).out}.size(
                "/jobs")),
            0u);
  auto text = cli({"jobs", "--text", "goal 1", "--tag", "paged"});
  EXPECT_EQ(lines_of(text.out).size(), 2u) << text.out;
  EXPECT_THAT(text.out, StartsWith("JOB "));
}

TEST_F(Cli, JobShowsItsPlanAndCalls) {
  auto id = done_job("add 1 2");
  auto text = cli({"job", id});
  ASSERT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("[x] 1"));
  EXPECT_THAT(text.out, HasSubstr("all large $"));
  EXPECT_THAT(text.out, HasSubstr("(simulated)"));
  json_document job{cli({"job", id, "--json"}).out};
  EXPECT_EQ(job.text("/job"), id);
  EXPECT_EQ(job.text("/steps/0/state"), "done");
  EXPECT_GE(job.size("/attempts"), 2u);
}

TEST_F(Cli, ResultIsTheAnswerByteByByte) {
  auto waited = cli({"submit", "--wait", "--json", "add 1 2"});
  json_document job{waited.out};
  auto result = cli({"result", job.text("/job")});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, job.text("/answer"));
  EXPECT_EQ((json_document{cli({"result", job.text("/job"), "--json"}).out}.text("/answer")),
            result.out);
}

TEST_F(Cli, AnUnknownJobIsRefused) {
  for (const char* command : {"job", "result", "follow", "cancel", "purge"}) {
    auto result = cli({command, node->journal() + "-999999"});
    EXPECT_EQ(result.code, 4) << command << result.err;
    EXPECT_THAT(result.err, StartsWith("tandem: ")) << command;
  }
}

TEST_F(Cli, FeedbackIsKept) {
  auto id = done_job("add 3 4");
  auto noted = cli({"feedback", id, "--score", "0.5", "--comment", "so so"});
  ASSERT_EQ(noted.code, 0) << noted.err;
  EXPECT_THAT(cli({"job", id}).out, HasSubstr("score    0.50 of 1"));
}

TEST_F(Cli, PurgeRemovesAJob) {
  auto id = done_job("add 5 6");
  auto purged = cli({"purge", id});
  ASSERT_EQ(purged.code, 0) << purged.err;
  EXPECT_THAT(purged.out, StartsWith("purged 1 job"));
  EXPECT_EQ(cli({"result", id}).code, 4);
  EXPECT_EQ(cli({"purge", "--older-than", "7d", "--yes"}).out, "purged 0 jobs, 0 B\n");
}

TEST_F(Cli, TopologyShowsActorsAndEngines) {
  auto text = cli({"topology"});
  ASSERT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("\nsupervisor "));
  EXPECT_THAT(text.out, HasSubstr("- planner "));
  EXPECT_THAT(text.out, HasSubstr("\nsmall-1 "));
  json_document json{cli({"topology", "--json"}).out};
  EXPECT_EQ(json.text("/nodes/0/address"), node->address());
  EXPECT_EQ(json.size("/nodes/0/engines"), 3u);
  EXPECT_THAT(cli({"topology", "--dot"}).out, StartsWith("digraph tandem {"));
}

TEST_F(Cli, EngineListShowsEveryEngine) {
  auto text = cli({"engine", "list"});
  ASSERT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, StartsWith("ENGINE "));
  EXPECT_THAT(text.out, HasSubstr("\nsmall-1 "));
  EXPECT_EQ(lines_of(text.out).size(), 4u);
  json_document json{cli({"engine", "list", "--json"}).out};
  EXPECT_EQ(json.size("/engines"), 3u);
  EXPECT_EQ(json.text("/engines/0/name"), "large-0");
  EXPECT_EQ(json.text("/engines/0/health"), "healthy");
}

TEST_F(Cli, EngineExplainSaysWhetherOneIsUsed) {
  auto text = cli({"engine", "explain", "small-0"});
  ASSERT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, StartsWith("engine   small-0  healthy"));
  EXPECT_THAT(text.out, HasSubstr("\nused     yes: "));
  json_document json{cli({"engine", "explain", "small-0", "--json"}).out};
  EXPECT_EQ(json.text("/used"), "yes");
  EXPECT_EQ(json.text("/engine/model"), "small");
  auto unknown = cli({"engine", "explain", "smal-0"});
  EXPECT_EQ(unknown.code, 4);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean small-0?"));
}

TEST_F(Cli, EngineProbeOfAnEngineWithoutAServerSaysHowItIs) {
  auto probed = cli({"engine", "probe", "small-0"});
  ASSERT_EQ(probed.code, 0) << probed.out << probed.err << node->log();
  EXPECT_THAT(probed.out, StartsWith("nothing to ask: small-0 (kind sim)"));
  json_document json{cli({"engine", "probe", "small-0", "--json"}).out};
  EXPECT_EQ(json.size("/checks"), 0u);
  EXPECT_EQ(json.text("/engine/name"), "small-0");
  auto unknown = cli({"engine", "probe", "nobody"});
  EXPECT_EQ(unknown.code, 4) << unknown.err;
  EXPECT_THAT(unknown.err, HasSubstr("`tandem engine list`"));
}

TEST_F(Cli, EngineProbeSaysWhatFailsAtAServer) {
  node_process other{TANDEM_BIN_DIR};
  // Nobody listens on port 1.
  other.start(sim_config{.more = "[[engine]]\nname = \"web\"\nkind = \"http\"\nmodel = \"small\"\n"
                                 "[engine.http]\nurl = \"http://127.0.0.1:1\"\n"}
                  .text());
  ASSERT_TRUE(other.wait_ready()) << other.log();
  auto probed = cli({"engine", "probe", "web", "--data", other.data_dir().string()});
  EXPECT_EQ(probed.code, 1) << probed.out << probed.err;
  EXPECT_THAT(probed.out, StartsWith("RESULT "));
  EXPECT_THAT(probed.out, HasSubstr("\nfailed "));
  EXPECT_THAT(probed.err, HasSubstr("`tandem engine explain web`"));
  auto explained = cli({"engine", "explain", "web", "--data", other.data_dir().string()});
  EXPECT_EQ(explained.code, 0) << explained.err;
  EXPECT_THAT(explained.out, HasSubstr("\nused     no: "));
}

TEST_F(Cli, SubmitTakesABudgetAndACheck) {
  auto submitted = cli({"submit", "--json", "--budget-usd", "5", "--budget-tokens", "1000000",
                        "--check", "contains=a", "add 1 2"});
  ASSERT_EQ(submitted.code, 0) << submitted.err;
  auto id = json_document{submitted.out}.text("/job");
  json_document job{cli({"job", id, "--json"}).out};
  EXPECT_EQ(job.number("/budget/tokens"), 1'000'000);
  EXPECT_EQ(job.number("/budget/cost_nanousd"), 5'000'000'000);
  EXPECT_THAT(cli({"job", id}).out, HasSubstr(" of 1,000,000 tokens used, "));
}

TEST_F(Cli, IssueReplacesNoCertificateUnasked) {
  auto out = (node->folder() / "twice").string();
  auto issue = [&](std::vector<std::string> more) {
    more.insert(more.begin(),
                {"certs", "issue", "--name", "bob", "--kind", "client", "--out", out});
    return cli(more);
  };
  ASSERT_EQ(issue({}).code, 0);
  auto first = read_text(out + "/client.pem");
  auto again = issue({});
  EXPECT_EQ(again.code, 6);
  EXPECT_THAT(again.err, HasSubstr("--force"));
  EXPECT_EQ(read_text(out + "/client.pem"), first);
  EXPECT_EQ(issue({"--force"}).code, 0);
  EXPECT_NE(read_text(out + "/client.pem"), first);
}

TEST_F(Cli, CertsCheckAsksTheNodeThatIsNamed) {
  auto good = cli({"certs", "check", "--node", node->address()});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("ok: the node at " + node->address() + " accepts them"));
  auto nobody = cli({"certs", "check", "--node", "127.0.0.1:1", "--json"});
  EXPECT_EQ(nobody.code, 3) << nobody.err;
  EXPECT_THAT((json_document{nobody.out}.text("/node/problem")), HasSubstr("127.0.0.1:1"));
}

TEST_F(Cli, IssuedCertificatesConnect) {
  auto out = (node->folder() / "issued").string();
  auto issued =
      cli({"certs", "issue", "--name", "alice", "--kind", "client", "--days", "2", "--out", out});
  ASSERT_EQ(issued.code, 0) << issued.err;
  EXPECT_THAT(issued.out, HasSubstr("alice"));
  auto jobs = run(tandem_options({"jobs", "--node", node->address(), "--tls", out}));
  EXPECT_EQ(jobs.code, 0) << jobs.err;
  EXPECT_EQ(cli({"certs", "check", "--tls", out}).code, 0);
  json_document shown{cli({"certs", "show", "--json"}).out};
  EXPECT_EQ(shown.size("/certificates"), 3u);
}

TEST_F(Cli, ForeignCertificatesDoNotConnect) {
  node_process other{TANDEM_BIN_DIR};
  other.start(sim_config{}.text());
  ASSERT_TRUE(other.wait_ready()) << other.log();
  auto result =
      run(tandem_options({"jobs", "--node", node->address(), "--tls", other.tls_dir().string()}));
  EXPECT_EQ(result.code, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("tandem certs"));
}

/// A node as a fresh clone starts it: two small models in its own process.
class CliEmbedded : public Cli {
 protected:
  static void SetUpTestSuite() {
    node = std::make_unique<node_process>(TANDEM_BIN_DIR);
    node->start({}, {"--listen", "127.0.0.1:0"});
    ASSERT_TRUE(node->wait_ready()) << node->log();
  }
};

TEST_F(CliEmbedded, PlansAndAnswersForReal) {
  auto waited = cli({"submit", "--wait", "What is 12+max(7,5)?"});
  EXPECT_EQ(waited.code, 0) << waited.err;
  EXPECT_EQ(waited.out, "19\n");
}

TEST_F(CliEmbedded, FollowSeesTheEndOfQuickJobs) {
  // A job may end while the question what is new with it is on its way.
  for (int i = 0; i < 60; ++i) {
    auto followed = cli({"submit", "--follow", "--mode", "small", "add 1 2"});
    ASSERT_EQ(followed.code, 0) << followed.out << followed.err << node->log();
  }
}

/// A node whose jobs take for ever, unless somebody stops them.
class CliSlow : public Cli {
 protected:
  static void SetUpTestSuite() {
    node = std::make_unique<node_process>(TANDEM_BIN_DIR);
    node->start(sim_config{.first_token = "10min"}.text());
    ASSERT_TRUE(node->wait_ready()) << node->log();
  }

  static std::string submitted() {
    auto result = cli({"submit", "a long way"});
    EXPECT_EQ(result.code, 0) << result.err << node->log();
    return without_line_end(result.out);
  }
};

TEST_F(CliSlow, CancelPauseResumeAndRetry) {
  auto id = submitted();
  EXPECT_EQ(cli({"pause", id}).out, "job " + id + " is paused\n");
  EXPECT_EQ(cli({"resume", id}).out, "job " + id + " is running\n");
  auto early = cli({"result", id});
  EXPECT_EQ(early.code, 4);
  EXPECT_THAT(early.err, HasSubstr("tandem follow " + id));
  EXPECT_EQ(cli({"cancel", id, "--reason", "no more"}).out, "job " + id + " is cancelled\n");
  auto result = cli({"result", id});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("no more"));
  EXPECT_THAT(result.err, HasSubstr("tandem retry " + id));
  EXPECT_EQ(cli({"follow", id}).code, 1);
  EXPECT_EQ(cli({"pause", id}).code, 4);
  EXPECT_EQ(cli({"retry", id}).out, "job " + id + " is running\n");
  EXPECT_EQ(cli({"purge", id}).code, 4);
}

TEST_F(CliSlow, AJobThatMissesItsDeadlineFails) {
  auto waited = cli({"submit", "--wait", "--timeout", "50ms", "too slow"});
  EXPECT_EQ(waited.code, 1) << waited.err;
  EXPECT_THAT(waited.err, HasSubstr("failed: "));
}

TEST_F(CliSlow, FollowGivesUpInTimeWhileTheJobGoesOn) {
  auto id = submitted();
  auto followed = cli({"follow", id, "--timeout", "100ms"});
  EXPECT_EQ(followed.code, 5);
  EXPECT_THAT(followed.err, HasSubstr("tandem follow " + id));
  EXPECT_EQ((json_document{cli({"job", id, "--json"}).out}.text("/state")), "running");
}

TEST_F(CliSlow, AnInterruptLeavesTheJobRunning) {
  auto id = submitted();
  child_process follower{options({"follow", id})};
  ASSERT_TRUE(follower.wait_text(" s  running", std::chrono::seconds{30})) << follower.log();
  follower.signal(SIGINT);
  EXPECT_EQ(follower.wait(std::chrono::seconds{30}), 130);
  EXPECT_THAT(follower.errors(), HasSubstr("tandem follow " + id));
  EXPECT_THAT(follower.errors(), HasSubstr("tandem cancel " + id));
  EXPECT_EQ((json_document{cli({"job", id, "--json"}).out}.text("/state")), "running");
}

TEST_F(CliSlow, ALostNodeEndsTheWait) {
  auto id = submitted();
  child_process follower{options({"follow", id})};
  ASSERT_TRUE(follower.wait_text(" s  running", std::chrono::seconds{30})) << follower.log();
  node->kill9();
  EXPECT_EQ(follower.wait(std::chrono::seconds{60}), 3) << follower.log();
  EXPECT_THAT(follower.errors(), HasSubstr("tandem follow " + id));
  auto nobody = cli({"jobs"});
  EXPECT_EQ(nobody.code, 3) << nobody.err;
  EXPECT_THAT(nobody.err, HasSubstr((node->data_dir() / "node.address").string()));
  node->start();
  ASSERT_TRUE(node->wait_ready()) << node->log();
  EXPECT_EQ((json_document{cli({"job", id, "--json"}).out}.text("/state")), "running");
}

}  // namespace
}  // namespace tandem::test
