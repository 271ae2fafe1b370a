// Every exchange recorded with a real llama-server, served to the real client byte for byte, with
// the outcome that an operator would want (recorded_outcomes.jsonl); and each behaviour that the
// recording showed.

#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "tests/integration/engines/backend_client.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::filesystem::path folder{TANDEM_SOURCE_DIR "/tests/data/llama-server"};

std::string response_of(const std::string& name) {
  return read_text(folder / (name + ".response.http"));
}

/// Messages and limit of the recorded request, where it was a chat; else a question.
generation_request request_of(const std::string& name) {
  auto request = question();
  auto recorded = read_text(folder / (name + ".request.http"));
  auto start = recorded.find("\r\n\r\n");
  simdjson::dom::parser parser;
  simdjson::dom::element body;
  simdjson::dom::array messages;
  if (start == recorded.npos || parser.parse(recorded.substr(start + 4)).get(body) ||
      body["messages"].get(messages))
    return request;
  request.messages.clear();
  for (auto message : messages) {
    std::string_view role;
    std::string_view content;
    if (message["role"].get(role) || message["content"].get(content)) continue;
    request.messages.push_back(
        {role == "system" ? schema::Role::SYSTEM : schema::Role::USER, std::string{content}});
  }
  std::int64_t most = 0;
  request.max_tokens =
      !body["max_tokens"].get(most) ? static_cast<std::uint32_t>(most) : std::uint32_t{0};
  return request;
}

struct outcome {
  std::string code;
  std::string says;
  std::string text;
  std::string finish;
  bool has_usage = false;
  std::uint64_t prompt = 0;
  std::uint64_t cached = 0;
  std::uint64_t completion = 0;
};

std::map<std::string, outcome> read_outcomes() {
  std::map<std::string, outcome> all;
  std::ifstream file{TANDEM_SOURCE_DIR "/tests/integration/engines/recorded_outcomes.jsonl"};
  simdjson::dom::parser parser;
  for (std::string line; std::getline(file, line);) {
    simdjson::dom::element json = parser.parse(line);
    auto text = [&](const char* key) {
      std::string_view value;
      return json[key].get(value) ? std::string{} : std::string{value};
    };
    outcome row{text("code"), text("says"), text("text"), text("finish")};
    row.has_usage = json["prompt"].error() == simdjson::SUCCESS;
    if (row.has_usage) {
      row.prompt = json["prompt"].get_uint64();
      row.cached = json["cached"].get_uint64();
      row.completion = json["completion"].get_uint64();
    }
    all[text("name")] = row;
  }
  return all;
}

std::vector<std::string> recordings() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator{folder}) {
    auto name = file.path().filename().string();
    auto end = name.find(".response.http");
    if (end != name.npos) names.push_back(name.substr(0, end));
  }
  std::sort(names.begin(), names.end());
  return names;
}

const char* word(schema::Finish finish) {
  switch (finish) {
    case schema::Finish::STOP:
      return "stop";
    case schema::Finish::LENGTH:
      return "length";
    default:
      return "error";
  }
}

class RecordedChat : public ::testing::TestWithParam<std::string> {};

TEST_P(RecordedChat, EndsAsAnOperatorWouldWant) {
  static const auto outcomes = read_outcomes();
  ASSERT_TRUE(outcomes.contains(GetParam())) << "a recording without an outcome";
  const auto& want = outcomes.at(GetParam());
  stub_engine stub{{.kind = stub_kind::llama_cpp}};
  backend_client at{engine_at(stub)};
  at.wait_status([](const auto& s) { return s.health == schema::Health::HEALTHY; });
  stub.push(stub_answer::bytes(response_of(GetParam())));
  auto id = at.start(request_of(GetParam()));
  auto got = at.wait(id);
  EXPECT_EQ(got.code == errc::unknown ? "ok" : to_string(got.code), want.code) << got.error;
  EXPECT_THAT(got.error, HasSubstr(want.says));
  EXPECT_EQ(stub.counts().requests, 1) << "asked again";
  if (want.code != "ok") {
    EXPECT_THAT(got.error, StartsWith("engine 'e': "));
    return;
  }
  EXPECT_EQ(got.text, want.text);
  EXPECT_EQ(at.told(id), want.text);
  EXPECT_STREQ(word(got.finish), want.finish.c_str());
  EXPECT_THAT(got.error, AnyOf(std::string{}, HasSubstr("estimated")));
  EXPECT_EQ(got.error.empty(), want.has_usage) << got.error;
  if (!want.has_usage) return;
  EXPECT_EQ(got.prompt_tokens, want.prompt);
  EXPECT_EQ(got.cached_prompt_tokens, want.cached);
  EXPECT_EQ(got.completion_tokens, want.completion);
}

INSTANTIATE_TEST_SUITE_P(All, RecordedChat, ::testing::ValuesIn(recordings()),
                         [](const auto& info) { return info.param; });

TEST(RecordedOutcomes, NameNoRecordingThatIsNotThere) {
  auto names = recordings();
  EXPECT_EQ(names.size(), 84);
  for (const auto& [name, row] : read_outcomes())
    EXPECT_TRUE(std::find(names.begin(), names.end(), name) != names.end()) << name;
}

struct probed {
  const char* name;
  const char* path;
  schema::Health health;
  const char* reason;
  bool (*holds)(const backend_status&);
};

bool anything(const backend_status&) {
  return true;
}

const probed probes[] = {
    {"health", "/health", schema::Health::HEALTHY, "", anything},
    // Requests beyond its slots queue: it says that it is well.
    {"health_busy", "/health", schema::Health::HEALTHY, "", anything},
    {"health_without_key", "/health", schema::Health::HEALTHY, "", anything},
    {"err_503_loading_health", "/health", schema::Health::STARTING, "loading its model", anything},
    {"err_503_loading_props", "/props", schema::Health::STARTING, "loading its model", anything},
    {"err_503_loading_models", "/v1/models", schema::Health::STARTING, "loading its model",
     anything},
    {"models_without_key", "/v1/models", schema::Health::UNHEALTHY, "API key", anything},
    {"err_404", "/health", schema::Health::HEALTHY, "", anything},
    {"props", "/props", schema::Health::HEALTHY, "",
     [](const backend_status& s) {
       return s.server == "llama.cpp b11669-Debian" && s.context_tokens == 4096 &&
              s.weight_version == "rand1m.gguf";
     }},
    {"router_props", "/props", schema::Health::HEALTHY, "",
     [](const backend_status& s) { return s.server == "llama.cpp b11669-Debian"; }},
    {"v1_models", "/v1/models", schema::Health::HEALTHY, "",
     [](const backend_status& s) { return s.context_tokens == 4096; }},
    {"router_models", "/v1/models", schema::Health::HEALTHY, "", anything},
    {"router_v1_models", "/v1/models", schema::Health::HEALTHY, "", anything},
    {"router_models_loaded", "/v1/models", schema::Health::HEALTHY, "", anything},
    {"metrics", "/metrics", schema::Health::HEALTHY, "",
     [](const backend_status& s) {
       return s.load_at_ms > 0 && s.server_running == 0 && s.server_waiting == 0;
     }},
    {"slots_without_key", "/metrics", schema::Health::HEALTHY, "",
     [](const backend_status& s) { return s.load_at_ms == 0; }},
};

class RecordedProbe : public ::testing::TestWithParam<probed> {};

TEST_P(RecordedProbe, IsReadForHealthAndFigures) {
  const auto& want = GetParam();
  stub_engine stub{{.kind = stub_kind::llama_cpp}};
  stub.set_path(want.path, stub_answer::bytes(response_of(want.name)));
  backend_client at{engine_at(stub)};
  auto seen = at.wait_status([&](const backend_status& s) {
    return s.health == want.health && s.reason != "not asked yet" && want.holds(s);
  });
  EXPECT_THAT(seen.reason, HasSubstr(want.reason));
  EXPECT_EQ(seen.url, stub.url());
}

INSTANTIATE_TEST_SUITE_P(All, RecordedProbe, ::testing::ValuesIn(probes), [](const auto& info) {
  return std::string{info.param.name} + '_' + std::to_string(info.index);
});

// What the recording's README lists, beyond the answers above.

TEST(LlamaServer, StartsWhileItLoadsAndIsHealthyAfterIt) {
  stub_engine stub{{.kind = stub_kind::llama_cpp}};
  stub.set_loading(true);
  backend_client at{engine_at(stub)};
  auto loading = [](const backend_status& s) {
    return s.health == schema::Health::STARTING && s.reason.find("loading") != s.reason.npos;
  };
  at.wait_status(loading);
  EXPECT_EQ(at.ask(question()).code, errc::overloaded);
  stub.set_loading(false);
  at.wait_status([](const auto& s) { return s.health == schema::Health::HEALTHY; });
  EXPECT_EQ(at.ask(question()).text, "add 12 7");
}

TEST(LlamaServer, QueuesSilentlyAndSaysSoInItsMetrics) {
  stub_engine stub{{.kind = stub_kind::llama_cpp, .slots = 2}};
  stub.set_handler([](const stub_request&) { return stub_answer::never(); });
  backend_client at{engine_at(stub)};
  for (int i = 0; i < 5; ++i) at.start(question());
  auto seen = at.wait_status([](const auto& s) { return s.server_waiting == 3; });
  EXPECT_EQ(seen.server_running, 2);
  EXPECT_EQ(seen.health, schema::Health::HEALTHY);
}

TEST(LlamaServer, IsAlwaysAskedToStreamAndNoticesThatItsClientLeft) {
  stub_engine stub{{.kind = stub_kind::llama_cpp}};
  bool streamed = false;
  stub.set_handler([&](const stub_request& request) {
    streamed = request.stream && request.include_usage;
    auto answer = stub_answer::say("abcd", 4);
    answer.end = stub_end::stall;
    answer.after_tokens = 2;
    return answer;
  });
  backend_client at{engine_at(stub)};
  auto id = at.start(question());
  ASSERT_TRUE(stub.wait([](const stub_counts& c) { return c.open == 1; }));
  static_cast<void>(at.object().cancel(id));
  EXPECT_EQ(at.wait(id).code, errc::cancelled);
  EXPECT_TRUE(stub.wait([](const stub_counts& c) { return c.open == 0 && c.cancelled == 1; }));
  EXPECT_TRUE(streamed);
}

TEST(LlamaServer, ClosesIdleConnectionsAndIsAskedOnceMore) {
  stub_engine stub{{.kind = stub_kind::llama_cpp, .answers_per_connection = 1}};
  backend_client at{engine_at(stub)};
  for (int i = 0; i < 20; ++i) {
    auto got = at.ask(question());
    ASSERT_EQ(got.code, errc::unknown) << got.error;
  }
  EXPECT_EQ(stub.counts().requests, 20);
}

TEST(LlamaServer, KilledInAPlainAnswerSendsNothingAndIsAFailure) {
  stub_engine stub{{.kind = stub_kind::llama_cpp}};
  stub.set_handler([](const stub_request&) { return stub_answer::hang_up(); });
  backend_client at{engine_at(stub)};
  auto got = at.ask(question());
  EXPECT_EQ(got.code, errc::engine_failed);
  // One retry at most, on a new connection.
  EXPECT_LE(stub.counts().requests, 2);
}

TEST(LlamaServer, ThatCannotTakeASchemaIsAskedWithoutOne) {
  stub_engine stub{{.kind = stub_kind::llama_cpp}};
  std::vector<bool> schemas;
  stub.set_handler([&](const stub_request& request) {
    schemas.push_back(request.has_schema);
    return request.has_schema ? stub_answer::bytes(response_of("err_bad_response_format"))
                              : stub_answer::say("42");
  });
  backend_client at{engine_at(stub)};
  auto request = question();
  request.response_schema = R"({"type":"object"})";
  EXPECT_EQ(at.ask(std::move(request)).text, "42");
  EXPECT_EQ(schemas, (std::vector<bool>{true, false}));
}

TEST(LlamaServer, ThatIsGoneIsUnhealthyAndIsSeenToReturnAsAnotherModel) {
  stub_engine stub{{.kind = stub_kind::llama_cpp}};
  backend_client at{engine_at(stub)};
  at.wait_status([](const auto& s) { return s.health == schema::Health::HEALTHY; });
  stub.stop();
  EXPECT_EQ(at.ask(question()).code, errc::engine_failed);
  at.wait_status([](const auto& s) { return s.health == schema::Health::UNHEALTHY; });
  stub.start();
  stub.set_model("other", "2");
  auto seen = at.wait_status([](const auto& s) { return s.health == schema::Health::HEALTHY; });
  EXPECT_EQ(seen.weight_version, "other.gguf");
}

}  // namespace
}  // namespace tandem::test
