#include "actors/engine/sim/batch_steps.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr auto ends_later = [](const auto& a, const auto& b) {
  return a.last != b.last ? a.last > b.last : a.call > b.call;
};

/// How many steps begin within `span`, where the first takes `first` and each next one `growth`
/// more.
double steps_within(double span, double first, double growth) {
  if (first <= 0) return std::numeric_limits<double>::infinity();
  auto count = span / first;
  if (growth > 0) {
    auto half = first - growth / 2;
    count = (std::sqrt(half * half + 2 * growth * span) - half) / growth;
  }
  return std::floor(count) + 1;
}

}  // namespace

batch_steps::batch_steps(const sim_config& config)
    : overhead_us_{us_of(config.first_token)},
      base_us_{std::max(0.0, us_of(config.per_token) - us_of(config.per_token_batch))},
      alone_us_{us_of(config.per_token)},
      writer_us_{us_of(config.per_token_batch)},
      token_us_{config.prefill_rate > 0 ? 1e6 / config.prefill_rate : 0},
      write_context_us_{us_of(config.per_token_context) / 1000},
      read_context_us_{us_of(config.prefill_context) / 1000},
      chunk_{static_cast<double>(std::max<std::uint32_t>(config.prefill_chunk, 1))},
      slots_{config.slots} {}

bool batch_steps::has_slot(const state& s) const {
  return slots_ == 0 || s.readers.size() + s.writers.size() < slots_;
}

void batch_steps::admit(state& s) const {
  std::size_t came = 0;
  while (came < s.arriving.size() && s.arriving[came].at <= s.time)
    s.line.push_back(s.arriving[came++].call);
  s.arriving.erase(s.arriving.begin(), s.arriving.begin() + static_cast<std::ptrdiff_t>(came));
  std::size_t taken = 0;
  while (taken < s.line.size() && has_slot(s)) {
    auto call = s.line[taken++];
    const auto& work = works_[call];
    s.readers.push_back({call, work.read * work.slow, work.cached});
  }
  s.line.erase(s.line.begin(), s.line.begin() + static_cast<std::ptrdiff_t>(taken));
}

double batch_steps::write_cost(const state& s) const {
  if (s.writers.empty()) return base_us_;
  return alone_us_ + writer_us_ * static_cast<double>(s.writers.size() - 1) +
         write_context_us_ * s.context;
}

void batch_steps::end_writers(state& s) {
  while (!s.writers.empty() && s.writers.front().last <= s.steps) {
    const auto& done = s.writers.front();
    marks_[done.call].end = s.time;
    s.context -= done.context + s.steps;
    std::pop_heap(s.writers.begin(), s.writers.end(), ends_later);
    s.writers.pop_back();
  }
  // Sums of doubles drift.
  if (s.writers.empty()) s.context = 0;
}

void batch_steps::read_step(state& s) {
  auto room = chunk_;
  auto cost = write_cost(s);
  std::size_t done = 0;
  for (auto& each : s.readers) {
    auto count = std::min(each.left, room);
    cost += token_us_ * count + read_context_us_ * count * (each.position + count / 2);
    each.left -= count;
    each.position += count;
    room -= count;
    if (each.left > hair) break;
    ++done;
    if (room <= hair) break;
  }
  auto writers = static_cast<double>(s.writers.size());
  s.last_step = cost;
  s.time += cost;
  s.steps += 1;
  s.context += writers;
  end_writers(s);
  for (std::size_t i = 0; i < done; ++i) {
    const auto& each = s.readers[i];
    const auto& work = works_[each.call];
    auto& at = marks_[each.call];
    at.read = at.first = s.time;
    begun_[each.call] = s.steps;
    // The last prompt token's result is the first token written.
    auto more = std::ceil((work.write - 1) * work.slow - hair);
    if (more <= 0) {
      at.end = s.time;
      continue;
    }
    s.context += each.position + 1;
    s.writers.push_back({s.steps + more, each.call, each.position + 1 - s.steps});
    std::push_heap(s.writers.begin(), s.writers.end(), ends_later);
  }
  s.readers.erase(s.readers.begin(), s.readers.begin() + static_cast<std::ptrdiff_t>(done));
}

void batch_steps::write_steps(state& s, double until) {
  if (!s.arriving.empty() && has_slot(s)) until = std::min(until, s.arriving.front().at);
  auto writers = static_cast<double>(s.writers.size());
  auto first = write_cost(s);
  auto growth = write_context_us_ * writers;
  auto count = std::min(s.writers.front().last - s.steps,
                        std::isinf(until) ? until : steps_within(until - s.time, first, growth));
  s.time += first * count + growth * count * (count - 1) / 2;
  s.last_step = first + growth * (count - 1);
  s.steps += count;
  s.context += writers * count;
  end_writers(s);
}

void batch_steps::run(state& s, double until) {
  while (true) {
    if (s.readers.empty() && s.writers.empty() && s.line.empty()) {
      if (s.arriving.empty() || s.arriving.front().at > until) return;
      s.time = std::max(s.time, s.arriving.front().at);
    }
    if (s.time > until) return;
    admit(s);
    if (s.readers.empty())
      write_steps(s, until);
    else
      read_step(s);
  }
}

void batch_steps::advance(double now) {
  run(now_, now);
}

void batch_steps::forecast() {
  later_ = now_;
  run(later_, never);
}

void batch_steps::enter(key call, double now) {
  auto at = now + overhead_us_ * works_[call].slow;
  auto place = std::upper_bound(now_.arriving.begin(), now_.arriving.end(), at,
                                [](double time, const waiting& each) { return time < each.at; });
  now_.arriving.insert(place, {at, call});
}

void batch_steps::leave(key call) {
  auto is_it = [call](const auto& each) { return each.call == call; };
  std::erase_if(now_.arriving, is_it);
  std::erase(now_.line, call);
  std::erase_if(now_.readers, is_it);
  auto found = std::find_if(now_.writers.begin(), now_.writers.end(), is_it);
  if (found == now_.writers.end()) return;
  now_.context -= found->context + now_.steps;
  now_.writers.erase(found);
  std::make_heap(now_.writers.begin(), now_.writers.end(), ends_later);
  if (now_.writers.empty()) now_.context = 0;
}

double batch_steps::written_of(key call, double now) const {
  // The step under way has not given its token yet.
  auto steps = now_.steps - begun_[call] - (now_.time > now + hair ? 1 : 0);
  const auto& work = works_[call];
  return std::clamp(1 + std::floor(steps / work.slow + hair), 1.0, work.write);
}

double batch_steps::time_of(key call, double tokens, double now) {
  const auto at = of(call, now);
  if (now < at.read) return at.read;
  auto steps = begun_[call] + (tokens - 1) * works_[call].slow - now_.steps;
  auto time = now_.time + std::max(steps, 0.0) * write_cost(now_);
  return std::clamp(time, now, std::max(now, at.end));
}

}  // namespace tandem
