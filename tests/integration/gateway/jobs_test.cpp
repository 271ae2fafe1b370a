// /v1/jobs and /v1/feedback of a real node.

#include "tests/integration/gateway/gateway_fixture.hpp"

namespace tandem::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class GatewayJobs : public GatewayNode {
 protected:
  void SetUp() override { start(); }
};

TEST_F(GatewayJobs, ASubmittedJobIsReadUntilItsAnswerIsThere) {
  auto made = web().post("/v1/jobs", R"({"goal":"one","mode":"small","tags":["a"]})");
  ASSERT_EQ(made.status, 201) << made.body;
  auto job = json_document{made.body}.text("/job");
  EXPECT_EQ(made.headers["location"], "/v1/jobs/" + job);
  EXPECT_EQ(json_document{end_of(web(), job)}.text("/state"), "done");
  auto result = web().get("/v1/jobs/" + job + "/result");
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.body, "said one");
  EXPECT_THAT(result.headers["content-type"], HasSubstr("text/plain"));
  auto all = web().get("/v1/jobs/" + job);
  EXPECT_EQ(all.status, 200);
  EXPECT_THAT(all.body, HasSubstr("said one"));
  EXPECT_EQ(web().get("/v1/jobs/" + job + "/nothing").status, 404);
  EXPECT_EQ(web().get("/v1/jobs/aaaaaaaa-1").status, 404);
}

TEST_F(GatewayJobs, AChatIsAJobToo) {
  auto made = web().post(
      "/v1/jobs",
      R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"two"}],"mode":"small"})");
  ASSERT_EQ(made.status, 201) << made.body;
  auto job = json_document{made.body}.text("/job");
  EXPECT_EQ(json_document{end_of(web(), job)}.text("/state"), "done");
  EXPECT_EQ(web().get("/v1/jobs/" + job + "/result").body, "said two");
}

TEST_F(GatewayJobs, JobsAreListedByFiltersAndPages) {
  std::vector<std::string> made;
  for (auto tag : {"a", "b", "a", "a"}) {
    made.push_back(
        submit(web(), std::string{R"({"goal":"g","mode":"small","tags":[")"} + tag + "\"]}"));
    end_of(web(), made.back());
  }
  auto first = web().get("/v1/jobs?tag=a&limit=2");
  ASSERT_EQ(first.status, 200) << first.body;
  json_document page{first.body};
  ASSERT_EQ(page.size("/data"), 2u);
  EXPECT_EQ(page.text("/data/0/job"), made[3]);
  EXPECT_EQ(page.text("/data/1/job"), made[2]);
  auto rest = web().get("/v1/jobs?tag=a&limit=2&after=" + page.text("/next"));
  json_document last{rest.body};
  ASSERT_EQ(last.size("/data"), 1u) << rest.body;
  EXPECT_EQ(last.text("/data/0/job"), made[0]);
  EXPECT_EQ(json_document{web().get("/v1/jobs?state=failed,cancelled").body}.size("/data"), 0u);
  EXPECT_EQ(json_document{web().get("/v1/jobs?state=done").body}.size("/data"), 4u);
  for (auto bad : {"state=undone", "limit=many", "after=!"})
    EXPECT_EQ(web().get(std::string{"/v1/jobs?"} + bad).status, 400) << bad;
}

TEST_F(GatewayJobs, EventsGoOnAfterTheLastOneThatWasSeen) {
  auto job = submit(web(), R"({"goal":"do it","mode":"plan_act"})");
  EXPECT_EQ(json_document{end_of(web(), job)}.text("/state"), "done");
  auto all = web().get("/v1/jobs/" + job + "/events").body;
  EXPECT_THAT(all, HasSubstr("event: plan_complete"));
  auto second = all.find("\nid: 2\n");
  ASSERT_NE(second, all.npos) << all;
  auto third = all.find("\nid: 3\n");
  ASSERT_NE(third, all.npos) << all;
  for (auto rest : {web().get("/v1/jobs/" + job + "/events", {"Last-Event-ID: 2"}).body,
                    web().get("/v1/jobs/" + job + "/events?after=2").body})
    EXPECT_EQ(rest.substr(rest.find("id: ")), all.substr(third + 1));
  EXPECT_EQ(web().get("/v1/jobs/" + job + "/events", {"Last-Event-ID: two"}).status, 400);
}

TEST_F(GatewayJobs, AJobIsPausedResumedCancelledAndRetried) {
  auto job = submit(web(), R"({"goal":"wait","mode":"small"})");
  ASSERT_TRUE(engine_.wait([](const stub_counts& seen) { return seen.open == 1; }));
  EXPECT_EQ(web().get("/v1/jobs/" + job + "/result").status, 409);
  auto path = "/v1/jobs/" + job;
  auto paused = web().post(path + "/pause", R"({"reason":"lunch"})");
  EXPECT_EQ(paused.status, 200) << paused.body;
  EXPECT_EQ(json_document{paused.body}.text("/state"), "paused");
  EXPECT_EQ(web().post(path + "/resume", "").status, 200);
  EXPECT_EQ(state_of(web(), job), "running");
  auto cancelled = web().post(path + "/cancel", R"({"reason":"no more need"})");
  EXPECT_EQ(cancelled.status, 200) << cancelled.body;
  json_document end{end_of(web(), job)};
  EXPECT_EQ(end.text("/state"), "cancelled");
  EXPECT_THAT(end.text("/reason"), HasSubstr("no more need"));
  EXPECT_TRUE(engine_.wait([](const stub_counts& seen) { return seen.open == 0; }));
  EXPECT_EQ(web().post(path + "/pause").status, 409);
  engine_.set_handler([](const stub_request&) { return stub_answer::say("now", 1); });
  auto again = web().post(path + "/retry");
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(json_document{end_of(web(), job)}.text("/state"), "done");
  EXPECT_EQ(web().post(path + "/cancel", R"({"reason":7})").status, 400);
}

TEST_F(GatewayJobs, FeedbackIsTaken) {
  auto job = submit(web(), R"({"goal":"one","mode":"small"})");
  end_of(web(), job);
  auto taken = web().post("/v1/feedback", R"({"job":")" + job + R"(","score":0.5,"comment":"so"})");
  EXPECT_EQ(taken.status, 200) << taken.body;
  EXPECT_THAT(taken.body, HasSubstr("0.5"));
  for (auto bad : {R"("score":2)", R"("score":"good")", R"("comment":"x")"})
    EXPECT_EQ(web().post("/v1/feedback", R"({"job":")" + job + "\"," + bad + "}").status, 400)
        << bad;
  EXPECT_EQ(web().post("/v1/feedback", R"({"job":"aaaaaaaa-1","score":1})").status, 404);
}

TEST_F(GatewayJobs, AKeyMakesOneJobOfTwoRequests) {
  const std::string body = R"({"goal":"once","mode":"small"})";
  auto first = web().post("/v1/jobs", body, {"Idempotency-Key: k1"});
  EXPECT_EQ(first.status, 201);
  auto again = web().post("/v1/jobs", body, {"Idempotency-Key: k1"});
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(json_document{again.body}.text("/job"), json_document{first.body}.text("/job"));
  EXPECT_EQ(web().post("/v1/jobs", body, {"Idempotency-Key: k2"}).status, 201);
}

TEST_F(GatewayJobs, AClientThatLeavesCancelsItsJobUnlessItIsABackgroundOne) {
  for (bool background : {false, true}) {
    auto tag = background ? "stays" : "leaves";
    auto options = std::string{R"(,"stream":true,"tandem":{"mode":"small","tags":[")"} + tag +
                   R"("],"background":)" + (background ? "true}" : "false}");
    web_stream asked{web(),
                     {.method = "POST",
                      .path = "/v1/chat/completions",
                      .body = chat_body("tandem", "wait", options)}};
    ASSERT_TRUE(engine_.wait([](const stub_counts& seen) { return seen.open == 1; }));
    asked.leave();
    auto list = web().get(std::string{"/v1/jobs?tag="} + tag);
    auto job = json_document{list.body}.text("/data/0/job");
    if (background) {
      // Whatever else the node does meanwhile, it runs.
      EXPECT_EQ(web().post("/v1/chat/completions", chat_body("small", "hello")).status, 200);
      EXPECT_EQ(state_of(web(), job), "running");
      EXPECT_EQ(web().post("/v1/jobs/" + job + "/cancel").status, 200);
    }
    EXPECT_EQ(json_document{end_of(web(), job)}.text("/state"), "cancelled");
    EXPECT_TRUE(engine_.wait([](const stub_counts& seen) { return seen.open == 0; }));
  }
}

TEST_F(GatewayJobs, AJobWithAKeyGoesOnWhenItsClientLeaves) {
  auto ask = [&] {
    return std::make_unique<web_stream>(
        web(), web_request{.method = "POST",
                           .path = "/v1/chat/completions",
                           .body = chat_body("tandem", "wait",
                                             R"(,"stream":true,"tandem":{"mode":"small"})"),
                           .headers = {"Idempotency-Key: once"}});
  };
  auto first = ask();
  ASSERT_TRUE(engine_.wait([](const stub_counts& seen) { return seen.open == 1; }));
  auto second = ask();
  ASSERT_TRUE(second->wait_text("data:"));
  second->leave();
  first->leave();
  EXPECT_EQ(web().post("/v1/chat/completions", chat_body("small", "hello")).status, 200);
  auto list = web().get("/v1/jobs").body;
  ASSERT_EQ(json_document{list}.size("/data"), 1u);
  auto job = json_document{list}.text("/data/0/job");
  EXPECT_EQ(state_of(web(), job), "running");
  EXPECT_EQ(web().post("/v1/jobs/" + job + "/cancel").status, 200);
}

TEST_F(GatewayJobs, AnAcknowledgedJobSurvivesKill9AndItsEventsGoOn) {
  auto made = web().post("/v1/jobs", R"({"goal":"wait","mode":"small"})", {"Idempotency-Key: k"});
  ASSERT_EQ(made.status, 201);
  auto job = json_document{made.body}.text("/job");
  ASSERT_TRUE(engine_.wait([](const stub_counts& seen) { return seen.open == 1; }));
  web_stream before{web(), {.path = "/v1/jobs/" + job + "/events"}};
  ASSERT_TRUE(before.wait_text("\nid: 1\n")) << before.text();
  node_.kill9();
  auto seen = before.wait_end();
  EXPECT_THAT(seen.body, Not(HasSubstr("event: end")));
  auto at = seen.body.rfind("\nid: ");
  auto last = seen.body.substr(at + 5, seen.body.find('\n', at + 5) - at - 5);
  engine_.set_handler([](const stub_request&) { return stub_answer::say("after all", 2); });
  node_.start();
  ASSERT_TRUE(node_.wait_ready()) << node_.log();
  web_stream after{web(),
                   {.path = "/v1/jobs/" + job + "/events", .headers = {"Last-Event-ID: " + last}}};
  ASSERT_TRUE(after.wait_text("event: end")) << after.text();
  EXPECT_THAT(after.text(), Not(HasSubstr("\nid: 1\n")));
  EXPECT_EQ(web().get("/v1/jobs/" + job + "/result").body, "after all");
  auto again = web().post("/v1/jobs", R"({"goal":"wait","mode":"small"})", {"Idempotency-Key: k"});
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(json_document{again.body}.text("/job"), job);
}

}  // namespace
}  // namespace tandem::test
