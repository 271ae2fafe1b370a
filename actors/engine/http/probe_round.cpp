#include "actors/engine/http/probe_round.hpp"

#include <algorithm>

#include "actors/engine/http/chat_reply.hpp"
#include "actors/engine/http/chat_request.hpp"
#include "actors/engine/http/http_status.hpp"
#include "actors/engine/http/sse_reader.hpp"

namespace tandem {
namespace {

constexpr std::size_t reply_bytes_max = std::size_t{1} << 20;

/// Nothing more will be learned from a server that cannot be talked to.
bool is_unreachable(http_failure failure) {
  switch (failure) {
    case http_failure::none:
    case http_failure::redirect:
    case http_failure::too_large:
    case http_failure::stopped:
      return false;
    default:
      return true;
  }
}

std::string load_text(const server_facts& facts) {
  auto out =
      std::to_string(facts.running) + " running, " + std::to_string(facts.waiting) + " waiting";
  if (facts.cache_usage >= 0)
    out += ", cache " + std::to_string(static_cast<int>(facts.cache_usage * 100)) + "% full";
  return out;
}

/// What the text of a stream of events came to.
generation read_stream(const std::string& body, const generation_request& request) {
  chat_reply reply{request, 0, ""};
  if (body.starts_with("{")) {
    auto news = reply.read_answer(body);
    if (news.now == chat_reply::state::done) return std::move(reply).result();
    auto verdict = reply.verdict();
    return std::move(reply).result(verdict.code, verdict.text);
  }
  sse_reader events{reply_bytes_max};
  events.feed(body);
  while (auto event = events.next()) {
    auto news = reply.read_event(*event);
    if (news.now == chat_reply::state::done) return std::move(reply).result();
    if (news.now == chat_reply::state::failed) {
      auto verdict = reply.verdict();
      return std::move(reply).result(verdict.code, verdict.text);
    }
  }
  auto cut = reply.cut_verdict();
  return std::move(reply).result(cut.code, cut.text);
}

}  // namespace

class probe_round::exchange : public http_handler {
 public:
  exchange(std::shared_ptr<probe_round> round, step asked)
      : round_{std::move(round)}, step_{std::move(asked)} {}

  void on_head(const http_head& head) override { got_.status = head.status; }
  http_next on_body(std::string_view bytes) override {
    got_.body += bytes;
    return http_next::progressed;
  }
  void on_end(http_outcome outcome) override {
    using namespace std::chrono;
    got_.outcome = std::move(outcome);
    auto took = duration_cast<microseconds>(steady_clock::now() - began_);
    std::exchange(round_, nullptr)->take(step_, std::move(got_), took);
  }

 private:
  std::shared_ptr<probe_round> round_;
  const step step_;
  answer got_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

probe_round::probe_round(std::shared_ptr<http_link> link, server_facts facts, probe_habits habits,
                         report done)
    : link_{std::move(link)}, done_{std::move(done)} {
  result_.facts = std::move(facts);
  result_.habits = habits;
}

void probe_round::begin(extent how_much) {
  extent_ = how_much;
  auto known = result_.facts.kind;
  // A provider would be asked for four pages that it does not have, each time.
  bool ask_again = how_much != extent::light && known != server_kind::openai;
  if (!known || ask_again)
    identify();
  else
    ask_all();
  go_on();
}

void probe_round::add_get(const std::string& path,
                          std::function<bool(const answer&, std::string&)> read) {
  auto endpoint = link_->server().get(path);
  steps_.push_back({"GET " + path, std::move(endpoint), {}, std::move(read)});
}

void probe_round::identify() {
  candidates_ = {{server_kind::llama_cpp, "/props"},
                 {server_kind::sglang, "/server_info"},
                 {server_kind::sglang, "/get_server_info"},
                 {server_kind::vllm, "/version"}};
  if (auto set = server_kind_of(link_->server().config().server))
    std::erase_if(candidates_, [&](const auto& candidate) { return candidate.first != *set; });
  else if (auto last = result_.facts.kind)
    std::stable_partition(candidates_.begin(), candidates_.end(),
                          [&](const auto& candidate) { return candidate.first == *last; });
  result_.facts.kind.reset();
  try_candidate();
}

void probe_round::try_candidate() {
  if (candidates_.empty()) {
    auto set = server_kind_of(link_->server().config().server);
    result_.facts.kind = set.value_or(server_kind::openai);
    result_.facts.version.clear();
    ask_all();
    return;
  }
  auto [kind, path] = std::move(candidates_.front());
  candidates_.pop_front();
  add_get(path, [this, kind = kind](const answer& got, std::string& detail) {
    return take_candidate(kind, got, detail);
  });
}

bool probe_round::take_candidate(server_kind kind, const answer& got, std::string& detail) {
  if (is_unreachable(got.outcome.failure)) {
    detail = got.outcome.text;
    worsen(probe_verdict::bad, detail);
    return false;
  }
  if (got.status >= 500 && got.status != 501) {
    auto verdict = judge_status(got.status, got.body, {}, link_->server().key_source());
    detail = verdict.text;
    worsen(verdict.loading ? probe_verdict::loading : probe_verdict::bad, detail);
    return false;
  }
  auto& facts = result_.facts;
  bool is_it = got.outcome.failure == http_failure::none && got.status == 200 &&
               (kind == server_kind::llama_cpp ? facts.read_props(got.body)
                : kind == server_kind::sglang  ? facts.read_server_info(got.body)
                                               : facts.read_version(got.body));
  if (is_it) {
    facts.kind = kind;
    detail = facts.server();
    ask_all();
  } else {
    detail = "not " + std::string{to_string(kind)} +
             (got.status != 0 ? " (" + std::to_string(got.status) + ")" : "");
    try_candidate();
  }
  return is_it;
}

void probe_round::ask_all() {
  bool light = extent_ == extent::light;
  ask_health();
  if (!light || result_.facts.kind == server_kind::openai) ask_models();
  ask_weights();
  ask_load();
  if (extent_ == extent::with_generation) ask_generation();
}

void probe_round::ask_health() {
  // Others are asked for their models, which tells as much.
  if (result_.facts.kind == server_kind::openai) return;
  add_get("/health",
          [this](const answer& got, std::string& detail) { return take_health(got, detail); });
}

bool probe_round::take_health(const answer& got, std::string& detail) {
  auto verdict = judge_status(got.status, got.body, {}, link_->server().key_source());
  if (is_unreachable(got.outcome.failure)) {
    detail = got.outcome.text;
    worsen(probe_verdict::bad, detail);
    return false;
  }
  if (got.outcome.failure == http_failure::none && got.status >= 200 && got.status < 300) {
    detail = "healthy";
    return true;
  }
  detail = got.outcome.text.empty() ? verdict.text : got.outcome.text;
  // Anything else that is not a fault of the server's shows that it is there.
  if (got.status == 401 || got.status == 403 || got.outcome.failure == http_failure::redirect)
    worsen(probe_verdict::unfit, detail);
  else if (verdict.loading)
    worsen(probe_verdict::loading, detail);
  else if (got.status >= 500)
    worsen(probe_verdict::bad, detail);
  return got.status < 500 && got.status != 401 && got.status != 403;
}

void probe_round::ask_models() {
  add_get("/v1/models",
          [this](const answer& got, std::string& detail) { return take_models(got, detail); });
}

bool probe_round::take_models(const answer& got, std::string& detail) {
  auto& facts = result_.facts;
  const auto& server = link_->server();
  bool answered = got.outcome.failure == http_failure::none && got.status == 200;
  if (!answered) return take_health(got, detail);
  if (!facts.read_models(got.body, server.model())) {
    detail = "it answers, but not with a list of models: is url the address of the API?";
    worsen(probe_verdict::unfit, detail);
    return false;
  }
  detail = "has " + facts.models_text();
  // llama.cpp answers to any name; whoever says which one to expect means it.
  bool must_match = !facts.any_name || !server.config().served_model.empty();
  if (!must_match || facts.has_model(server.model())) return true;
  detail = "the server does not have the model '" + server.model() + "'; it has " +
           facts.models_text() + " (served_model says which one to ask for)";
  worsen(probe_verdict::unfit, detail);
  return false;
}

bool probe_round::take_figure(const answer& got, bool was_read, bool& habit, std::string& detail) {
  if (was_read) return true;
  detail = trouble(got);
  // A server that has no such call will not have it the next time.
  if (got.outcome.failure == http_failure::none && got.status != 503 && got.status != 429)
    habit = false;
  return false;
}

void probe_round::ask_weights() {
  auto kind = result_.facts.kind;
  if (!result_.habits.weights) return;
  if (kind != server_kind::sglang && kind != server_kind::vllm) return;
  add_get(kind == server_kind::sglang ? "/model_info" : "/weight_info",
          [this](const answer& got, std::string& detail) {
            bool read = got.status == 200 && result_.facts.read_weights(got.body);
            if (read) detail = "weight version " + result_.facts.weight_version;
            return take_figure(got, read, result_.habits.weights, detail);
          });
}

void probe_round::ask_load() {
  auto kind = result_.facts.kind;
  if (!result_.habits.metrics || kind == server_kind::openai) return;
  bool sglang = kind == server_kind::sglang;
  add_get(sglang ? "/v1/loads?format=json" : "/metrics",
          [this, sglang](const answer& got, std::string& detail) {
            auto& facts = result_.facts;
            bool read = got.status == 200 &&
                        (sglang ? facts.read_loads(got.body) : facts.read_metrics(got.body));
            result_.load_is_new = result_.load_is_new || read;
            if (read) detail = load_text(facts);
            return take_figure(got, read, result_.habits.metrics, detail);
          });
}

void probe_round::ask_generation() {
  generation_request request;
  request.messages.push_back({schema::Role::USER, "Say one word."});
  request.max_tokens = 1;
  auto kind = result_.facts.kind.value_or(server_kind::openai);
  auto body = chat_request_body(request, {.model = link_->server().model(), .server = kind});
  if (!body) return;
  auto read = [this, request](const answer& got, std::string& detail) {
    if (got.outcome.failure != http_failure::none || got.status != 200) {
      detail = trouble(got);
      return false;
    }
    auto said = read_stream(got.body, request);
    if (said.code != errc::unknown) {
      detail = said.error;
      return false;
    }
    detail = std::to_string(said.completion_tokens) + " token of " +
             std::to_string(said.prompt_tokens) + " prompt tokens";
    if (!said.error.empty()) detail += "; " + said.error;
    return true;
  };
  steps_.push_back({"POST /v1/chat/completions", link_->server().chat(), std::move(*body), read});
}

std::string probe_round::trouble(const answer& got) const {
  if (!got.outcome.text.empty()) return got.outcome.text;
  if (got.status == 200) return "an answer of another form than expected";
  return judge_status(got.status, got.body, {}, link_->server().key_source()).text;
}

void probe_round::worsen(probe_verdict verdict, std::string reason) {
  if (result_.verdict == probe_verdict::good) {
    result_.verdict = verdict;
    result_.reason = link_->server().without_key(std::move(reason));
  }
  // The rest would fail as well; a probe by hand goes on and shows it.
  if (verdict != probe_verdict::unfit || extent_ != extent::with_generation) steps_.clear();
}

void probe_round::go_on() {
  auto loop = link_->loop();
  if (steps_.empty() || !loop) {
    end();
    return;
  }
  auto next = std::move(steps_.front());
  steps_.pop_front();
  auto endpoint = next.endpoint;
  auto body = std::move(next.body);
  loop->start(std::move(endpoint), std::move(body),
              std::make_shared<exchange>(shared_from_this(), std::move(next)));
}

void probe_round::take(const step& asked, const answer& got, std::chrono::microseconds took) {
  engine_check check{.what = asked.what, .took = took};
  if (got.outcome.failure == http_failure::cancelled) {
    // The loop ends.
    check.detail = got.outcome.text;
    worsen(probe_verdict::bad, check.detail);
  } else {
    check.ok = asked.read(got, check.detail);
  }
  check.detail = link_->server().without_key(std::move(check.detail));
  result_.checks.push_back(std::move(check));
  go_on();
}

void probe_round::end() {
  if (auto done = std::exchange(done_, nullptr)) done(std::move(result_));
}

}  // namespace tandem
