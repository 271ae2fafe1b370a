// Peers that have stopped reading, that are stale, or that send nonsense in valid frames.

#include "tests/actor/exchange/exchange_fixture.hpp"

namespace tandem::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

/// A peer whose every word the test says itself; what it is sent is only counted.
struct stranger_book {
  std::vector<std::uint64_t> works;
  std::vector<std::uint64_t> results;
  std::vector<std::string> cancels;
  std::uint64_t bytes = 0;
  std::size_t pieces = 0;
};

exchange_peer::behavior_type stranger_behavior(exchange_peer::pointer, stranger_book* book) {
  return {[](offer_atom, const tmsg::offer&) {},
          [book](work_atom, const tmsg::work& work, const tmsg::decisn&, const tmsg::attempt& a) {
            book->works.push_back(work.read()->getId());
            book->bytes += a.bytes().size();
          },
          [book](work_atom, const tmsg::work& work, const tmsg::decisn&) {
            book->works.push_back(work.read()->getId());
          },
          [](chunk_atom, const tmsg::workchnk&, const tmsg::chunk&) {},
          [](chunk_atom, const tmsg::workchnk&) {},
          [book](result_atom, const tmsg::workres& head, const tmsg::attres& result) {
            book->results.push_back(head.read()->getId());
            book->bytes += result.bytes().size();
          },
          [book](result_atom, const tmsg::workres& head) {
            book->results.push_back(head.read()->getId());
          },
          [book](cancel_atom, const tmsg::workcncl& request) {
            book->cancels.emplace_back(view(request.read()->getReason()));
          },
          [book](piece_atom, const tmsg::piece& piece) {
            ++book->pieces;
            book->bytes += piece.read()->getData().size();
          },
          [](receipt_atom, const tmsg::receipt&) {}};
}

class ExchangePeers : public Exchange {
 protected:
  static constexpr std::uint64_t incarnation = 77;

  void start(const exchange_config& config = {}) {
    start_two(config);
    stranger_ = system_->spawn(stranger_behavior, &book_);
    actors_.push_back(caf::actor_cast<caf::actor>(stranger_));
    tell(alpha_, {.name = "gamma", .incarnation = incarnation, .router = {}, .exchange = {}},
         caf::actor_cast<caf::actor>(stranger_));
  }
  ~ExchangePeers() override { stranger_ = nullptr; }

  template <class... Ts>
  void say(Ts&&... parts) {
    caf::send_as(caf::actor_cast<caf::actor>(stranger_), alpha_.exchange,
                 std::forward<Ts>(parts)...);
    run();
  }

  void offer(std::uint64_t number, std::uint32_t credits, std::uint64_t from = incarnation) {
    message_builder<schema::Offer> out;
    out->setIncarnation(from);
    out->setNumber(number);
    out->setHeard(1);
    auto each = out->initEngines(1)[0];
    each.initStatus().setName("far");
    each.getStatus().setModel("tiny");
    each.getStatus().setHealth(schema::Health::HEALTHY);
    each.setCredits(credits);
    say(offer_atom_v, out.finish());
  }

  static tmsg::workres result_header(std::uint64_t id, std::uint64_t from = incarnation) {
    message_builder<schema::WorkResult> out;
    out->setId(id);
    out->setFrom(from);
    return out.finish();
  }
  static tmsg::attres result(std::uint32_t number, const std::string& text) {
    message_builder<schema::AttemptResult> out;
    out->setFence(attempt(number, {}).read()->getFence());
    out->setText(text);
    out->setFinish(schema::Finish::STOP);
    out->setEngine("far@gamma");
    return out.finish();
  }
  static tmsg::piece piece(std::uint64_t id, std::uint32_t offset, std::uint32_t size,
                           std::size_t data) {
    message_builder<schema::Piece> out;
    out->setId(id);
    out->setFrom(incarnation);
    out->setOffset(offset);
    out->setSizeBytes(size);
    out->initData(static_cast<unsigned>(data));
    return out.finish();
  }
  void work(std::uint64_t id, std::uint32_t number, const std::string& engine) {
    message_builder<schema::Work> head;
    head->setId(id);
    head->setFrom(incarnation);
    head->setEngine(engine);
    message_builder<schema::Decision> decision;
    decision->setEngine(engine + "@alpha");
    decision->setModel("tiny");
    say(work_atom_v, head.finish(), decision.finish(), attempt(number, {}));
  }

  stranger_book book_;
  exchange_peer stranger_;
};

TEST_F(ExchangePeers, OneThatHasStoppedReadingMakesNothingGrow) {
  start({.peer_work_max = 10'000, .peer_bytes_max = 1u << 20});
  offer(1, 100'000);
  const std::string prompt(20'000, 'p');
  std::uint32_t asked = 0;
  while (asked < 1'000 && !answered(asked)) send(++asked, {.prompt = prompt, .tier = "small"});
  ASSERT_TRUE(answered(asked)) << "no bound was met";
  EXPECT_EQ(code(asked), errc::unavailable);
  EXPECT_THAT(refusals_of(asked), ::testing::Contains(HasSubstr("peer_bytes_max")));
  EXPECT_LE(book_.bytes, 1u << 20);
  EXPECT_LT(asked, 120u) << "as much again waits";
  // It reads again: all that waited comes.
  for (std::uint64_t taken = 0; book_.works.size() < asked - 1;) {
    auto before = book_.works.size();
    message_builder<schema::Receipt> out;
    out->setFrom(incarnation);
    for (std::uint64_t step = 0; step < 64; ++step) {
      taken += 16'384;
      out->setBytes(taken);
      say(receipt_atom_v, out.finish());
    }
    ASSERT_GT(book_.works.size(), before);
  }
}

TEST_F(ExchangePeers, OnlySoManyAttemptsAreUnderWayToOne) {
  start({.peer_work_max = 3});
  offer(1, 100);
  for (std::uint32_t i = 1; i <= 4; ++i) send(i, small);
  EXPECT_THAT(book_.works, SizeIs(3));
  EXPECT_THAT(refusals_of(4), ::testing::Contains(HasSubstr("peer_work_max")));
}

TEST_F(ExchangePeers, ResultsForOneThatHasStoppedReadingAreBoundedToo) {
  start({.peer_bytes_max = 1u << 20});
  auto& near = hold(alpha_, "near", "tiny", 100);
  for (std::uint32_t i = 1; i <= 60; ++i) work(i, i, "near");
  ASSERT_THAT(near.calls, SizeIs(60));
  while (!near.calls.empty()) near.answer({.text = std::string(100'000, 'r')});
  run();
  EXPECT_LE(book_.bytes, 1u << 20);
  EXPECT_LT(book_.results.size(), 12u);
}

TEST_F(ExchangePeers, AnAnswerCountsOnceAndOnlyForItsAttempt) {
  start();
  offer(1, 10);
  send(1, small);
  send(2, small);
  ASSERT_THAT(book_.works, SizeIs(2));
  say(result_atom_v, result_header(999'999), result(1, "nobody asked"));
  say(result_atom_v, result_header(book_.works[0], 12345), result(1, "of another incarnation"));
  EXPECT_FALSE(answered(1));
  say(result_atom_v, result_header(book_.works[0]), result(1, "first"));
  say(result_atom_v, result_header(book_.works[0]), result(1, "second"));
  EXPECT_EQ(text_of(1), "first");
  EXPECT_THAT(order_, SizeIs(1));
  say(result_atom_v, result_header(book_.works[1]), result(7, "of another attempt"));
  EXPECT_EQ(code(2), errc::engine_failed);
}

TEST_F(ExchangePeers, WhatOthersSayInItsNameIsDropped) {
  start();
  offer(1, 10);
  send(1, small);
  caf::anon_send(alpha_.exchange, result_atom_v, result_header(book_.works.at(0)),
                 result(1, "forged"));
  run();
  EXPECT_FALSE(answered(1));
}

TEST_F(ExchangePeers, AnOlderOfferOrOneOfAnotherIncarnationChangesNothing) {
  start();
  offer(5, 10);
  offer(4, 3);
  offer(9, 2, 12345);
  EXPECT_EQ(list(alpha_).at("far@gamma").credits, 10u);
  offer(6, 4);
  EXPECT_EQ(list(alpha_).at("far@gamma").credits, 4u);
}

TEST_F(ExchangePeers, PiecesThatDoNotFitTogetherEndTheirPayloadAlone) {
  start();
  offer(1, 10);
  send(1, small);
  send(2, small);
  say(piece_atom_v, piece(book_.works[0], 0, 600'000, 200'000));
  say(piece_atom_v, piece(book_.works[0], 300'000, 600'000, 200'000));
  say(result_atom_v, result_header(book_.works[0]));
  EXPECT_EQ(code(1), errc::engine_failed);
  say(result_atom_v, result_header(book_.works[1]), result(2, "fine"));
  EXPECT_EQ(text_of(2), "fine");
}

TEST_F(ExchangePeers, TheSameWorkTwiceIsDoneOnce) {
  start();
  auto& near = hold(alpha_, "near");
  work(1, 1, "near");
  work(1, 1, "near");
  EXPECT_THAT(near.calls, SizeIs(1));
  near.answer({.text = "ok"});
  run();
  EXPECT_THAT(book_.results, ::testing::ElementsAre(1));
}

TEST_F(ExchangePeers, WorkForAnEngineThatIsNotThereIsRefused) {
  start();
  work(1, 1, "nowhere");
  EXPECT_THAT(book_.results, ::testing::ElementsAre(1));
}

}  // namespace
}  // namespace tandem::testing
