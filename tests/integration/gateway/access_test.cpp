// Who may ask what: keys, loopback, TLS.

#include <array>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include "tests/integration/gateway/gateway_fixture.hpp"

namespace tandem::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// An address of this machine that is not loopback; empty: it has none.
std::string outer_address() {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return {};
  std::string found;
  for (auto* each = all; each != nullptr && found.empty(); each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    auto address = reinterpret_cast<sockaddr_in*>(each->ifa_addr)->sin_addr;
    if (ntohl(address.s_addr) >> 24 == 127) continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    found = ::inet_ntop(AF_INET, &address, text.data(), text.size());
  }
  ::freeifaddrs(all);
  return found;
}

using GatewayAccess = GatewayNode;

TEST_F(GatewayAccess, JobsOfAnotherTenantAreNotThere) {
  start();
  auto mine = web(make_key({"--tenant", "mine"}));
  auto other = web(make_key({"--tenant", "other"}));
  auto job = submit(mine, R"({"goal":"one","mode":"small"})");
  EXPECT_EQ(json_document{end_of(mine, job)}.text("/tenant"), "mine");
  for (std::string tail : {"", "/result", "/events"})
    EXPECT_EQ(other.get("/v1/jobs/" + job + tail).status, 404) << tail;
  for (std::string tail : {"/cancel", "/pause", "/resume", "/retry"})
    EXPECT_EQ(other.post("/v1/jobs/" + job + tail).status, 404) << tail;
  EXPECT_EQ(other.post("/v1/feedback", R"({"score":1,"job":")" + job + "\"}").status, 404);
  EXPECT_EQ(json_document{other.get("/v1/jobs").body}.size("/data"), 0u);
  EXPECT_EQ(json_document{other.get("/v1/jobs?tenant=mine").body}.size("/data"), 0u);
  EXPECT_EQ(json_document{mine.get("/v1/jobs").body}.size("/data"), 1u);
  // An idempotency key is its tenant's own.
  auto body = R"({"goal":"two","mode":"small"})";
  auto first = mine.post("/v1/jobs", body, {"Idempotency-Key: k"});
  auto second = other.post("/v1/jobs", body, {"Idempotency-Key: k"});
  EXPECT_EQ(second.status, 201);
  EXPECT_NE(json_document{first.body}.text("/job"), json_document{second.body}.text("/job"));
}

TEST_F(GatewayAccess, AnAdminSeesAllOthersNothingOfTheCluster) {
  start();
  auto some = web(make_key({"--tenant", "some"}));
  auto admin = web(make_key({"--tenant", "ops", "--admin"}));
  auto job = submit(some, R"({"goal":"one","mode":"small"})");
  EXPECT_EQ(admin.get("/v1/jobs/" + job).status, 200);
  EXPECT_EQ(json_document{admin.get("/v1/jobs?tenant=some").body}.size("/data"), 1u);
  for (std::string path :
       {"/v1/admin/topology", "/v1/admin/engines", "/v1/admin/routing", "/v1/admin/cache",
        "/v1/admin/weights", "/v1/admin/alarms", "/v1/admin/history", "/metrics"}) {
    auto refused = some.get(path);
    EXPECT_EQ(refused.status, 403) << path;
    EXPECT_THAT(refused.body, HasSubstr("admin_only"));
    EXPECT_EQ(admin.get(path).status, 200) << path << admin.get(path).body;
  }
}

TEST_F(GatewayAccess, AKeyNamesOnlyItsModels) {
  start();
  auto limited = web(make_key({"--tenant", "t", "--model", "small*"}));
  EXPECT_EQ(limited.post("/v1/chat/completions", chat_body("small", "x")).status, 200);
  for (auto model : {"large", "tandem", "tandem-auto", "nothing"}) {
    auto refused = limited.post("/v1/chat/completions", chat_body(model, "x"));
    EXPECT_EQ(refused.status, 404) << model << refused.body;
    EXPECT_THAT(refused.body, Not(HasSubstr("large-model")));
  }
  EXPECT_EQ(limited.get("/v1/models/large").status, 404);
  EXPECT_THAT(limited.get("/v1/models").body, Not(HasSubstr("large")));
  // A job plans with whatever is there: who may not name `tandem` submits none.
  auto job = limited.post("/v1/jobs", R"({"goal":"one","mode":"large"})");
  EXPECT_EQ(job.status, 403) << job.body;
}

TEST_F(GatewayAccess, RatesAndConcurrencyAreKeptAndSayWhenToComeBack) {
  start();
  auto rare = web(make_key({"--tenant", "t", "--requests-per-min", "1"}));
  EXPECT_EQ(rare.post("/v1/chat/completions", chat_body("small", "x")).status, 200);
  auto refused = rare.post("/v1/chat/completions", chat_body("small", "x"));
  EXPECT_EQ(refused.status, 429) << refused.body;
  EXPECT_GE(std::stoi(refused.headers["retry-after"]), 1);
  EXPECT_EQ(rare.post("/v1/jobs", R"({"goal":"x"})").status, 429);
  auto single = web(make_key({"--tenant", "t", "--concurrency", "1"}));
  web_stream waits{
      single,
      {.method = "POST", .path = "/v1/chat/completions", .body = chat_body("small", "wait")}};
  ASSERT_TRUE(engine_.wait([](const stub_counts& seen) { return seen.open == 1; }));
  EXPECT_EQ(single.post("/v1/chat/completions", chat_body("small", "x")).status, 429);
  waits.leave();
  ASSERT_TRUE(engine_.wait([](const stub_counts& seen) { return seen.open == 0; }));
  EXPECT_TRUE(wait_until(std::chrono::seconds{20}, [&] {
    return single.post("/v1/chat/completions", chat_body("small", "x")).status == 200;
  }));
}

TEST_F(GatewayAccess, WhatJobsCostIsTheirKeysWhetherItsClientStaysOrNot) {
  start();
  auto key = make_key({"--tenant", "t", "--budget-tokens", "100000"});
  auto spent = [&] {
    auto list = tandem(
        {"keys", "list", "--json", "--tls", node_.tls_dir().string(), "--node", node_.address()});
    return json_document{list.out}.number("/keys/0/spent/tokens");
  };
  submit(web(key), R"({"goal":"one","mode":"small"})");
  EXPECT_TRUE(wait_until(std::chrono::seconds{20}, [&] { return spent() > 0; }));
  auto before = spent();
  engine_.set_handler([](const stub_request& request) {
    return request.system == "plan" ? stub_answer::say(layered_plan({2, 1}), 10)
                                    : stub_answer::never();
  });
  web_stream leaves{web(key),
                    {.method = "POST",
                     .path = "/v1/chat/completions",
                     .body = chat_body("tandem", "x", R"(,"stream":true)")}};
  // The plan has been paid for when its steps wait.
  ASSERT_TRUE(engine_.wait([](const stub_counts& seen) { return seen.open == 2; }));
  leaves.leave();
  EXPECT_TRUE(wait_until(std::chrono::seconds{20}, [&] { return spent() > before; }));
}

TEST_F(GatewayAccess, WhoLeavesAStreamPaysForWhatWasWritten) {
  start();
  auto key = make_key({"--tenant", "t", "--budget-tokens", "100000"});
  auto long_answer = stub_answer::say("one two three four", 4);
  long_answer.after_tokens = 3;
  long_answer.end = stub_end::stall;
  engine_.set_handler([long_answer](const stub_request&) { return long_answer; });
  web_stream leaves{web(key),
                    {.method = "POST",
                     .path = "/v1/chat/completions",
                     .body = chat_body("small", "x", R"(,"stream":true)")}};
  ASSERT_TRUE(leaves.wait_text("hree"));
  leaves.leave();
  EXPECT_TRUE(wait_until(std::chrono::seconds{20}, [&] {
    auto list = tandem(
        {"keys", "list", "--json", "--tls", node_.tls_dir().string(), "--node", node_.address()});
    return json_document{list.out}.number("/keys/0/spent/tokens") > 3;
  }));
}

TEST_F(GatewayAccess, WhoAsksForAJobOfAnotherRequestPaysNothing) {
  start();
  auto key = make_key({"--tenant", "t", "--budget-tokens", "100000"});
  auto wait_spent = [&](std::int64_t least) {
    std::int64_t spent = 0;
    EXPECT_TRUE(wait_until(std::chrono::seconds{20}, [&] {
      auto list = tandem(
          {"keys", "list", "--json", "--tls", node_.tls_dir().string(), "--node", node_.address()});
      spent = json_document{list.out}.number("/keys/0/spent/tokens");
      return spent >= least;
    }));
    return spent;
  };
  auto ask = [&](const std::string& model, const std::string& options) {
    auto body = chat_body(model, "x", R"(,"tandem":{"cache":"off")" + options + "}");
    auto answer = web(key).post("/v1/chat/completions", body);
    EXPECT_EQ(answer.status, 200) << answer.body;
  };
  ask("small", "");
  auto one = wait_spent(1);
  const std::string keyed = R"(,"mode":"small","client_key":"once")";
  ask("tandem", keyed);
  auto before = wait_spent(one + 1);
  ask("tandem", keyed);
  // When this one has been settled, that one has too.
  ask("small", "");
  // The body that an engine counts has an id of the call in it: some tokens more or fewer.
  constexpr auto some = 4;
  EXPECT_LT(wait_spent(before + one - some), before + one + some);
}

TEST_F(GatewayAccess, WhatLetsAJobSpendAgainIsARequestOfItsKey) {
  start();
  auto key = web(make_key({"--tenant", "t", "--requests-per-min", "1"}));
  auto job = submit(key, R"({"goal":"wait","mode":"small"})");
  EXPECT_EQ(key.post("/v1/jobs/" + job + "/cancel").status, 200);
  for (auto action : {"/retry", "/resume"}) {
    auto refused = key.post("/v1/jobs/" + job + action);
    EXPECT_EQ(refused.status, 429) << action << refused.body;
  }
  auto narrow = web(make_key({"--tenant", "t", "--model", "small*"}));
  EXPECT_EQ(narrow.post("/v1/jobs/" + job + "/retry").status, 403);
}

TEST_F(GatewayAccess, RequestsOfEveryRouteAreCounted) {
  start();
  static_cast<void>(web().get("/v1/models/small"));
  static_cast<void>(web().get("/v1/jobs/aaaaaaaa-1"));
  static_cast<void>(web().get("/no/where"));
  web_stream waits{
      web(),
      {.method = "POST",
       .path = "/v1/chat/completions",
       .body = chat_body("tandem", "wait", R"(,"stream":true,"tandem":{"mode":"small"})")}};
  ASSERT_TRUE(waits.wait_text("data:"));
  auto page = web().get("/metrics").body;
  EXPECT_THAT(page, HasSubstr(R"(route="/v1/models/{id...}",status="200"} 1)"));
  EXPECT_THAT(page, HasSubstr(R"(route="/v1/jobs/{id}",status="404"} 1)"));
  EXPECT_THAT(page, HasSubstr(R"(route="other",status="404"} 1)"));
  EXPECT_THAT(page, HasSubstr("tandem_gateway_streams_open 1"));
  waits.leave();
  EXPECT_TRUE(wait_until(std::chrono::seconds{20}, [&] {
    auto now = web().get("/metrics").body;
    return now.find("tandem_gateway_streams_open 0") != now.npos &&
           now.find(R"(route="/v1/chat/completions",status="499"} 1)") != now.npos;
  }));
}

TEST_F(GatewayAccess, PagesOfAllowedOriginsMayAskWhatTheyAskFor) {
  start("origins = [\"https://chat.example\"]\n");
  const std::string origin = "Origin: https://chat.example";
  auto preflight = [&](const std::string& headers) {
    return web().send({.method = "OPTIONS",
                       .path = "/v1/chat/completions",
                       .headers = {origin, "Access-Control-Request-Method: POST", headers}});
  };
  auto asked = preflight("Access-Control-Request-Headers: x-stainless-os, x-api-key");
  EXPECT_EQ(asked.status, 204);
  EXPECT_EQ(asked.headers["access-control-allow-headers"], "x-stainless-os, x-api-key");
  auto odd = preflight("Access-Control-Request-Headers: a(b)");
  EXPECT_THAT(odd.headers["access-control-allow-headers"], HasSubstr("openai-organization"));
  auto refused = web().get("/v1/nowhere", {origin});
  EXPECT_EQ(refused.status, 404);
  EXPECT_EQ(refused.headers["access-control-allow-origin"], "https://chat.example");
  auto other = web().get("/v1/models", {"Origin: https://evil.example"});
  EXPECT_EQ(other.status, 403);
  EXPECT_EQ(other.headers.count("access-control-allow-origin"), 0u);
}

TEST_F(GatewayAccess, AWrongKeyIsRefusedAndWithRequireKeyNoneIsToo) {
  start("require_key = true\n");
  auto good = make_key({"--tenant", "t"});
  EXPECT_EQ(web(good).get("/v1/models").status, 200);
  auto wrong = good;
  wrong.back() = wrong.back() == 'A' ? 'B' : 'A';
  for (auto key : {wrong, std::string{}, std::string{"sk-other"}, std::string(5000, 'k')}) {
    auto refused = web(key).get("/v1/models");
    EXPECT_EQ(refused.status, 401) << key;
    EXPECT_EQ(refused.headers["www-authenticate"], "Bearer");
    EXPECT_THAT(refused.body, Not(HasSubstr(key.substr(0, 20) + "x")));
  }
  EXPECT_EQ(web().get("/healthz").status, 200);
  EXPECT_EQ(web().get("/v1/models", {"x-api-key: " + good}).status, 200);
}

TEST_F(GatewayAccess, WithoutAKeyOnlyLocalhostAndItsOwnPagesMayAsk) {
  start();
  EXPECT_EQ(web().get("/v1/models").status, 200);
  EXPECT_EQ(web().get("/v1/models", {"Host: localhost"}).status, 200);
  EXPECT_EQ(web().get("/v1/models", {"Host: evil.example"}).status, 403);
  EXPECT_EQ(web().get("/v1/models", {"Host: 127.0.0.1.evil.example"}).status, 403);
  EXPECT_EQ(web().get("/v1/models", {"Origin: https://evil.example"}).status, 403);
  EXPECT_EQ(web().get("/v1/models", {"Origin: null"}).status, 403);
  EXPECT_EQ(web().get("/v1/models", {"Origin: " + node_.http()}).status, 200);
  // A key of another kind changes nothing of that.
  EXPECT_EQ(web("sk-any").get("/v1/models", {"Host: evil.example"}).status, 403);
  EXPECT_EQ(web("sk-any").get("/v1/models").status, 200);
  // Who comes through a proxy is not from here.
  for (auto header : {"X-Forwarded-For: 192.0.2.1", "Via: 1.1 proxy", "X-Forwarded-Host: a.example",
                      "X-Forwarded-Proto: https"})
    EXPECT_EQ(web().get("/v1/models", {header}).status, 401) << header;
}

TEST_F(GatewayAccess, BeyondLoopbackThereIsTlsAndAKey) {
  auto outer = outer_address();
  if (outer.empty()) GTEST_SKIP() << "this machine has no address but loopback";
  auto cert = node_.folder() / "web.pem";
  auto key = node_.folder() / "web.key";
  auto made = run({.program = "/usr/bin/openssl",
                   .arguments = {"req", "-x509", "-newkey", "ec", "-pkeyopt",
                                 "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                                 "/CN=tandem", "-addext", "subjectAltName=IP:" + outer, "-keyout",
                                 key.string(), "-out", cert.string()}});
  ASSERT_EQ(made.code, 0) << made.err;
  // Not without a certificate.
  node_.start(gateway_config_text(engine_, "") + "\n", {"--set", "http.listen=" + outer + ":0"});
  EXPECT_FALSE(node_.wait_ready());
  EXPECT_THAT(node_.log(), HasSubstr("http.cert_file"));
  node_.start(gateway_config_text(engine_, "cert_file = \"" + cert.string() + "\"\nkey_file = \"" +
                                               key.string() + "\"\n"),
              {"--set", "http.listen=" + outer + ":0"});
  ASSERT_TRUE(node_.wait_ready()) << node_.log();
  ASSERT_THAT(node_.http(), ::testing::StartsWith("https://" + outer));
  web_client open{node_.http(), {}, cert};
  EXPECT_EQ(open.get("/v1/models").status, 401) << open.get("/v1/models").error;
  EXPECT_EQ(open.get("/metrics").status, 401);
  EXPECT_EQ(open.get("/healthz").status, 200);
  auto with_key = open.with_key(make_key({"--tenant", "t"}));
  EXPECT_EQ(with_key.get("/v1/models").status, 200);
  EXPECT_EQ(with_key.post("/v1/chat/completions", chat_body("small", "x")).status, 200);
  web_stream streamed{with_key,
                      {.method = "POST",
                       .path = "/v1/chat/completions",
                       .body = chat_body("small", "x", R"(,"stream":true)")}};
  EXPECT_TRUE(streamed.wait_text("[DONE]"));
  // Nothing is said in the clear.
  auto plain = web_client{"http" + node_.http().substr(5)}.get("/healthz");
  EXPECT_NE(plain.status, 200);
  EXPECT_THAT(plain.body, Not(HasSubstr("ok")));
}

}  // namespace
}  // namespace tandem::test
