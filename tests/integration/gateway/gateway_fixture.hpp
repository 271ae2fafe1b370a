#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/cli/cli_fixture.hpp"
#include "tests/support/cluster_process.hpp"
#include "tests/support/node_process.hpp"
#include "tests/support/stub_engine.hpp"
#include "tests/support/web_client.hpp"

namespace tandem::test {

/// Both models are one server that says what a test wants: so a test knows when what runs.
inline std::string gateway_config_text(const stub_engine& engine, const std::string& http = {},
                                       const std::string& more = {}) {
  std::string out =
      "[node]\nlisten = \"127.0.0.1:0\"\n[hedging]\nshare = 0.0\n[routing]\npolicy = "
      "\"cheapest\"\n[http]\nlisten = \"127.0.0.1:0\"\n" +
      http + more;
  for (const std::string model : {"large", "small"}) {
    auto price = model == "large" ? "10.0" : "0.1";
    out += "[[model]]\nname = \"" + model + "-model\"\ntier = \"" + model +
           "\"\ninput_price = " + price + "\noutput_price = " + price +
           "\nplan_system = \"plan\"\nstep_system = \"act\"\n";
    out += "[[engine]]\nname = \"" + model + "-engine\"\nkind = \"http\"\nmodel = \"" + model +
           "-model\"\nconcurrency = 64\n[engine.http]\nurl = \"" + engine.url() +
           "\"\nserver = \"openai\"\nserved_model = \"stub\"\nhealth_interval = \"100ms\"\n";
  }
  return out;
}

/// Plans of two steps and an answer; what holds `wait` is never answered.
inline stub_handler patient_engine() {
  auto plan = layered_plan({2, 1});
  return [plan](const stub_request& request) {
    if (request.system == "plan") return stub_answer::say(plan, 10);
    if (request.user.find("wait") != request.user.npos) return stub_answer::never();
    return stub_answer::say("said " + std::string{request.user}, 4);
  };
}

inline std::string chat_body(const std::string& model, const std::string& text,
                             const std::string& more = {}) {
  return R"({"model":")" + model + R"(","messages":[{"role":"user","content":")" + text + "\"}]" +
         more + "}";
}

/// A node with an open front door for each test.
class GatewayNode : public ::testing::Test {
 protected:
  GatewayNode() { engine_.set_handler(patient_engine()); }

  void start(const std::string& http = {}, const std::string& more = {}) {
    node_.start(gateway_config_text(engine_, http, more));
    ASSERT_TRUE(node_.wait_ready()) << node_.log();
  }
  [[nodiscard]] web_client web(std::string key = {}) const {
    return web_client{node_.http(), std::move(key)};
  }
  /// The text of a new key.
  std::string make_key(std::vector<std::string> more) {
    std::vector<std::string> words{"keys", "create", "--name", "test"};
    words.insert(words.end(), more.begin(), more.end());
    words.insert(words.end(), {"--tls", node_.tls_dir().string(), "--node", node_.address()});
    auto made = tandem(words);
    EXPECT_EQ(made.code, 0) << made.err;
    return without_line_end(made.out);
  }
  /// Of a job that was submitted; its id.
  static std::string submit(const web_client& to, const std::string& body) {
    auto answer = to.post("/v1/jobs", body);
    EXPECT_EQ(answer.status, 201) << answer.body << answer.error;
    return json_document{answer.body}.text("/job");
  }
  /// Waits for the job's end; its summary.
  static std::string end_of(const web_client& at, const std::string& job) {
    web_stream events{at, {.path = "/v1/jobs/" + job + "/events"}};
    EXPECT_TRUE(events.wait_text("event: end")) << events.text();
    auto all = events.wait_end().body;
    return all.substr(all.rfind("data: ") + 6);
  }
  static std::string state_of(const web_client& at, const std::string& job) {
    return json_document{at.get("/v1/jobs/" + job + "?text_bytes=10").body}.text("/state");
  }

  stub_engine engine_;
  node_process node_{TANDEM_BIN_DIR};
};

}  // namespace tandem::test
