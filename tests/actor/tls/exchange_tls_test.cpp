// Two nodes over TLS: an engine of one serves the other, in chunks and pieces, until it is lost.

#include <future>
#include <optional>

#include <gtest/gtest.h>

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include "config/certificates.hpp"
#include "schema/text.hpp"
#include "tests/support/exchange_node.hpp"
#include "tests/unit/config/test_folder.hpp"

namespace tandem::testing {
namespace {

using namespace std::chrono_literals;

class ExchangeOverTls : public ::testing::Test {
 protected:
  ExchangeOverTls() {
    auto files = ensure_certificates(folder_ / "node", "node", {});
    if (!files) throw std::runtime_error{message_of(files.error())};
    alpha_.emplace("alpha", 11, *files, std::vector<engine_config>{});
    beta_.emplace("beta", 22, *files,
                  std::vector<engine_config>{
                      {.name = "far",
                       .kind = "sim",
                       .model = "tiny",
                       .sim = {.per_token = 5ms, .slice = 5ms, .context_tokens = 1'000'000}}});
  }

  struct call {
    std::future<tmsg::attres> result;
    std::shared_ptr<std::string> streamed = std::make_shared<std::string>();
    std::shared_ptr<std::uint32_t> chunks = std::make_shared<std::uint32_t>(0);
  };

  call send(std::uint32_t number, const std::string& prompt, std::size_t padding = 0) {
    message_builder<schema::Attempt> out;
    out->initFence().setAttempt(number);
    out->setPurpose(schema::Purpose::STEP);
    auto message = out->initMessages(1)[0];
    message.setRole(schema::Role::USER);
    message.setContent(prompt);
    if (padding != 0) out->setFinished(std::string(padding, 'x'));
    out->setMaxTokens(64);
    out->setTimeoutMs(120'000);
    out->setStream(true);
    call made;
    auto promise = std::make_shared<std::promise<tmsg::attres>>();
    made.result = promise->get_future();
    auto sink = alpha_->system().spawn([streamed = made.streamed, chunks = made.chunks](
                                           chunk_sink::pointer) -> chunk_sink::behavior_type {
      return {[streamed, chunks](chunk_atom, const tmsg::chunk& chunk) {
        auto reader = chunk.read();
        EXPECT_EQ(reader->getNumber(), (*chunks)++);
        auto bytes = reader->getText().asChars();
        streamed->append(bytes.begin(), bytes.size());
      }};
    });
    alpha_->system().spawn([pool = alpha_->pool(), request = out.finish(), sink,
                            promise](caf::event_based_actor* self) {
      self->request(pool, caf::infinite, attempt_atom_v, request, sink)
          .then([promise](const tmsg::attres& result) { promise->set_value(result); });
    });
    return made;
  }

  test::test_folder folder_;
  std::optional<exchange_node> alpha_;
  std::optional<exchange_node> beta_;
};

TEST_F(ExchangeOverTls, ARemoteEngineStreamsTakesLongAttemptsAndIsAnsweredForWhenItsNodeIsLost) {
  ASSERT_TRUE(alpha_->join(*beta_));
  ASSERT_TRUE(alpha_->wait_for_credits());
  auto first = send(1, "@sim {\"reply\":\"one two three\"}");
  ASSERT_EQ(first.result.wait_for(30s), std::future_status::ready);
  auto result = first.result.get();
  EXPECT_EQ(view(result.read()->getText()), "one two three")
      << result.read()->getError().getMessage().cStr();
  EXPECT_EQ(view(result.read()->getEngine()), "far@beta");

  auto second = send(2, "@sim {\"reply\":\"long\"}", 700u << 10);
  ASSERT_EQ(second.result.wait_for(30s), std::future_status::ready);
  auto long_one = second.result.get();
  EXPECT_EQ(view(long_one.read()->getText()), "long")
      << long_one.read()->getError().getMessage().cStr();

  auto third = send(3, "@sim {\"reply\":\"never\",\"ms\":600000}");
  EXPECT_EQ(third.result.wait_for(300ms), std::future_status::timeout);
  beta_.reset();
  EXPECT_EQ(third.result.wait_for(100ms), std::future_status::timeout)
      << "CAF itself says nothing of a lost peer's requests";
  alpha_->told_gone("beta", 22);
  ASSERT_EQ(third.result.wait_for(10s), std::future_status::ready);
  auto lost = third.result.get();
  EXPECT_EQ(lost.read()->getError().getCode(), schema::Errc::UNAVAILABLE);
  EXPECT_EQ(*first.streamed, "one two three");
}

}  // namespace
}  // namespace tandem::testing
