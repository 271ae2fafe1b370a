#include "actors/engine/http/http_backend.hpp"

#include <atomic>
#include <condition_variable>
#include <future>
#include <latch>
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/engine/make_backend.hpp"
#include "tests/unit/engine/http/stub_server.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using namespace tandem::testing;
using ::testing::HasSubstr;
using ::testing::Not;

generation_request hello(std::uint64_t id) {
  generation_request request;
  request.id = id;
  request.messages = {{schema::Role::USER, "hello"}};
  request.max_tokens = 100;
  return request;
}

/// A backend and all that it has reported.
class far_engine {
 public:
  explicit far_engine(const engine_config& config) {
    auto opened = make_backend(config, {.http = loop_},
                               {.on_text =
                                    [this](std::uint64_t id, const std::string& text) {
                                      std::lock_guard lock{mutex_};
                                      EXPECT_EQ(ended_.count(id), 0u) << "text after the end";
                                      texts_[id] += text;
                                      changed_.notify_all();
                                    },
                                .on_done =
                                    [this](std::uint64_t id, generation result) {
                                      std::lock_guard lock{mutex_};
                                      EXPECT_TRUE(ended_.emplace(id, std::move(result)).second)
                                          << "two ends";
                                      changed_.notify_all();
                                    }});
    EXPECT_TRUE(opened) << message_of(opened.error());
    if (opened) backend_ = std::move(*opened);
  }

  generation ask(generation_request request) {
    auto id = request.id;
    auto now = backend_->start(std::move(request));
    if (auto* result = std::get_if<generation>(&now)) return *result;
    return wait(id);
  }
  generation wait(std::uint64_t id) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return ended_.count(id) != 0; });
    return ended_[id];
  }
  void wait_for_text(std::uint64_t id) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return !texts_[id].empty(); });
  }
  std::string text(std::uint64_t id) {
    std::lock_guard lock{mutex_};
    return texts_[id];
  }
  std::size_t ended() {
    std::lock_guard lock{mutex_};
    return ended_.size();
  }
  backend& server() { return *backend_; }
  void destroy() { backend_.reset(); }
  http_loop& loop() { return *loop_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, std::string> texts_;
  std::map<std::uint64_t, generation> ended_;
  std::shared_ptr<http_loop> loop_ = std::make_shared<http_loop>();
  std::unique_ptr<backend> backend_;
};

/// The end of one request to a server that answers chats so.
generation outcome(const stub_server::chat& answer,
                   const std::function<void(engine_config&)>& change = {}) {
  stub_server server{answer};
  auto config = engine_at(server.url());
  if (change) change(config);
  far_engine engine{config};
  return engine.ask(hello(1));
}

stub_server::chat sends(std::string bytes) {
  return [bytes = std::move(bytes)](scripted_connection& connection, const std::string&) {
    connection.send(bytes);
  };
}

/// Sends the bytes and closes the connection.
stub_server::chat sends_and_closes(std::string bytes) {
  return [bytes = std::move(bytes)](scripted_connection& connection, const std::string&) {
    connection.send(bytes);
    connection.hang_up();
  };
}

stub_server::chat answers(int status, std::string body, std::string headers = "",
                          std::string type = "application/json") {
  return [=](scripted_connection& connection, const std::string&) {
    connection.answer(body, type, status, headers);
  };
}

std::string whole_stream() {
  return stream_head + chunked(delta_event("he") + delta_event("llo")) + chunked(stop_event) +
         chunked(done_event) + "0\r\n\r\n";
}

TEST(HttpBackend, StreamsAnAnswer) {
  std::string got;
  stub_server server{[&](scripted_connection& connection, const std::string& request) {
    got = request;
    connection.send(whole_stream());
  }};
  far_engine engine{engine_at(server.url() + "/v1")};
  auto result = engine.ask(hello(1));
  EXPECT_EQ(result.code, errc::unknown) << result.error;
  EXPECT_EQ(result.text, "hello");
  EXPECT_EQ(engine.text(1), "hello");
  EXPECT_EQ(result.finish, schema::Finish::STOP);
  EXPECT_EQ(result.prompt_tokens, 7u);
  EXPECT_EQ(result.completion_tokens, 2u);
  EXPECT_THAT(got, ::testing::StartsWith("POST /v1/chat/completions HTTP/1.1\r\n"));
  EXPECT_THAT(got, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(got, HasSubstr(R"({"model":"m","stream":true)"));
}

TEST(HttpBackend, TellsNoTextThatNobodyReadsAlongButWhenItBegan) {
  stub_server server{sends(whole_stream())};
  far_engine engine{engine_at(server.url())};
  auto request = hello(1);
  request.stream = false;
  auto before = std::chrono::steady_clock::now();
  auto result = engine.ask(std::move(request));
  EXPECT_EQ(result.text, "hello");
  EXPECT_EQ(engine.text(1), "");
  EXPECT_GE(result.first_text, before);
  EXPECT_LE(result.first_text, std::chrono::steady_clock::now());
}

TEST(HttpBackend, TakesTheAnswerByteByByteAsWell) {
  auto result = outcome([](scripted_connection& connection, const std::string&) {
    connection.send(stream_head);
    for (char c : delta_event("hello") + stop_event + done_event) connection.send(chunked({&c, 1}));
    connection.send("0\r\n\r\n");
  });
  EXPECT_EQ(result.code, errc::unknown) << result.error;
  EXPECT_EQ(result.text, "hello");
}

TEST(HttpBackend, EndsAtDoneAndDoesNotWaitForTheConnection) {
  auto result = outcome([](scripted_connection& connection, const std::string&) {
    connection.send(stream_head + chunked(delta_event("x") + stop_event + done_event));
    connection.wait_for_close();
  });
  EXPECT_EQ(result.code, errc::unknown) << result.error;
}

TEST(HttpBackend, TakesTheAnswerOfAServerThatDoesNotStream) {
  auto result = outcome(answers(
      200, R"({"choices":[{"index":0,"finish_reason":"length","message":{"content":"hi"}}],)"
           R"("usage":{"prompt_tokens":5,"completion_tokens":1}})"));
  EXPECT_EQ(result.code, errc::unknown) << result.error;
  EXPECT_EQ(result.text, "hi");
  EXPECT_EQ(result.finish, schema::Finish::LENGTH);
}

TEST(HttpBackend, KeepsOneConnectionForRequestsInARow) {
  std::atomic<int> last{-1};
  std::atomic<int> highest{0};
  stub_server server{[&](scripted_connection& connection, const std::string&) {
    last = connection.number();
    highest = std::max(highest.load(), connection.number());
    connection.send(whole_stream());
  }};
  auto config = engine_at(server.url());
  config.http.health_interval = 1h;
  far_engine engine{config};
  for (std::uint64_t id = 1; id <= 50; ++id) EXPECT_EQ(engine.ask(hello(id)).code, errc::unknown);
  // One for requests, one for probes, and one more where a request met the end of the last.
  EXPECT_LE(highest, 3);
}

TEST(HttpBackend, CancelsUpstreamAndSaysWhatItHadCost) {
  std::latch closed{1};
  stub_server server{[&](scripted_connection& connection, const std::string&) {
    connection.send(stream_head + chunked(delta_event("one two three")));
    connection.wait_for_close();
    closed.count_down();
  }};
  far_engine engine{engine_at(server.url())};
  static_cast<void>(engine.server().start(hello(1)));
  engine.wait_for_text(1);
  engine.server().cancel(1);
  auto result = engine.wait(1);
  EXPECT_EQ(result.code, errc::cancelled);
  EXPECT_EQ(result.finish, schema::Finish::CANCELLED);
  EXPECT_EQ(result.text, "one two three");
  EXPECT_GT(result.completion_tokens, 0u);
  EXPECT_GT(result.prompt_tokens, 0u);
  closed.wait();
  engine.server().cancel(1);
  engine.server().cancel(77);
}

TEST(HttpBackend, ClosesWhatIsUnderWayWhenItIsDestroyedAndReportsNothing) {
  std::latch closed{20};
  stub_server server{[&](scripted_connection& connection, const std::string&) {
    connection.send(stream_head + chunked(delta_event("x")));
    connection.wait_for_close();
    closed.count_down();
  }};
  far_engine engine{engine_at(server.url())};
  for (std::uint64_t id = 1; id <= 20; ++id) static_cast<void>(engine.server().start(hello(id)));
  for (std::uint64_t id = 1; id <= 20; ++id) engine.wait_for_text(id);
  engine.destroy();
  closed.wait();
  EXPECT_EQ(engine.ended(), 0u);
}

TEST(HttpBackend, MayBeDestroyedWithinItsOwnReport) {
  stub_server server{sends(whole_stream())};
  auto loop = std::make_shared<http_loop>();
  std::unique_ptr<backend> owned;
  std::promise<void> gone;
  auto opened = make_backend(engine_at(server.url()), {.http = loop},
                             {.on_done = [&](std::uint64_t, const generation&) {
                               owned.reset();
                               gone.set_value();
                             }});
  ASSERT_TRUE(opened);
  owned = std::move(*opened);
  // On the loop's thread: start() has returned when the report comes.
  loop->call_after(0ms, [&] { static_cast<void>(owned->start(hello(1))); });
  gone.get_future().wait();
}

TEST(HttpBackend, BlamesTheCallerForRefusals) {
  auto result = outcome(answers(400, R"({"error":{"code":400,"message":"no messages"}})"));
  EXPECT_EQ(result.code, errc::invalid_argument);
  EXPECT_THAT(result.error, HasSubstr("engine 'far': "));
  EXPECT_THAT(result.error, HasSubstr("no messages"));
  EXPECT_EQ(result.finish, schema::Finish::ERROR);
  EXPECT_EQ(result.prompt_tokens, 0u);
  EXPECT_EQ(outcome(answers(404, "")).code, errc::invalid_argument);
  EXPECT_EQ(outcome(answers(401, "")).code, errc::invalid_argument);
}

TEST(HttpBackend, TellsHowLongABusyServerAsksToWait) {
  auto result = outcome(answers(429, R"({"error":"slow down"})", "Retry-After: 7\r\n"));
  EXPECT_EQ(result.code, errc::overloaded);
  EXPECT_EQ(result.retry_after, 7s);
  EXPECT_THAT(result.error, HasSubstr("slow down"));
  EXPECT_EQ(outcome(answers(503, "")).code, errc::overloaded);
  EXPECT_EQ(outcome(answers(408, "")).code, errc::overloaded);
}

TEST(HttpBackend, CountsFailuresAgainstTheEngine) {
  auto fails = [](const stub_server::chat& answer, std::string_view words) {
    auto result = outcome(answer);
    EXPECT_EQ(result.code, errc::engine_failed) << words;
    EXPECT_THAT(result.error, HasSubstr(std::string{words}));
  };
  fails(answers(500, R"({"error":{"message":"broken"}})"), "broken");
  fails(answers(200, "<html>hi</html>", "", "text/html"), "HTML");
  fails(answers(200, "  <html>hi</html>", "", "text/plain"), "HTML");
  fails(answers(200, ""), "empty");
  fails(answers(200, "", "", "text/event-stream"), "empty");
  fails(answers(200, "{", ""), "broken JSON");
  fails(answers(200, "data: {\n\n", "", "text/event-stream"), "broken JSON");
  fails(answers(200, done_event, "", "text/event-stream"), "empty");
  fails(answers(307, "", "Location: https://elsewhere.invalid/v1\r\n"), "elsewhere.invalid");
  fails(sends_and_closes("garbage"), "broke");
  fails(sends_and_closes(""), "broke");
  fails(answers(200, delta_event("x"), "", "text/event-stream"), "[DONE]");
  fails(answers(200, delta_event("x") + stop_event, "", "text/event-stream"), "[DONE]");
  fails(sends_and_closes(stream_head + chunked(delta_event("x"))), "cut");
  fails(sends_and_closes(stream_head + chunked(delta_event("x") + "data: {\"cho")), "cut");
}

TEST(HttpBackend, FailsWhereNobodyListens) {
  std::string url;
  { url = stub_server{{}}.url(); }
  far_engine engine{engine_at(url)};
  auto result = engine.ask(hello(1));
  EXPECT_EQ(result.code, errc::engine_failed);
  EXPECT_THAT(result.error, HasSubstr("refused"));
}

TEST(HttpBackend, CountsWhatACutStreamHadCost) {
  auto result = outcome(sends_and_closes(stream_head + chunked(delta_event("one two three"))));
  EXPECT_EQ(result.code, errc::engine_failed);
  EXPECT_EQ(result.text, "one two three");
  EXPECT_GT(result.completion_tokens, 0u);
}

TEST(HttpBackend, EndsAFlood) {
  auto flood = [](std::string piece) {
    return [piece = std::move(piece)](scripted_connection& connection, const std::string&) {
      connection.send(stream_head);
      while (connection.send(chunked(piece))) {
      }
    };
  };
  auto small = [](engine_config& config) { config.http.response_bytes_max = 300'000; };
  for (std::string piece : {std::string(1000, 'x'), ": " + std::string(1000, 'x') + "\n",
                            "data: " + std::string(1000, '[') + "\n", delta_event("more")}) {
    auto result = outcome(flood(piece), small);
    EXPECT_EQ(result.code, errc::engine_failed) << piece.substr(0, 20);
    EXPECT_THAT(result.error, ::testing::AnyOf(HasSubstr("floods"), HasSubstr("larger than")));
  }
}

TEST(HttpBackend, SaysWhichTimeoutEndedIt) {
  auto brief = [](engine_config& config) {
    config.http.first_token_timeout = 60ms;
    config.http.stall_timeout = 30ms;
  };
  auto silent = outcome(
      [](scripted_connection& connection, const std::string&) { connection.wait_for_close(); },
      brief);
  EXPECT_EQ(silent.code, errc::engine_failed);
  EXPECT_THAT(silent.error, HasSubstr("first_token_timeout"));
  auto no_token = outcome(
      [](scripted_connection& connection, const std::string&) {
        connection.send(stream_head + chunked(": queued\n\n"));
        connection.wait_for_close();
      },
      brief);
  EXPECT_THAT(no_token.error, HasSubstr("first_token_timeout"));
  auto stalled = outcome(
      [](scripted_connection& connection, const std::string&) {
        connection.send(stream_head + chunked(delta_event("x")));
        connection.wait_for_close();
      },
      brief);
  EXPECT_EQ(stalled.code, errc::engine_failed);
  EXPECT_THAT(stalled.error, HasSubstr("stall_timeout"));
}

TEST(HttpBackend, AsksWithoutTheSchemaWhereTheServerCannotTakeIt) {
  std::atomic<int> requests{0};
  stub_server server{[&](scripted_connection& connection, const std::string& request) {
    ++requests;
    if (request.find("response_format") != request.npos)
      connection.answer(R"({"error":{"message":"response_format is not supported"}})",
                        "application/json", 400);
    else
      connection.send(whole_stream());
  }};
  far_engine engine{engine_at(server.url())};
  auto request = hello(1);
  request.response_schema = R"({"type":"object"})";
  auto result = engine.ask(request);
  EXPECT_EQ(result.code, errc::unknown) << result.error;
  EXPECT_EQ(requests, 2);
}

TEST(HttpBackend, RefusesASchemaThatIsNone) {
  stub_server server{sends(whole_stream())};
  far_engine engine{engine_at(server.url())};
  auto request = hello(1);
  request.response_schema = "x";
  EXPECT_EQ(engine.ask(request).code, errc::invalid_argument);
}

TEST(HttpBackend, NeverShowsItsKey) {
  setenv("TANDEM_TEST_KEY", "sk-very-secret", 1);
  auto result = outcome(
      [](scripted_connection& connection, const std::string& request) {
        EXPECT_THAT(request, HasSubstr("Authorization: Bearer sk-very-secret\r\n"));
        connection.answer(R"({"error":{"message":"bad key sk-very-secret"}})", "application/json",
                          401);
      },
      [](engine_config& config) { config.http.api_key_env = "TANDEM_TEST_KEY"; });
  unsetenv("TANDEM_TEST_KEY");
  EXPECT_THAT(result.error, HasSubstr("TANDEM_TEST_KEY"));
  EXPECT_THAT(result.error, Not(HasSubstr("sk-very-secret")));
}

TEST(HttpBackend, KeepsManyRequestsApart) {
  stub_server server{[](scripted_connection& connection, const std::string& request) {
    auto at = request.find("\"seed\":") + 7;
    auto seed = request.substr(at, request.find('}', at) - at);
    connection.send(stream_head + chunked(delta_event("n" + seed)) +
                    chunked(stop_event + done_event) + "0\r\n\r\n");
  }};
  far_engine engine{engine_at(server.url())};
  for (std::uint64_t id = 1; id <= 200; ++id) {
    auto request = hello(id);
    request.seed = id;
    static_cast<void>(engine.server().start(std::move(request)));
  }
  for (std::uint64_t id = 1; id <= 200; ++id)
    EXPECT_EQ(engine.wait(id).text, "n" + std::to_string(id));
}

generation_request own_request(std::string body, bool stream,
                               schema::ClientPath path = schema::ClientPath::CHAT) {
  auto request = hello(1);
  request.client_body = std::move(body);
  request.client_path = path;
  request.stream = stream;
  return request;
}

TEST(HttpBackend, PassesAClientsRequestOnAndItsAnswerBack) {
  std::string got;
  constexpr std::string_view answer =
      R"({"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":null,)"
      R"("tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},)"
      R"("finish_reason":"tool_calls"}],"usage":{"prompt_tokens":40,"completion_tokens":5}})";
  stub_server server{[&](scripted_connection& connection, const std::string& request) {
    got = request;
    connection.answer(std::string{answer});
  }};
  auto config = engine_at(server.url());
  config.http.served_model = "the-model";
  far_engine engine{config};
  auto result = engine.ask(own_request(R"({"messages":[1],"tools":[ {"a" : 1} ]})", false));
  EXPECT_EQ(result.code, errc::unknown) << result.error;
  EXPECT_EQ(result.body, answer);
  EXPECT_EQ(result.prompt_tokens, 40u) << "tools are read too";
  EXPECT_THAT(got,
              ::testing::EndsWith(R"({"model":"the-model","messages":[1],"tools":[ {"a" : 1} ]})"));
}

TEST(HttpBackend, TellsAClientEachEventAsItCame) {
  constexpr std::string_view event =
      R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0}]},"finish_reason":null}]})";
  std::string got;
  stub_server server{[&](scripted_connection& connection, const std::string& request) {
    got = request;
    connection.send(stream_head + chunked("data: " + std::string{event} + "\n\n") +
                    chunked(stop_event) + chunked(done_event) + "0\r\n\r\n");
  }};
  far_engine engine{engine_at(server.url())};
  auto result = engine.ask(own_request("{}", true));
  EXPECT_EQ(result.code, errc::unknown) << result.error;
  EXPECT_TRUE(result.body.empty());
  EXPECT_THAT(engine.text(1), ::testing::StartsWith(event));
  EXPECT_THAT(engine.text(1), Not(HasSubstr("[DONE]")));
  EXPECT_THAT(got, HasSubstr(R"("stream":true,"stream_options":{"include_usage":true}})"));
}

TEST(HttpBackend, AStreamOfToolCallsAloneIsNoStall) {
  constexpr std::string_view event =
      R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":)"
      R"({"arguments":"{\"a\""}}]},"finish_reason":null}]})";
  stub_server server{[&](scripted_connection& connection, const std::string&) {
    connection.send(stream_head);
    for (int i = 0; i < 12; ++i) {
      connection.send(chunked("data: " + std::string{event} + "\n\n"));
      std::this_thread::sleep_for(100ms);
    }
    connection.send(chunked(stop_event) + chunked(done_event) + "0\r\n\r\n");
  }};
  auto config = engine_at(server.url());
  // Each shorter than the whole stream, and far longer than the pauses in it.
  config.http.first_token_timeout = 1s;
  config.http.stall_timeout = 1s;
  far_engine engine{config};
  auto result = engine.ask(own_request(R"({"tools":[]})", true));
  EXPECT_EQ(result.code, errc::unknown) << result.error;
}

TEST(HttpBackend, BoundsARequestThatNamesNoBound) {
  std::string got;
  stub_server server{[&](scripted_connection& connection, const std::string& request) {
    got = request;
    connection.answer(
        R"({"choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}]})");
  }};
  far_engine engine{engine_at(server.url())};
  auto request = own_request(R"({"messages":[1]})", false);
  request.open_ended = true;
  EXPECT_EQ(engine.ask(std::move(request)).code, errc::unknown);
  EXPECT_THAT(got, HasSubstr(R"(,"max_tokens":100,"messages":[1]})"));
}

TEST(HttpBackend, KeepsWhatAServerAnswersWholeThoughItWasToStream) {
  constexpr std::string_view answer =
      R"({"choices":[{"index":0,"message":{"content":null,"tool_calls":[{"id":"c"}]},)"
      R"("finish_reason":"tool_calls"}]})";
  stub_server server{[&](scripted_connection& connection, const std::string&) {
    connection.answer(std::string{answer});
  }};
  far_engine engine{engine_at(server.url())};
  auto result = engine.ask(own_request("{}", true));
  EXPECT_EQ(result.code, errc::unknown) << result.error;
  EXPECT_EQ(result.body, answer);
}

TEST(HttpBackend, AsksForVectors) {
  std::string got;
  constexpr std::string_view answer =
      R"({"object":"list","data":[{"index":0,"embedding":[0.5]}],"usage":{"prompt_tokens":3}})";
  stub_server server{[&](scripted_connection& connection, const std::string& request) {
    got = request;
    connection.answer(std::string{answer});
  }};
  far_engine engine{engine_at(server.url())};
  auto result =
      engine.ask(own_request(R"({"input":"a b"})", false, schema::ClientPath::EMBEDDINGS));
  EXPECT_EQ(result.code, errc::unknown) << result.error;
  EXPECT_EQ(result.body, answer);
  EXPECT_EQ(result.prompt_tokens, 3u);
  EXPECT_THAT(got, ::testing::StartsWith("POST /v1/embeddings HTTP/1.1\r\n"));
}

TEST(HttpBackend, VectorsOfAServerThatMakesNoneAreAnError) {
  stub_server server{[](scripted_connection& connection, const std::string&) {
    connection.answer(R"({"choices":[]})");
  }};
  far_engine engine{engine_at(server.url())};
  auto result = engine.ask(own_request("{}", false, schema::ClientPath::EMBEDDINGS));
  EXPECT_EQ(result.code, errc::engine_failed);
  EXPECT_THAT(result.error, HasSubstr("makes no vectors"));
}

}  // namespace
}  // namespace tandem
