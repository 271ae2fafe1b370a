#include "actors/embedding/embedding_client.hpp"

#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <string>

#include "actors/http/http_loop.hpp"
#include "schema/errc.hpp"
#include "tests/support/stub_engine.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
using test::stub_answer;
using test::stub_engine;

constexpr auto path = "/v1/embeddings";

stub_answer vector_of(const std::string& numbers) {
  stub_answer out;
  out.body = R"({"data":[{"embedding":[)" + numbers + "]}]}";
  return out;
}

struct fixture : testing::Test {
  void open(embedding_config config = {}) {
    if (config.url.empty()) config.url = stub.url();
    config.model = "e5";
    config.timeout = limit;
    auto made = embedding_client::open(config, loop);
    ASSERT_TRUE(made) << message_of(made.error());
    client = std::move(*made);
  }

  std::future<caf::expected<embedding>> ask(std::string_view text) {
    auto promise = std::make_shared<std::promise<caf::expected<embedding>>>();
    // A second call throws.
    client->embed(text, [promise](caf::expected<embedding> got) { promise->set_value(got); });
    return promise->get_future();
  }
  errc failure(std::string_view text) {
    auto got = ask(text).get();
    return got ? errc::unknown : code_of(got.error());
  }

  std::chrono::milliseconds limit{20s};
  std::shared_ptr<http_loop> loop = std::make_shared<http_loop>();
  stub_engine stub;
  std::shared_ptr<embedding_client> client;
};

using embedding_client_test = fixture;

TEST_F(embedding_client_test, AsksOnceForEachText) {
  stub.set_path(path, vector_of("1,2"));
  open();
  auto first = ask("a");
  auto again = ask("a");
  EXPECT_EQ(*first.get().value(), (std::vector<float>{1, 2}));
  EXPECT_EQ(*again.get().value(), (std::vector<float>{1, 2}));
  EXPECT_EQ(*ask("a").get().value(), (std::vector<float>{1, 2}));
  EXPECT_EQ(client->counted().requests, 1u);
  EXPECT_TRUE(ask("b").get());
  EXPECT_EQ(client->counted().requests, 2u);
  EXPECT_EQ(stub.counts().other_requests, 2u);
}

TEST_F(embedding_client_test, AFailingServerIsLeftAlone) {
  stub.set_path(path, stub_answer::error(500, "{}"));
  open();
  EXPECT_EQ(failure("a"), errc::engine_failed);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(failure("b"), errc::unavailable);
  EXPECT_EQ(stub.counts().other_requests, 1u);
  EXPECT_EQ(client->counted().refused, 100u);
}

TEST_F(embedding_client_test, ADeadServerIsAFailureAndNoMore) {
  open({.url = "http://127.0.0.1:1"});
  EXPECT_EQ(failure("a"), errc::engine_failed);
  EXPECT_EQ(failure("a"), errc::unavailable);
}

TEST_F(embedding_client_test, AServerThatNeverAnswersIsGivenUp) {
  stub.set_path(path, stub_answer::never());
  limit = 50ms;
  open();
  EXPECT_EQ(failure("a"), errc::engine_failed);
}

TEST_F(embedding_client_test, NonsenseIsAFailure) {
  for (auto answer : {vector_of("1e99"), vector_of(std::string(600'000, ' ')),
                      stub_answer::bytes("garbage"), stub_answer::hang_up()}) {
    stub.set_path(path, answer);
    open();
    EXPECT_EQ(failure("a"), errc::engine_failed);
  }
}

TEST_F(embedding_client_test, AnotherNumberOfDimensionsIsAFailure) {
  stub.set_path(path, vector_of("1,2"));
  open();
  EXPECT_TRUE(ask("a").get());
  stub.set_path(path, vector_of("1,2,3"));
  EXPECT_EQ(failure("b"), errc::engine_failed);
}

TEST_F(embedding_client_test, RequestsUnderWayAreBounded) {
  stub.set_path(path, stub_answer::never());
  embedding_config config;
  config.requests_max = 2;
  open(config);
  auto a = ask("a");
  auto b = ask("b");
  EXPECT_EQ(failure("c"), errc::overloaded);
  // And whoever waits is told when the client goes.
  client.reset();
  EXPECT_EQ(code_of(a.get().error()), errc::cancelled);
  EXPECT_EQ(code_of(b.get().error()), errc::cancelled);
}

TEST_F(embedding_client_test, WaitsForNoLoopThatIsGone) {
  stub.set_path(path, stub_answer::never());
  open();
  auto waiting = ask("a");
  loop.reset();
  EXPECT_EQ(code_of(waiting.get().error()), errc::cancelled);
  EXPECT_EQ(failure("b"), errc::cancelled);
}

TEST_F(embedding_client_test, OfALongTextTheFrontCounts) {
  stub.set_path(path, vector_of("1"));
  open();
  std::string text(embedding_client::text_bytes_max - 1, 'x');
  EXPECT_TRUE(ask(text + "\xc3\xa4 and so on").get());
  EXPECT_TRUE(ask(text + "\xc3\xb6 or otherwise").get());
  EXPECT_EQ(client->counted().requests, 1u) << "a character is not cut";
  EXPECT_EQ(failure(""), errc::invalid_argument);
}

TEST_F(embedding_client_test, RefusesAnAddressThatIsNone) {
  for (auto url : {"", "ftp://x", "http://user:password@host"}) {
    embedding_config config;
    config.url = url;
    EXPECT_FALSE(embedding_client::open(config, loop)) << url;
  }
}

}  // namespace
}  // namespace tandem
