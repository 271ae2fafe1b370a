#include "actors/engine/sim/shared_rates.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr auto is_later = [](const auto& a, const auto& b) {
  return a.at != b.at ? a.at > b.at : a.call > b.call;
};

template <class Events, class Event>
void push(Events& events, Event event) {
  events.push_back(event);
  std::push_heap(events.begin(), events.end(), is_later);
}

template <class Events>
auto pop(Events& events) {
  auto first = events.front();
  std::pop_heap(events.begin(), events.end(), is_later);
  events.pop_back();
  return first;
}

template <class Events>
void take_out(Events& events, pace::key call) {
  if (std::erase_if(events, [call](const auto& each) { return each.call == call; }) > 0)
    std::make_heap(events.begin(), events.end(), is_later);
}

}  // namespace

shared_rates::shared_rates(const sim_config& config)
    : rate_us_{config.prefill_rate > 0 ? 1e6 / config.prefill_rate : 0},
      first_us_{us_of(config.first_token)},
      token_us_{us_of(config.per_token)},
      other_us_{us_of(config.per_token_batch)},
      slots_{config.slots} {}

double shared_rates::read_us(const state& s) const {
  return rate_us_ * static_cast<double>(s.readers.size());
}

double shared_rates::write_us(const state& s) const {
  return token_us_ + other_us_ * static_cast<double>(s.size() - 1);
}

void shared_rates::begin(state& s, key call) {
  const auto& work = works_[call];
  if (work.read <= 0 || rate_us_ <= 0) return pause(s, call);
  push(s.readers, event{s.read + work.read * work.slow, call});
}

void shared_rates::pause(state& s, key call) {
  marks_[call].read = s.time;
  auto us = first_us_ * works_[call].slow;
  if (us <= 0) return write(s, call);
  push(s.pausing, event{s.time + us, call});
}

void shared_rates::write(state& s, key call) {
  const auto& work = works_[call];
  marks_[call].first = s.time;
  begun_[call] = s.wrote;
  if (work.write <= 0 || token_us_ + other_us_ <= 0) {
    marks_[call].end = s.time;
    return admit(s);
  }
  push(s.writers, event{s.wrote + work.write * work.slow, call});
}

void shared_rates::end(state& s, key call) {
  marks_[call].end = s.time;
  admit(s);
}

void shared_rates::admit(state& s) {
  while (!s.line.empty() && (slots_ == 0 || s.size() < slots_)) {
    auto call = s.line.front();
    s.line.erase(s.line.begin());
    begin(s, call);
  }
}

void shared_rates::end_due(state& s) {
  while (!s.readers.empty() && s.readers.front().at <= s.read + hair) pause(s, pop(s.readers).call);
  if (s.readers.empty()) s.read = 0;
  while (!s.pausing.empty() && s.pausing.front().at <= s.time) write(s, pop(s.pausing).call);
  while (!s.writers.empty() && s.writers.front().at <= s.wrote + hair) end(s, pop(s.writers).call);
}

void shared_rates::run(state& s, double until) {
  while (s.size() > 0) {
    auto reads = read_us(s);
    auto writes = write_us(s);
    auto read = s.readers.empty() ? never : s.time + (s.readers.front().at - s.read) * reads;
    auto wrote = s.writers.empty() ? never : s.time + (s.writers.front().at - s.wrote) * writes;
    auto next = std::min({read, wrote, s.pausing.empty() ? never : s.pausing.front().at});
    auto to = std::max(std::min(next, until), s.time);
    // What is next is due then, whatever the division says: else time might stand still.
    if (!s.readers.empty())
      s.read = read <= to ? s.readers.front().at : s.read + (to - s.time) / reads;
    if (!s.writers.empty())
      s.wrote = wrote <= to ? s.writers.front().at : s.wrote + (to - s.time) / writes;
    s.time = to;
    if (next > until) return;
    end_due(s);
  }
  if (!std::isinf(until)) s.time = std::max(s.time, until);
}

void shared_rates::advance(double now) {
  run(now_, now);
}

void shared_rates::forecast() {
  later_ = now_;
  run(later_, never);
}

void shared_rates::enter(key call, double) {
  now_.line.push_back(call);
  admit(now_);
}

void shared_rates::leave(key call) {
  std::erase(now_.line, call);
  take_out(now_.readers, call);
  take_out(now_.pausing, call);
  take_out(now_.writers, call);
  admit(now_);
}

double shared_rates::written_of(key call, double) const {
  if (marks_[call].first > now_.time) return 0;
  const auto& work = works_[call];
  return std::clamp(std::floor((now_.wrote - begun_[call]) / work.slow + hair), 0.0, work.write);
}

double shared_rates::time_of(key call, double tokens, double now) {
  const auto at = of(call, now);
  auto us = write_us(now_) * works_[call].slow;
  auto time = now < at.first
                  ? at.first + tokens * us
                  : now_.time + (begun_[call] - now_.wrote) * write_us(now_) + tokens * us;
  return std::clamp(time, now, std::max(now, at.end));
}

}  // namespace tandem
