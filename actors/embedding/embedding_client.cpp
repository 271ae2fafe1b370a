#include "actors/embedding/embedding_client.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/embedding/embedding_reply.hpp"
#include "actors/embedding/failure_pause.hpp"
#include "actors/engine/engine_config.hpp"
#include "actors/engine/http/chat_request.hpp"
#include "actors/engine/http/http_server.hpp"
#include "actors/http/http_loop.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

/// At a character's begin.
std::string_view front_of(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0) == 0x80) --bytes_max;
  return text.substr(0, bytes_max);
}

failure_pause::duration now() {
  return std::chrono::duration_cast<failure_pause::duration>(
      std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

class embedding_client::core : public std::enable_shared_from_this<core> {
 public:
  core(const embedding_config& config, http_server server, const std::shared_ptr<http_loop>& loop)
      : config_{config},
        server_{std::move(server)},
        endpoint_{server_.post("/v1/embeddings", config.timeout, embedding_reply_bytes_max)},
        loop_{loop},
        cache_{config.cache_entries} {}

  void embed(std::string_view text, callback done);
  /// `text`'s exchange is over.
  void finish(const text_digest& text, const http_outcome& outcome, std::string_view body);
  void close();

  [[nodiscard]] const embedding_config& config() const { return config_; }
  [[nodiscard]] counts counted() const {
    std::lock_guard guard{mutex_};
    return counts_;
  }

 private:
  struct request {
    std::vector<callback> waiting;
    /// 0: not known yet.
    std::uint64_t exchange = 0;
  };

  /// Null and no error: it is to be sent, or another's request serves it. `done` is taken then.
  [[nodiscard]] caf::expected<embedding> begin(const text_digest& key, callback& done, bool& send);
  [[nodiscard]] caf::expected<embedding> read(const http_outcome& outcome, std::string_view body);
  void send(const text_digest& key, std::string_view text);

  const embedding_config config_;
  const http_server server_;
  const std::shared_ptr<const http_endpoint> endpoint_;
  const std::weak_ptr<http_loop> loop_;
  mutable std::mutex mutex_;
  embedding_cache cache_;
  failure_pause pause_;
  std::map<text_digest, request> under_way_;
  std::size_t dimensions_ = 0;
  counts counts_;
  bool closed_ = false;
};

namespace {

class embedding_exchange : public http_handler {
 public:
  using ended = std::function<void(const http_outcome&, std::string_view)>;
  explicit embedding_exchange(ended end) : end_{std::move(end)} {}

  // The endpoint bounds the response.
  http_next on_body(std::string_view bytes) override {
    body_ += bytes;
    return http_next::waiting;
  }
  void on_end(http_outcome outcome) override { end_(outcome, body_); }

 private:
  ended end_;
  std::string body_;
};

}  // namespace

caf::expected<embedding> embedding_client::core::begin(const text_digest& key, callback& done,
                                                       bool& send) {
  std::lock_guard guard{mutex_};
  if (closed_) return make_error(errc::cancelled, "embeddings: the client is gone");
  if (auto known = cache_.find(key)) {
    ++counts_.hits;
    return known;
  }
  auto refuse = [this](errc code, const char* why) {
    ++counts_.refused;
    return make_error(code, why);
  };
  if (auto same = under_way_.find(key); same != under_way_.end()) {
    if (same->second.waiting.size() >= waiting_max)
      return refuse(errc::overloaded, "embeddings: too many wait for this text");
    same->second.waiting.push_back(std::move(done));
    return embedding{};
  }
  if (under_way_.size() >= config_.requests_max)
    return refuse(errc::overloaded, "embeddings: too many requests under way");
  if (!pause_.admit(now()))
    return refuse(errc::unavailable, "embeddings: the server has failed lately");
  ++counts_.requests;
  under_way_[key].waiting.push_back(std::move(done));
  send = true;
  return embedding{};
}

void embedding_client::core::embed(std::string_view text, callback done) {
  text = front_of(text, text_bytes_max);
  if (text.empty()) return done(make_error(errc::invalid_argument, "embeddings: an empty text"));
  auto key = digest_of(text);
  bool to_send = false;
  auto known = begin(key, done, to_send);
  if (to_send) return send(key, text);
  if (!known || *known != nullptr) done(std::move(known));
}

void embedding_client::core::send(const text_digest& key, std::string_view text) {
  auto loop = loop_.lock();
  if (!loop) return finish(key, {.failure = http_failure::cancelled}, {});
  std::string body = R"({"model":)";
  append_json_string(body, server_.model());
  body += R"(,"input":)";
  append_json_string(body, text);
  body += '}';
  auto exchange = loop->start(
      endpoint_, std::move(body),
      std::make_shared<embedding_exchange>(
          [self = shared_from_this(), key](const http_outcome& outcome, std::string_view answer) {
            self->finish(key, outcome, answer);
          }));
  std::lock_guard guard{mutex_};
  auto found = under_way_.find(key);
  if (found != under_way_.end()) found->second.exchange = exchange;
  if (closed_) loop->cancel(exchange);
}

caf::expected<embedding> embedding_client::core::read(const http_outcome& outcome,
                                                      std::string_view body) {
  if (outcome.failure == http_failure::cancelled) {
    pause_.ended();
    return make_error(errc::cancelled, "embeddings: cancelled");
  }
  auto fail = [this](const std::string& why) {
    ++counts_.failures;
    pause_.failed(now());
    return make_error(errc::engine_failed, server_.without_key("embeddings: " + why));
  };
  if (outcome.failure != http_failure::none) return fail(outcome.text);
  if (outcome.status != 200)
    return fail("the server answered with status " + std::to_string(outcome.status));
  auto vector = read_embedding(body, dimensions_);
  if (!vector) return fail(message_of(vector.error()));
  pause_.succeeded();
  dimensions_ = vector->size();
  return std::make_shared<const std::vector<float>>(std::move(*vector));
}

void embedding_client::core::finish(const text_digest& key, const http_outcome& outcome,
                                    std::string_view body) {
  std::vector<callback> waiting;
  caf::expected<embedding> result{embedding{}};
  {
    std::lock_guard guard{mutex_};
    auto found = under_way_.find(key);
    if (found == under_way_.end()) return;
    waiting = std::move(found->second.waiting);
    under_way_.erase(found);
    result = read(outcome, body);
    if (result) cache_.put(key, *result);
  }
  for (auto& done : waiting) done(result);
}

void embedding_client::core::close() {
  std::map<text_digest, request> left;
  {
    std::lock_guard guard{mutex_};
    closed_ = true;
    left.swap(under_way_);
  }
  auto loop = loop_.lock();
  for (auto& [key, each] : left) {
    if (loop && each.exchange != 0) loop->cancel(each.exchange);
    for (auto& done : each.waiting)
      done(make_error(errc::cancelled, "embeddings: the client is gone"));
  }
}

caf::expected<std::shared_ptr<embedding_client>> embedding_client::open(
    const embedding_config& config, const std::shared_ptr<http_loop>& loop) {
  engine_config as;
  as.name = "embeddings";
  as.kind = "http";
  as.model = config.model;
  as.http.url = config.url;
  as.http.api_key_file = config.api_key_file;
  as.http.api_key_env = config.api_key_env;
  as.http.ca_file = config.ca_file;
  auto server = http_server::open(as);
  if (!server) return std::move(server.error());
  return std::shared_ptr<embedding_client>{
      new embedding_client{std::make_shared<core>(config, std::move(*server), loop)}};
}

embedding_client::~embedding_client() {
  core_->close();
}

void embedding_client::embed(std::string_view text, callback done) {
  core_->embed(text, std::move(done));
}

const embedding_config& embedding_client::config() const {
  return core_->config();
}

embedding_client::counts embedding_client::counted() const {
  return core_->counted();
}

}  // namespace tandem
