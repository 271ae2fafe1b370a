#include "actors/engine/calibrate/backend_meter.hpp"

#include <algorithm>
#include <utility>

namespace tandem {
namespace {

using clock = std::chrono::steady_clock;

double us_between(clock::time_point from, clock::time_point to) {
  return std::chrono::duration<double, std::micro>(to - from).count();
}

}  // namespace

caf::expected<std::unique_ptr<backend_meter>> backend_meter::open(const engine_config& config,
                                                                  backend_services services,
                                                                  std::size_t at_once,
                                                                  clock::duration limit) {
  std::unique_ptr<backend_meter> meter{new backend_meter};
  meter->at_once_ = at_once;
  auto* self = meter.get();
  services.now = [] { return clock::now(); };
  auto made = make_backend(config, services,
                           {.on_text =
                                [self](std::uint64_t id, const std::string&) {
                                  auto now = clock::now();
                                  std::lock_guard lock{self->mutex_};
                                  auto& of = self->outcomes_[id];
                                  if (of.first == clock::time_point{}) of.first = now;
                                },
                            .on_done =
                                [self](std::uint64_t id, generation result) {
                                  std::lock_guard lock{self->mutex_};
                                  self->end(id, std::move(result));
                                },
                            .on_status =
                                [self] {
                                  std::lock_guard lock{self->mutex_};
                                  self->changed_.notify_all();
                                }});
  if (!made) return std::move(made.error());
  meter->backend_ = std::move(*made);
  auto until = clock::now() + limit;
  while (true) {
    auto status = meter->backend_->status();
    if (status.health == schema::Health::HEALTHY) return meter;
    if (clock::now() > until)
      return make_error(errc::unavailable,
                        "the engine takes no requests: " +
                            (status.reason.empty() ? "it does not answer" : status.reason));
    std::unique_lock lock{meter->mutex_};
    meter->changed_.wait_for(lock, std::chrono::milliseconds{50});
  }
}

void backend_meter::end(std::uint64_t id, generation result) {
  auto& of = outcomes_[id];
  if (of.result) return;
  of.ended = clock::now();
  if (of.first == clock::time_point{})
    of.first = result.first_text == clock::time_point{} ? of.ended : result.first_text;
  of.result = std::move(result);
  ++ended_;
  changed_.notify_all();
}

void backend_meter::take(std::uint64_t id, progress news) {
  if (auto* result = std::get_if<generation>(&news)) {
    std::lock_guard lock{mutex_};
    end(id, std::move(*result));
  } else if (auto* pause = std::get_if<std::chrono::microseconds>(&news)) {
    due_[id] = clock::now() + *pause;
  }
}

void backend_meter::begin(const planned_call& call, std::uint64_t id) {
  generation_request request;
  request.id = id;
  request.purpose = schema::Purpose::STEP;
  request.messages = {{schema::Role::USER, call.prompt}};
  request.max_tokens = call.tokens;
  request.ignore_end = true;
  take(id, backend_->start(std::move(request)));
}

void backend_meter::resume_due() {
  std::vector<std::uint64_t> ready;
  auto now = clock::now();
  for (const auto& [id, at] : due_)
    if (at <= now) ready.push_back(id);
  for (auto id : ready) {
    due_.erase(id);
    take(id, backend_->resume(id));
  }
}

std::size_t backend_meter::ended_so_far() {
  std::lock_guard lock{mutex_};
  return ended_;
}

measured_round backend_meter::measure(const std::vector<planned_call>& calls) {
  {
    std::lock_guard lock{mutex_};
    outcomes_.clear();
    ended_ = 0;
  }
  due_.clear();
  auto began = clock::now();
  auto first = ids_ + 1;
  std::size_t came = 0;
  std::size_t sent = 0;
  auto limit = began + round_limit;
  auto time_of = [&](const planned_call& call) {
    return began + std::chrono::microseconds{static_cast<std::int64_t>(call.at_us)};
  };
  while (true) {
    while (came < calls.size() && time_of(calls[came]) <= clock::now()) {
      std::lock_guard lock{mutex_};
      outcomes_[first + came++].began = clock::now();
    }
    auto ended = ended_so_far();
    while (sent < came && (at_once_ == 0 || sent - ended < at_once_)) begin(calls[sent++], ++ids_);
    resume_due();
    auto next = came < calls.size() ? std::min(limit, time_of(calls[came])) : limit;
    for (const auto& [id, at] : due_) next = std::min(next, at);
    std::unique_lock lock{mutex_};
    if (ended_ == calls.size() || clock::now() >= limit) break;
    changed_.wait_until(lock, next, [&] { return ended_ != ended; });
  }
  for (auto id = first; id < first + sent; ++id) {
    std::unique_lock lock{mutex_};
    if (outcomes_[id].result) continue;
    lock.unlock();
    take(id, backend_->cancel(id));
  }
  measured_round round;
  std::lock_guard lock{mutex_};
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto& of = outcomes_[first + i];
    measured_call out{.at_us = us_between(began, of.began),
                      .first_us = us_between(began, of.first),
                      .end_us = us_between(began, of.ended)};
    if (of.result && of.ended < limit) {
      out.code = of.result->code;
      out.error = of.result->error;
      out.prompt_tokens = static_cast<double>(of.result->prompt_tokens);
      out.cached_tokens = static_cast<double>(of.result->cached_prompt_tokens);
      out.written_tokens = static_cast<double>(of.result->completion_tokens);
    } else {
      out.code = errc::deadline_exceeded;
      out.error = "it did not end";
    }
    round.push_back(std::move(out));
  }
  return round;
}

double backend_meter::seconds() {
  return std::chrono::duration<double>(clock::now().time_since_epoch()).count();
}

}  // namespace tandem
