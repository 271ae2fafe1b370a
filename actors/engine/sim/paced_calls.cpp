#include "actors/engine/sim/paced_calls.hpp"

#include <algorithm>
#include <cmath>

#include "actors/engine/sim/batch_steps.hpp"
#include "actors/engine/sim/shared_rates.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

using std::chrono::microseconds;

constexpr double us_max = 30.0 * 24 * 3600 * 1e6;
/// Sums of doubles miss whole microseconds by less.
constexpr double hair_us = 0.01;

microseconds rounded_up(double us) {
  return microseconds{static_cast<std::int64_t>(std::ceil(std::clamp(us, 1.0, us_max)))};
}

generation result_of(paced_call& call) {
  if (call.breaks) call.result.text.clear();
  return std::move(call.result);
}

std::unique_ptr<pace> pace_of(const sim_config& config) {
  if (config.prefill_chunk > 0) return std::make_unique<batch_steps>(config);
  return std::make_unique<shared_rates>(config);
}

}  // namespace

paced_calls::paced_calls(const sim_config& config, backend_sink sink,
                         std::function<clock::time_point()> now)
    : config_{config},
      sink_{std::move(sink)},
      clock_{std::move(now)},
      cache_{config.cache_blocks, config.cache_block_tokens},
      pace_{pace_of(config)} {
  config_.slice = std::max(config_.slice, microseconds{1});
}

double paced_calls::now(double known) {
  if (clock_) {
    auto time = clock_();
    if (!origin_) origin_ = time;
    known = us_of(time - *origin_);
  }
  return latest_ = std::max(latest_, known);
}

void paced_calls::set_first_text(paced_call& call, double at) const {
  if (origin_) call.result.first_text = *origin_ + std::chrono::nanoseconds{std::llround(at * 1e3)};
}

std::optional<microseconds> paced_calls::whole_time(const paced_call& call) const {
  if (call.takes) return call.takes;
  auto shared = config_.prefill_rate > 0 || config_.per_token_batch.count() > 0 ||
                config_.prefill_chunk > 0 || config_.slots > 0;
  auto us = (us_of(config_.first_token) +
             us_of(config_.per_token) * static_cast<double>(call.write_tokens)) *
            call.slow;
  if (shared || (us > 0 && sink_.on_text && call.stream)) return std::nullopt;
  return us == 0 ? microseconds{0} : rounded_up(us - hair_us);
}

progress paced_calls::start(std::uint64_t id, paced_call call,
                            const std::vector<generation_request::turn>& prompt) {
  auto at = now(latest_);
  cache_what_is_read(at);
  auto blocks = cache_.blocks_of(prompt);
  // The last token is always read: the first one written comes from it.
  auto cached =
      call.prompt_tokens == 0 ? 0 : std::min(cache_.hit_tokens(blocks), call.prompt_tokens - 1);
  call.result.cached_prompt_tokens = std::min(cached, call.result.prompt_tokens);
  running_call next{.call = std::move(call)};
  if (next.call.stalls) {
    running_.emplace(id, std::move(next));
    return generation_pending{};
  }
  if (auto takes = whole_time(next.call)) {
    if (next.call.result.code == errc::unknown) cache_.insert(blocks);
    if (takes->count() == 0) return result_of(next.call);
    next.whole = true;
    if (!next.call.takes)
      set_first_text(next.call, at + us_of(config_.first_token) * next.call.slow);
    running_.emplace(id, std::move(next));
    return *takes;
  }
  if (free_keys_.empty()) free_keys_.push_back(keys_++);
  next.key = free_keys_.back();
  free_keys_.pop_back();
  if (!blocks.empty()) reading_.push_back(id);
  next.blocks = std::move(blocks);
  pace_->add(next.key,
             {.read = static_cast<double>(next.call.prompt_tokens - cached),
              .cached = static_cast<double>(cached),
              .write = static_cast<double>(next.call.write_tokens),
              .slow = std::max(next.call.slow, 1e-6)},
             at);
  return go_on(running_.emplace(id, std::move(next)).first, at);
}

void paced_calls::cache_what_is_read(double now) {
  std::erase_if(reading_, [&](std::uint64_t id) {
    auto found = running_.find(id);
    if (found == running_.end()) return true;
    if (pace_->of(found->second.key, now).read > now) return false;
    cache_.insert(std::exchange(found->second.blocks, {}));
    return true;
  });
}

bool paced_calls::streams(const running_call& call) const {
  return sink_.on_text && call.call.stream && call.call.write_tokens > 0;
}

microseconds paced_calls::pause(running_call& call, const pace::marks& at, double now) {
  auto until = at.end;
  if (streams(call)) {
    // As many tokens as a slice has, at least one.
    auto next = static_cast<double>(call.streamed_tokens) + 1;
    auto one = pace_->time_of(call.key, next, now);
    auto two = pace_->time_of(call.key, next + 1, now);
    auto more = two > one ? std::floor(us_of(config_.slice) / (two - one) + hair_us) - 1 : 0.0;
    until = std::min(until, more > 0 ? pace_->time_of(call.key, next + more, now) : one);
  }
  if (!clock_) until = std::min(until, now + us_of(config_.slice));
  auto wait = rounded_up(until - now - hair_us);
  call.due = latest_ + us_of(wait);
  return wait;
}

void paced_calls::stream(std::uint64_t id, running_call& call, std::uint64_t written) {
  if (written <= call.streamed_tokens) return;
  call.streamed_tokens = written;
  const auto& text = call.call.result.text;
  auto share = static_cast<double>(written) / static_cast<double>(call.call.write_tokens);
  auto until =
      written == call.call.write_tokens
          ? text.size()
          : cut(text, static_cast<std::size_t>(share * static_cast<double>(text.size()))).size();
  if (until <= call.streamed_bytes) return;
  sink_.on_text(id, text.substr(call.streamed_bytes, until - call.streamed_bytes));
  call.streamed_bytes = until;
  call.streamed = true;
}

progress paced_calls::go_on(calls::iterator at, double now) {
  auto& call = at->second;
  const auto marks = pace_->of(call.key, now);
  if (streams(call))
    stream(at->first, call, static_cast<std::uint64_t>(pace_->written(call.key, now)));
  if (marks.end > now) return pause(call, marks, now);
  if (!call.blocks.empty()) cache_.insert(std::exchange(call.blocks, {}));
  set_first_text(call.call, marks.first);
  free_keys_.push_back(call.key);
  return finish(at);
}

progress paced_calls::finish(calls::iterator at) {
  auto id = at->first;
  auto streamed = at->second.streamed;
  auto result = result_of(at->second.call);
  running_.erase(at);
  if (!streamed || !sink_.on_done) return result;
  sink_.on_done(id, std::move(result));
  return generation_pending{};
}

progress paced_calls::resume(std::uint64_t id) {
  auto found = running_.find(id);
  if (found == running_.end() || found->second.call.stalls) return generation_pending{};
  if (found->second.whole) return finish(found);
  return go_on(found, now(found->second.due) + hair_us);
}

progress paced_calls::cancel(std::uint64_t id) {
  auto found = running_.find(id);
  if (found == running_.end()) return generation_pending{};
  const auto& call = found->second;
  generation result{.code = errc::cancelled,
                    .error = "cancelled",
                    .finish = schema::Finish::CANCELLED,
                    .prompt_tokens = call.call.result.prompt_tokens,
                    .cached_prompt_tokens = call.call.result.cached_prompt_tokens};
  if (!call.whole && !call.call.stalls) {
    auto at = now(latest_);
    result.completion_tokens = static_cast<std::uint64_t>(pace_->written(call.key, at));
    if (pace_->of(call.key, at).end > at) pace_->remove(call.key, at);
    free_keys_.push_back(call.key);
  }
  running_.erase(found);
  return result;
}

}  // namespace tandem
