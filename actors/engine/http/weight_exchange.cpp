#include "actors/engine/http/weight_exchange.hpp"

#include <utility>

namespace tandem {
namespace {

constexpr std::size_t answer_bytes_max = std::size_t{1} << 20;

}  // namespace

class weight_exchange::handler : public http_handler {
 public:
  explicit handler(std::shared_ptr<weight_exchange> of) : of_{std::move(of)} {}

  void on_head(const http_head& head) override { status_ = head.status; }
  http_next on_body(std::string_view bytes) override {
    body_ += bytes;
    return http_next::progressed;
  }
  void on_end(http_outcome outcome) override {
    std::exchange(of_, nullptr)->take(outcome, status_, body_);
  }

 private:
  std::shared_ptr<weight_exchange> of_;
  int status_ = 0;
  std::string body_;
};

weight_exchange::weight_exchange(std::shared_ptr<http_link> link, weight_calls calls,
                                 std::chrono::milliseconds timeout, report done)
    : link_{std::move(link)},
      calls_{std::move(calls)},
      until_{clock::now() + timeout},
      done_{std::move(done)} {}

weight_exchange::~weight_exchange() {
  end(errc::cancelled, "the node's HTTP loop has ended");
}

void weight_exchange::begin(http_loop& loop) {
  loop.call_after(std::chrono::milliseconds{0}, [me = shared_from_this()] { me->go_on(); });
}

void weight_exchange::go_on() {
  if (next_ == calls_.size()) return end();
  auto loop = link_->loop();
  if (!loop) return end(errc::cancelled, "the node's HTTP loop has ended");
  auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - clock::now());
  if (left.count() <= 0)
    return end(errc::deadline_exceeded,
               outcome_.error.empty() ? "its time was over before " + calls_[next_].path
                                      : "its time is over; the last answer: " + outcome_.error);
  const auto& call = calls_[next_];
  ++tried_;
  loop->start(link_->server().request(call.body.empty() ? "GET" : "POST", call.path, left,
                                      answer_bytes_max),
              call.body, std::make_shared<handler>(shared_from_this()));
}

void weight_exchange::take(const http_outcome& outcome, int status, const std::string& body) {
  const auto& call = calls_[next_];
  if (outcome.failure != http_failure::none) {
    auto late = outcome.failure == http_failure::total_timeout ||
                outcome.failure == http_failure::connect_timeout;
    auto path = call.path.substr(0, call.path.find('?'));
    return end(late ? errc::deadline_exceeded : errc::engine_failed,
               path + ": " + (outcome.text.empty() ? "it broke off" : outcome.text));
  }
  switch (call.read(status, body, outcome_)) {
    case weight_call::verdict::good:
      outcome_.code = errc::unknown;
      outcome_.error.clear();
      ++next_;
      tried_ = 0;
      return go_on();
    case weight_call::verdict::again:
      if (call.tries == 0 || tried_ < call.tries) return again(call);
      outcome_.error += ", " + std::to_string(tried_) + " times";
      return end();
    default:
      return end();
  }
}

void weight_exchange::again(const weight_call& call) {
  auto loop = link_->loop();
  if (!loop) return end(errc::cancelled, "the node's HTTP loop has ended");
  loop->call_after(call.pause, [me = shared_from_this()] { me->go_on(); });
}

void weight_exchange::end(errc code, std::string error) {
  outcome_.code = code;
  outcome_.error = std::move(error);
  end();
}

void weight_exchange::end() {
  auto done = std::exchange(done_, nullptr);
  if (!done) return;
  outcome_.error = link_->server().without_key(std::move(outcome_.error));
  outcome_.detail = link_->server().without_key(std::move(outcome_.detail));
  done(std::move(outcome_));
}

}  // namespace tandem
