#include "actors/trace/tracer_exporter.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t reply_bytes_max = 64 * 1024;
constexpr std::size_t answer_bytes_max = 200;

std::shared_ptr<const http_endpoint> endpoint_of(const trace_config& config,
                                                 std::chrono::milliseconds timeout) {
  http_endpoint out;
  out.method = "POST";
  out.url = config.otlp;
  while (out.url.ends_with('/')) out.url.pop_back();
  if (!out.url.ends_with("/v1/traces")) out.url += "/v1/traces";
  out.headers = config.headers;
  out.headers.emplace_back("Content-Type: application/json");
  out.total_timeout = timeout;
  out.response_bytes_max = reply_bytes_max;
  return std::make_shared<const http_endpoint>(std::move(out));
}

/// As OTLP says: what else is refused stays refused.
bool may_retry(const http_outcome& outcome) {
  switch (outcome.failure) {
    case http_failure::none:
      return outcome.status == 429 || (outcome.status >= 500 && outcome.status != 501);
    case http_failure::invalid:
    case http_failure::too_large:
    case http_failure::redirect:
    case http_failure::cancelled:
      return false;
    default:
      return true;
  }
}

}  // namespace

class tracer::exporter::handler : public http_handler {
 public:
  explicit handler(std::weak_ptr<exporter> owner) : owner_{std::move(owner)} {}
  http_next on_body(std::string_view) override { return http_next::progressed; }
  void on_end(http_outcome outcome) override {
    if (auto owner = owner_.lock()) owner->on_end(outcome);
  }

 private:
  std::weak_ptr<exporter> owner_;
};

tracer::exporter::exporter(const trace_config& config, trace_identity who,
                           const std::shared_ptr<http_loop>& loop, const options& how)
    : endpoint_{endpoint_of(config, how.timeout)},
      who_{std::move(who)},
      loop_{loop},
      how_{how},
      queue_max_{std::max<std::size_t>(config.queue_max, 1)},
      batch_max_{std::max<std::size_t>(config.batch_max, 1)},
      interval_{config.interval} {}

void tracer::exporter::push(span done) {
  auto pause = interval_;
  {
    const std::lock_guard lock{mutex_};
    ++counts_.recorded;
    if (closed_ || queue_.size() >= queue_max_) {
      ++counts_.dropped;
      return;
    }
    queue_.push_back(std::move(done));
    auto is_full = queue_.size() >= batch_max_ && body_.empty() && !hurry_;
    if (look_due_ && !is_full) return;
    if (is_full) {
      hurry_ = true;
      pause = std::chrono::milliseconds{0};
    }
    look_due_ = true;
  }
  look_later(pause);
}

void tracer::exporter::look_later(std::chrono::milliseconds pause) {
  if (auto loop = loop_.lock())
    loop->call_after(pause, [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->send();
    });
}

void tracer::exporter::send() {
  std::vector<span> batch;
  {
    const std::lock_guard lock{mutex_};
    look_due_ = hurry_ = false;
    if (closed_ || !body_.empty() || queue_.empty()) return;
    auto size = std::min(queue_.size(), batch_max_);
    auto end = queue_.begin() + static_cast<std::ptrdiff_t>(size);
    batch.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
    queue_.erase(queue_.begin(), end);
    batch_ = size;
    tries_ = 0;
    // Taken before the lock is given up.
    body_ = " ";
  }
  auto body = otlp_json(who_, batch);
  {
    const std::lock_guard lock{mutex_};
    body_ = std::move(body);
  }
  post();
}

void tracer::exporter::post() {
  std::string body;
  {
    const std::lock_guard lock{mutex_};
    if (closed_) return;
    ++tries_;
    body = body_;
  }
  if (auto loop = loop_.lock())
    loop->start(endpoint_, std::move(body), std::make_shared<handler>(weak_from_this()));
}

void tracer::exporter::on_end(const http_outcome& outcome) {
  auto is_taken =
      outcome.failure == http_failure::none && outcome.status >= 200 && outcome.status < 300;
  auto pause = std::chrono::milliseconds{0};
  auto again = false;
  auto more = false;
  {
    const std::lock_guard lock{mutex_};
    if (!is_taken)
      counts_.last_error = outcome.text.empty()
                               ? "the collector answers " + std::to_string(outcome.status)
                               : std::string{cut(outcome.text, answer_bytes_max)};
    again = !is_taken && !closed_ && may_retry(outcome) && tries_ < how_.tries_max;
    if (again) {
      pause = how_.retry_first * (1 << std::min(tries_ - 1, 16u));
    } else {
      (is_taken ? counts_.exported : counts_.failed) += batch_;
      body_.clear();
      batch_ = 0;
      more = !queue_.empty();
      // What has come meanwhile has waited long enough if it fills a batch.
      if (more && queue_.size() < batch_max_) pause = interval_;
      look_due_ = more;
    }
  }
  changed_.notify_all();
  if (again) {
    if (auto loop = loop_.lock())
      loop->call_after(pause, [weak = weak_from_this()] {
        if (auto self = weak.lock()) self->post();
      });
  } else if (more) {
    look_later(pause);
  }
}

tracer::counts tracer::exporter::count() const {
  const std::lock_guard lock{mutex_};
  auto out = counts_;
  out.waiting = queue_.size() + batch_;
  return out;
}

bool tracer::exporter::flush(std::chrono::milliseconds patience) {
  auto until = std::chrono::steady_clock::now() + patience;
  std::unique_lock lock{mutex_};
  while (!queue_.empty() || !body_.empty()) {
    if (closed_) return false;
    if (body_.empty()) {
      lock.unlock();
      look_later(std::chrono::milliseconds{0});
      lock.lock();
    }
    if (queue_.empty() && body_.empty()) break;
    if (changed_.wait_until(lock, until) == std::cv_status::timeout) return false;
  }
  return true;
}

void tracer::exporter::close() {
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace tandem
