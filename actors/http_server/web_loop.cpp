#include "actors/http_server/web_loop.hpp"

#include <algorithm>
#include <utility>

#include "actors/http_server/answer_head.hpp"
#include "actors/http_server/web_connection.hpp"

namespace tandem {
namespace {

constexpr std::size_t parsers_kept_max = 16;
constexpr std::size_t text_kept_bytes_max = 64 * 1024;
constexpr std::chrono::milliseconds period_min{10};
constexpr std::chrono::milliseconds period_max{500};
/// A timeout may be late by a part of it.
constexpr int looks_per_timeout = 8;

}  // namespace

web_shared::web_shared(const web_server_options& chosen, std::shared_ptr<http_service> answers)
    : options{chosen}, service{std::move(answers)}, memory{std::make_shared<web_memory>()} {
  limits.header_bytes_max = options.header_bytes_max;
  limits.target_bytes_max = std::min(limits.target_bytes_max, limits.header_bytes_max);
  limits.body_bytes_max = options.body_bytes_max;
  memory->bytes_max = options.memory_bytes_max;
  memory->stream_bytes_max = options.stream_bytes_max;
}

web_loop::web_loop(web_shared& all)
    : shared{all}, link{std::make_shared<web_link>()}, scratch(scratch_bytes) {
  link->io = &io;
  parsers_.reserve(parsers_kept_max);
  const auto& options = shared.options;
  auto shortest = std::min({options.read_timeout, options.idle_timeout, options.write_timeout});
  period_ = std::clamp(shortest / looks_per_timeout, period_min, period_max);
}

web_loop::~web_loop() {
  {
    std::lock_guard lock{link->mutex};
    link->io = nullptr;
  }
  for (auto* list : {&idle, &busy}) {
    auto last = std::exchange(*list, {});
    for (auto& each : last) each->forget();
  }
}

void web_loop::run() {
  auto work = boost::asio::make_work_guard(io);
  for (;;) {
    try {
      io.run();
      return;
    } catch (...) {
      // Of a handler that had no memory even to say so: the others go on.
    }
  }
}

void web_loop::watch() {
  if (is_watching_) return;
  is_watching_ = true;
  timer_.expires_after(period_);
  timer_.async_wait([this](boost::system::error_code failure) {
    is_watching_ = false;
    if (!failure) look();
  });
}

/// One timer for all connections: setting one for every request would cost more than to look at
/// all of them a few times a second.
void web_loop::look() {
  auto now = std::chrono::steady_clock::now();
  for (auto at = busy.begin(); at != busy.end();) {
    auto each = *at++;
    each->look(now);
  }
  while (!idle.empty() && idle.front()->is_due(now)) {
    auto each = idle.front();
    each->look(now);
    if (!idle.empty() && idle.front() == each) break;
  }
  if (!idle.empty() || !busy.empty()) watch();
}

bool web_loop::close_longest_idle() {
  if (idle.empty()) return false;
  auto longest = idle.front();
  longest->close();
  return true;
}

void web_loop::close_idle() {
  while (close_longest_idle()) {
  }
}

std::unique_ptr<request_parser> web_loop::borrow_parser() {
  if (parsers_.empty()) return std::make_unique<request_parser>(shared.limits);
  auto out = std::move(parsers_.back());
  parsers_.pop_back();
  return out;
}

void web_loop::give_back(std::unique_ptr<request_parser> parser) {
  if (parsers_.size() >= parsers_kept_max) return;
  parser->reset();
  parsers_.push_back(std::move(parser));
}

std::string web_loop::borrow_text() {
  return std::exchange(text_, {});
}

void web_loop::give_back(std::string text) {
  if (text.capacity() <= text_.capacity() || text.capacity() > text_kept_bytes_max) return;
  text.clear();
  text_ = std::move(text);
}

std::string_view web_loop::date() {
  auto second = std::time(nullptr);
  if (second != date_second_) {
    date_second_ = second;
    date_ = http_date(second);
  }
  return date_;
}

}  // namespace tandem
