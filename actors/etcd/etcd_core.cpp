#include "actors/etcd/etcd_core.hpp"

#include <algorithm>

#include "actors/etcd/etcd_json.hpp"

namespace tandem {
namespace {

constexpr std::size_t calls_max = 1024;
constexpr std::size_t response_bytes_max = std::size_t{4} * 1024 * 1024;
/// A watch begins anew after as much.
constexpr std::size_t stream_bytes_max = std::size_t{64} * 1024 * 1024;
constexpr std::chrono::milliseconds pause_min{20};
constexpr std::chrono::milliseconds pause_max{500};
constexpr std::string_view login_path = "/v3/auth/authenticate";

/// So long one endpoint has, that others still get a chance within the call's time.
std::chrono::milliseconds try_timeout_of(const etcd_config& config) {
  auto tries = std::clamp<std::size_t>(config.endpoints.size(), 1, 3);
  return std::max(config.timeout / static_cast<int>(tries), std::chrono::milliseconds{1});
}

/// Whether nothing of the request can have reached a server.
bool was_not_sent(http_failure failure) {
  switch (failure) {
    case http_failure::overloaded:
    case http_failure::invalid:
    case http_failure::resolve:
    case http_failure::connect:
    case http_failure::connect_timeout:
    case http_failure::tls:
      return true;
    default:
      return false;
  }
}

}  // namespace

struct etcd_core::call {
  request what;
  std::uint64_t id = 0;
  clock::time_point deadline;
  etcd_history::mark sent;
  /// Under way; 0: none.
  std::uint64_t exchange = 0;
  /// Of the latest try.
  std::size_t endpoint = 0;
  std::uint32_t tries = 0;
  bool logged_in_again = false;
  std::string last_trouble;

  explicit call(request next) : what{std::move(next)} {}
  call(const call&) = delete;
  call& operator=(const call&) = delete;
  /// The loop may be gone with all its timers: whoever waits is told all the same.
  ~call() {
    if (what.done) end(exchange != 0 ? fate() : etcd_failure::unavailable, "the client has ended");
  }

  [[nodiscard]] etcd_failure fate() const {
    return what.can_repeat ? etcd_failure::unavailable : etcd_failure::unknown_fate;
  }
  void end(etcd_failure failure, std::string text, etcd_reply reply = {}) {
    if (failure != etcd_failure::none) text = "etcd " + std::string{what.path} + ": " + text;
    auto done = std::exchange(what.done, nullptr);
    if (done) done({failure, std::move(text), std::move(reply)});
  }
};

/// Collects one response.
class etcd_core::answer : public http_handler {
 public:
  answer(std::shared_ptr<etcd_core> core, std::shared_ptr<call> one, std::size_t endpoint)
      : core_{std::move(core)}, call_{std::move(one)}, endpoint_{endpoint} {}

  http_next on_body(std::string_view bytes) override {
    // The loop bounds it.
    body_ += bytes;
    return http_next::progressed;
  }
  void on_end(http_outcome outcome) override { core_->ended(call_, endpoint_, outcome, body_); }

 private:
  std::shared_ptr<etcd_core> core_;
  std::shared_ptr<call> call_;
  std::size_t endpoint_;
  std::string body_;
};

etcd_core::etcd_core(etcd_config config, std::string password,
                     const std::shared_ptr<http_loop>& loop, etcd_history history)
    : config_{std::move(config)},
      password_{std::move(password)},
      loop_{loop},
      try_timeout_{try_timeout_of(config_)},
      history_{std::move(history)} {}

etcd_core::~etcd_core() = default;

void etcd_core::later(std::chrono::milliseconds pause, std::function<void()> function) {
  if (auto loop = loop_.lock()) loop->call_after(pause, std::move(function));
}

void etcd_core::post(std::function<void()> function) {
  later(std::chrono::milliseconds{0}, std::move(function));
}

void etcd_core::submit(request next) {
  // Dropped with the loop's timers, it still answers.
  auto one = std::make_shared<call>(std::move(next));
  post([self = shared_from_this(), one] { self->begin(one); });
}

void etcd_core::begin(std::shared_ptr<call> one) {
  if (closed_) return one->end(etcd_failure::unavailable, "the client has ended");
  if (calls_.size() >= calls_max)
    return one->end(etcd_failure::unavailable,
                    "too many calls at once (" + std::to_string(calls_max) + ")");
  one->id = ++next_call_;
  auto timeout = one->what.timeout.count() > 0 ? one->what.timeout : config_.timeout;
  one->deadline = clock::now() + timeout;
  calls_.emplace(one->id, one);
  later(timeout, [weak = weak_from_this(), id = one->id, timeout] {
    auto self = weak.lock();
    if (!self) return;
    auto found = self->calls_.find(id);
    if (found == self->calls_.end()) return;
    auto late = found->second;
    auto was_sent = late->exchange != 0;
    self->finish(late, was_sent ? late->fate() : etcd_failure::unavailable,
                 "no answer within " + std::to_string(timeout.count()) + " ms" +
                     (late->last_trouble.empty() ? "" : "; " + late->last_trouble));
    if (!was_sent) return;
    // Whoever does not answer is not asked next.
    self->leave_endpoint(late->endpoint);
    self->cancel_stream(late->exchange);
  });
  attempt(one);
}

void etcd_core::attempt(const std::shared_ptr<call>& one) {
  if (!one->what.done) return;
  if (!history_.broken().empty())
    return finish(one, etcd_failure::other_history, history_.broken());
  if (!config_.user.empty() && token_.empty() && one->what.path != login_path) return log_in(one);
  auto loop = loop_.lock();
  if (!loop) return finish(one, etcd_failure::unavailable, "the node stops");
  one->sent = history_.now();
  ++one->tries;
  one->endpoint = current_;
  one->exchange = loop->start(endpoint_of(current_, one->what.path, false), one->what.body,
                              std::make_shared<answer>(shared_from_this(), one, current_));
}

void etcd_core::log_in(const std::shared_ptr<call>& one) {
  waiting_for_token_.push_back(one);
  if (std::exchange(is_logging_in_, true)) return;
  auto login =
      std::make_shared<call>(request{.path = login_path,
                                     .body = login_json(config_.user, password_),
                                     .can_repeat = true,
                                     .done = [weak = weak_from_this()](etcd_result result) {
                                       if (auto self = weak.lock())
                                         self->logged_in(std::move(result));
                                     }});
  begin(std::move(login));
}

void etcd_core::logged_in(etcd_result result) {
  is_logging_in_ = false;
  auto waiting = std::exchange(waiting_for_token_, {});
  if (result.ok() && result.reply.token.empty()) {
    result.failure = etcd_failure::malformed;
    result.text = "etcd gave no token";
  }
  if (result.ok()) {
    drop_token();
    token_ = std::move(result.reply.token);
  }
  for (const auto& one : waiting) {
    if (result.ok())
      attempt(one);
    else
      finish(one, result.failure, result.text);
  }
}

void etcd_core::drop_token() {
  token_.clear();
  endpoints_.clear();
}

void etcd_core::ended(const std::shared_ptr<call>& one, std::size_t endpoint,
                      const http_outcome& outcome, std::string_view body) {
  one->exchange = 0;
  if (!one->what.done) return;
  if (outcome.failure == http_failure::none) {
    if (outcome.status == 200) return answered(one, endpoint, body);
    return refused(one, endpoint, outcome.status, body);
  }
  if (outcome.failure == http_failure::cancelled) return finish(one, one->fate(), "the node stops");
  if (was_not_sent(outcome.failure) || one->what.can_repeat)
    return try_again(one, endpoint, outcome.text);
  lost(one, endpoint, outcome.text);
}

void etcd_core::answered(const std::shared_ptr<call>& one, std::size_t endpoint,
                         std::string_view body) {
  auto reply = read_reply(body);
  if (!reply) {
    // An error may come as the first message of a stream.
    if (read_refusal(body)) return refused(one, endpoint, 200, body);
    auto text = "the answer is not etcd's (" + config_.endpoints[endpoint] + ")";
    leave_endpoint(endpoint);
    return finish(one, one->what.can_repeat ? etcd_failure::malformed : etcd_failure::unknown_fate,
                  std::move(text));
  }
  if (!history_.accept(reply->header, one->sent, one->what.is_current)) {
    auto text = history_.broken();
    if (text.empty()) return finish(one, one->fate(), "its answer is from before");
    return finish(one, etcd_failure::other_history, std::move(text));
  }
  finish(one, etcd_failure::none, {}, std::move(*reply));
}

void etcd_core::refused(const std::shared_ptr<call>& one, std::size_t endpoint, int status,
                        std::string_view body) {
  auto refusal = read_refusal(body);
  auto text = (refusal ? refusal->message : "HTTP status " + std::to_string(status)) + " (" +
              config_.endpoints[endpoint] + ")";
  auto code = refusal ? refusal->code : status < 500 ? 3 : 2;
  auto is_stale = code == 16 || text.find("auth store is old") != text.npos;
  if (is_stale && !config_.user.empty() && !one->logged_in_again && one->what.path != login_path) {
    one->logged_in_again = true;
    drop_token();
    return attempt(one);
  }
  switch (code) {
    case 5:
      return finish(one, etcd_failure::not_found, std::move(text));
    case 3:
    case 6:
    case 9:
    case 12:
      if (text.find("authentication failed") != text.npos)
        return finish(one, etcd_failure::not_authenticated,
                      text + "; check etcd.user and etcd.password_file");
      return finish(one, etcd_failure::refused, std::move(text));
    case 7:
    case 16:
      return finish(one, etcd_failure::not_authenticated,
                    text + "; check etcd.user, its rights and etcd.password_file");
    case 8:
      return finish(one, etcd_failure::refused,
                    text + "; etcd has no room: compact and defragment it, or raise its quota");
    case 11:
      return finish(one, etcd_failure::compacted, std::move(text));
    default:
      break;
  }
  if (one->what.can_repeat) return try_again(one, endpoint, std::move(text));
  lost(one, endpoint, std::move(text));
}

void etcd_core::leave_endpoint(std::size_t number) {
  if (number == current_) current_ = (current_ + 1) % config_.endpoints.size();
}

void etcd_core::try_again(const std::shared_ptr<call>& one, std::size_t endpoint, std::string why) {
  leave_endpoint(endpoint);
  one->last_trouble = std::move(why);
  auto count = static_cast<std::uint32_t>(config_.endpoints.size());
  if (one->tries % count != 0) return attempt(one);
  // All of them have been asked.
  auto pause = std::min(pause_min * (1u << std::min(one->tries / count, 6u)), pause_max);
  if (clock::now() + pause >= one->deadline)
    return finish(one, etcd_failure::unavailable, one->last_trouble);
  later(pause, [self = shared_from_this(), one] { self->attempt(one); });
}

void etcd_core::lost(const std::shared_ptr<call>& one, std::size_t endpoint, std::string why) {
  leave_endpoint(endpoint);
  finish(one, etcd_failure::unknown_fate, std::move(why));
}

void etcd_core::finish(const std::shared_ptr<call>& one, etcd_failure failure, std::string text,
                       etcd_reply reply) {
  // The call may be known from there alone.
  auto keep = one;
  calls_.erase(keep->id);
  keep->end(failure, std::move(text), std::move(reply));
}

void etcd_core::close() {
  closed_ = true;
  waiting_for_token_.clear();
  for (auto& [id, one] : std::exchange(calls_, {})) {
    auto exchange = one->exchange;
    one->end(exchange != 0 ? one->fate() : etcd_failure::unavailable, "the client has ended");
    if (exchange != 0) cancel_stream(exchange);
  }
}

std::shared_ptr<const http_endpoint> etcd_core::endpoint_of(std::size_t number,
                                                            std::string_view path, bool is_stream) {
  auto& known = endpoints_[{number, std::string{path}}];
  if (known) return known;
  auto made = std::make_shared<http_endpoint>();
  made->method = "POST";
  made->url = config_.endpoints[number] + std::string{path};
  made->headers.emplace_back("Content-Type: application/json");
  if (!token_.empty() && path != login_path) made->headers.push_back("Authorization: " + token_);
  made->connect_timeout = std::min(try_timeout_, std::chrono::milliseconds{2000});
  if (is_stream)
    made->first_timeout = try_timeout_;
  else
    made->total_timeout = try_timeout_;
  made->response_bytes_max = is_stream ? stream_bytes_max : response_bytes_max;
  made->ca_file = config_.ca_file;
  made->cert_file = config_.cert_file;
  made->key_file = config_.key_file;
  known = std::move(made);
  return known;
}

std::uint64_t etcd_core::open_stream(std::string_view path, std::string body,
                                     std::shared_ptr<http_handler> handler) {
  auto loop = loop_.lock();
  if (!loop) return 0;
  return loop->start(endpoint_of(current_, path, true), std::move(body), std::move(handler));
}

void etcd_core::cancel_stream(std::uint64_t exchange) {
  if (auto loop = loop_.lock()) loop->cancel(exchange);
}

}  // namespace tandem
