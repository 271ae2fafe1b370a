// Requests that are answered: kept connections, pieces, old clients, what a service may get wrong.
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/actor/http_server/raw_client.hpp"
#include "tests/actor/http_server/scripted_service.hpp"

namespace tandem::test {
namespace {

class http_answers : public http_server_test {
 protected:
  static std::string get(std::string_view path, std::string_view more = "") {
    return "GET " + std::string{path} + " HTTP/1.1\r\nHost: a\r\n" + std::string{more} + "\r\n";
  }
};

TEST_F(http_answers, ComeOneAfterTheOtherOnAKeptConnection) {
  start();
  raw_client client{port()};
  for (int i = 0; i < 3; ++i) {
    client.send(get("/" + std::to_string(i) + "?q"));
    auto answer = client.read_answer();
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.body, "GET /" + std::to_string(i) + " q ");
    EXPECT_NE(answer.head.find("\r\nDate: "), std::string::npos);
  }
  EXPECT_EQ(server_->count().accepted, 1u);
  EXPECT_EQ(server_->count().requests, 3u);
}

TEST_F(http_answers, ComeInOrderWhereRequestsComeAtOnce) {
  start();
  raw_client client{port()};
  std::string all;
  for (int i = 0; i < 500; ++i) all += get("/" + std::to_string(i));
  client.send(all);
  for (int i = 0; i < 500; ++i)
    ASSERT_EQ(client.read_answer().body, "GET /" + std::to_string(i) + "  ");
}

TEST_F(http_answers, AreAwaitedBeforeTheNextRequestIsGivenOn) {
  service_->keeps = true;
  start();
  raw_client client{port()};
  client.send(get("/1") + get("/2"));
  auto first = service_->next();
  EXPECT_EQ(first.request.path, "/1");
  EXPECT_EQ(server_->count().requests, 1u);
  std::thread{[&first] { first.reply->send(text_answer("one")); }}.join();
  EXPECT_EQ(client.read_answer().body, "one");
  auto second = service_->next();
  EXPECT_EQ(second.request.path, "/2");
  second.reply->send(text_answer("two"));
  EXPECT_EQ(client.read_answer().body, "two");
}

TEST_F(http_answers, ReadBodiesOfBothKinds) {
  start();
  raw_client client{port()};
  client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(client.read_answer().body, "POST /a  hello");
  client.send("POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n");
  client.send("3\r\nllo\r\n0\r\nX-Trailer: y\r\n\r\n");
  EXPECT_EQ(client.read_answer().body, "POST /b  hello");
  std::string large(3'000'000, 'x');
  client.send("POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + large);
  EXPECT_EQ(client.read_answer().body, "POST /c  " + large);
}

TEST_F(http_answers, SayContinueWhereAClientWaitsForIt) {
  start();
  raw_client client{port()};
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello");
  EXPECT_EQ(client.read_answer().body, "POST /  hello");
}

TEST_F(http_answers, HaveNoBodyForHead) {
  service_->at_request = [](http_request request, std::shared_ptr<http_reply> reply) {
    if (request.path == "/none") return reply->send(text_answer("dropped", 204));
    if (request.path != "/stream") return reply->send(text_answer("hello"));
    reply->begin(text_answer(""));
    reply->write("hello");
    reply->end();
  };
  start();
  raw_client client{port()};
  client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" +
              get("/none") + get("/"));
  EXPECT_NE(client.read_answer(false).head.find("Content-Length: 5"), std::string::npos);
  EXPECT_EQ(client.read_answer(false).status, 200u);
  auto none = client.read_answer();
  EXPECT_EQ(none.status, 204u);
  EXPECT_EQ(none.head.find("Content-"), std::string::npos);
  EXPECT_EQ(client.read_answer().body, "hello");
}

TEST_F(http_answers, ForHeadEndWithTheHeadOfAStream) {
  service_->keeps = true;
  start();
  raw_client client{port()};
  client.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" + get("/next"));
  auto call = service_->next();
  flag gone;
  call.reply->on_gone([&gone] { gone.set(); });
  call.reply->begin(text_answer(""));
  EXPECT_TRUE(gone.wait()) << "nobody reads what is to come";
  EXPECT_FALSE(call.reply->write("hello"));
  EXPECT_EQ(client.read_answer(false).status, 200u);
  service_->next().reply->send(text_answer("next"));
  EXPECT_EQ(client.read_answer().body, "next");
}

TEST_F(http_answers, ComeInPiecesNoneOfWhichWaitsForTheNext) {
  service_->keeps = true;
  start();
  raw_client client{port()};
  client.send(get("/"));
  auto call = service_->next();
  call.reply->begin(text_answer(""));
  EXPECT_NE(client.read_until("\r\n\r\n").find("Transfer-Encoding: chunked"), std::string::npos);
  for (int i = 0; i < 50; ++i) {
    auto piece = "data: " + std::to_string(i) + "\n\n";
    ASSERT_TRUE(call.reply->write(piece));
    // Here before the next one is written.
    client.read_until(piece);
  }
  call.reply->end();
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "\r\n0\r\n\r\n");
}

TEST_F(http_answers, OfLargePiecesAreWhole) {
  service_->keeps = true;
  start();
  raw_client client{port()};
  client.send(get("/"));
  auto call = service_->next();
  call.reply->begin(text_answer(""));
  std::string all;
  std::thread writer{[&call, &all] {
    for (std::size_t i = 0; i < 300; ++i) {
      std::string piece((i * 37) % 5'000 + 1, static_cast<char>('a' + i % 26));
      all += piece;
      EXPECT_TRUE(call.reply->write(std::move(piece)));
    }
    call.reply->end();
  }};
  auto answer = client.read_answer();
  writer.join();
  EXPECT_TRUE(answer.is_whole);
  EXPECT_EQ(answer.body, all);
}

TEST_F(http_answers, ThatAreCutAreSeenToBeCut) {
  service_->keeps = true;
  start();
  raw_client client{port()};
  client.send(get("/"));
  auto call = service_->next();
  call.reply->begin(text_answer(""));
  call.reply->write("half");
  call.reply.reset();
  auto answer = client.read_answer();
  EXPECT_EQ(answer.body, "half");
  EXPECT_FALSE(answer.is_whole);

  raw_client old{port()};
  old.send("GET / HTTP/1.0\r\n\r\n");
  call = service_->next();
  call.reply->begin(text_answer(""));
  call.reply->write("half");
  old.read_until("half");
  call.reply.reset();
  bool was_reset = false;
  old.read_to_end(&was_reset);
  EXPECT_TRUE(was_reset);
}

TEST_F(http_answers, ThatNobodyGivesAre500) {
  service_->at_request = [](http_request request, std::shared_ptr<http_reply>) {
    if (request.path == "/throw") throw std::runtime_error{"a bug"};
  };
  start();
  raw_client client{port()};
  client.send(get("/drop") + get("/throw"));
  EXPECT_EQ(client.read_answer().status, 500u);
  EXPECT_EQ(client.read_answer().status, 500u);
}

TEST_F(http_answers, KeepOldConnectionsOnlyOnRequest) {
  start();
  raw_client client{port()};
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(client.read_answer().head.find("Connection: keep-alive"), std::string::npos);
  client.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_NE(client.read_answer().head.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(client.is_at_end());
}

TEST_F(http_answers, InPiecesEndWithTheConnectionForOldClients) {
  service_->at_request = [](http_request, std::shared_ptr<http_reply> reply) {
    reply->begin(text_answer(""));
    reply->write("one");
    reply->write("two");
    reply->end();
  };
  start();
  raw_client client{port()};
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  auto answer = client.read_answer();
  EXPECT_EQ(answer.head.find("chunked"), std::string::npos);
  EXPECT_EQ(answer.body, "onetwo");
  EXPECT_TRUE(answer.is_whole);
}

TEST_F(http_answers, OfFixedBytesAreSentAsTheyLie) {
  static const std::string page(200'000, 'p');
  service_->at_request = [](http_request, std::shared_ptr<http_reply> reply) {
    http_response answer;
    answer.content_type = "text/html";
    answer.fixed = page;
    answer.headers = {{"X-Bad", "a\r\nX-Evil: b"}};
    reply->send(std::move(answer));
  };
  start();
  raw_client client{port()};
  client.send(get("/"));
  auto answer = client.read_answer();
  EXPECT_EQ(answer.body, page);
  EXPECT_EQ(answer.head.find("Evil"), std::string::npos);
}

TEST_F(http_answers, EndWhereTheServiceSaysSo) {
  service_->at_request = [](http_request, std::shared_ptr<http_reply> reply) {
    auto answer = text_answer("bye");
    answer.close = true;
    reply->send(std::move(answer));
  };
  start();
  raw_client client{port()};
  client.send(get("/1") + get("/2"));
  EXPECT_EQ(client.read_answer().body, "bye");
  EXPECT_TRUE(client.is_at_end());
}

TEST_F(http_answers, AreGivenBeforeADrainIsOver) {
  service_->keeps = true;
  start();
  raw_client idle{port()};
  raw_client busy{port()};
  busy.send(get("/"));
  auto call = service_->next();
  ASSERT_TRUE(wait_for([](const auto& counts) { return counts.connections == 2; }));
  server_->drain();
  EXPECT_TRUE(idle.is_at_end());
  call.reply->send(text_answer("last"));
  auto answer = busy.read_answer();
  EXPECT_EQ(answer.body, "last");
  EXPECT_NE(answer.head.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(busy.is_at_end());
  EXPECT_THROW(raw_client{port()}, std::runtime_error);
}

TEST_F(http_answers, AreNothingOnceTheServerIsGone) {
  service_->keeps = true;
  start();
  raw_client client{port()};
  client.send(get("/1"));
  auto begun = service_->next();
  begun.reply->begin(text_answer(""));
  client.read_until("\r\n\r\n");
  raw_client other{port()};
  other.send(get("/2"));
  auto waiting = service_->next();
  server_.reset();
  EXPECT_FALSE(begun.reply->write("x"));
  begun.reply->end();
  waiting.reply->on_gone([] { ADD_FAILURE(); });
  waiting.reply->send(text_answer("late"));
  bool was_reset = false;
  EXPECT_EQ(other.read_to_end(&was_reset), "");
}

}  // namespace
}  // namespace tandem::test
