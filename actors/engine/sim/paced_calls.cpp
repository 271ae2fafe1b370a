#include "actors/engine/sim/paced_calls.hpp"

#include <algorithm>
#include <cmath>

#include "schema/text.hpp"

namespace tandem {
namespace {

using std::chrono::microseconds;

constexpr double us_max = 30.0 * 24 * 3600 * 1e6;

microseconds rounded(double us) {
  return microseconds{std::llround(std::clamp(us, 1.0, us_max))};
}

generation result_of(paced_call& call) {
  if (call.breaks) call.result.text.clear();
  return std::move(call.result);
}

double us_of(microseconds time) {
  return static_cast<double>(time.count());
}

}  // namespace

paced_calls::paced_calls(const sim_config& config, backend_sink sink)
    : config_{config},
      sink_{std::move(sink)},
      cache_{config.cache_blocks, config.cache_block_tokens} {
  config_.slice = std::max(config_.slice, microseconds{1});
}

std::optional<microseconds> paced_calls::whole_time(const paced_call& call) const {
  if (call.takes) return call.takes;
  auto shared = config_.prefill_rate > 0 || config_.per_token_batch.count() > 0;
  auto us = (us_of(config_.first_token) +
             us_of(config_.per_token) * static_cast<double>(call.write_tokens)) *
            call.slow;
  if (!shared && (us == 0 || !sink_.on_text)) return us == 0 ? microseconds{0} : rounded(us);
  return std::nullopt;
}

progress paced_calls::start(std::uint64_t id, paced_call call,
                            const std::vector<generation_request::turn>& prompt) {
  auto blocks = cache_.blocks_of(prompt);
  // The last token is always read: the first one written comes from it.
  auto cached =
      call.prompt_tokens == 0 ? 0 : std::min(cache_.hit_tokens(blocks), call.prompt_tokens - 1);
  call.result.cached_prompt_tokens = std::min(cached, call.result.prompt_tokens);
  if (call.stalls) {
    running_.emplace(id, running_call{.call = std::move(call)});
    ++stalled_;
    return generation_pending{};
  }
  if (auto takes = whole_time(call)) {
    if (call.result.code == errc::unknown) cache_.insert(blocks);
    if (takes->count() == 0) return result_of(call);
    running_.emplace(id, running_call{.call = std::move(call), .whole = true});
    return *takes;
  }
  running_call next{.call = std::move(call), .blocks = std::move(blocks)};
  if (config_.prefill_rate > 0)
    next.read_left = static_cast<double>(next.call.prompt_tokens - cached);
  next.reads = next.read_left > 0;
  readers_ += next.reads ? 1 : 0;
  auto at = running_.emplace(id, std::move(next)).first;
  if (!at->second.reads) end_reading(at->second);
  return go_on(at);
}

microseconds paced_calls::read_slice(running_call& call) {
  auto us_per_token = 1e6 / config_.prefill_rate *
                      static_cast<double>(std::max<std::size_t>(readers_, 1)) *
                      std::max(call.call.slow, 1e-6);
  call.slice_reads = std::min(call.read_left, std::max(1.0, us_of(config_.slice) / us_per_token));
  return rounded(call.slice_reads * us_per_token);
}

microseconds paced_calls::write_slice(running_call& call) {
  auto others = static_cast<double>(running_.size() - stalled_ - 1);
  auto us_per_token =
      (us_of(config_.per_token) + us_of(config_.per_token_batch) * others) * call.call.slow;
  auto left = call.call.write_tokens - call.written;
  auto fit = us_per_token <= 0 ? static_cast<double>(left)
                               : std::floor(us_of(config_.slice) / us_per_token);
  call.slice_writes = static_cast<std::uint64_t>(
      std::clamp(fit, 1.0, static_cast<double>(std::max<std::uint64_t>(left, 1))));
  auto us = us_per_token * static_cast<double>(call.slice_writes);
  return us <= 0 ? microseconds{0} : rounded(us);
}

microseconds paced_calls::next_slice(running_call& call) {
  call.slice_reads = 0;
  call.slice_writes = 0;
  if (call.read_left > 0) return read_slice(call);
  if (call.first_token_due) {
    call.first_token_due = false;
    auto us = us_of(config_.first_token) * call.call.slow;
    if (us > 0) return rounded(us);
  }
  if (call.written < call.call.write_tokens) return write_slice(call);
  return microseconds{0};
}

void paced_calls::end_reading(running_call& call) {
  cache_.insert(call.blocks);
  call.blocks = {};
}

void paced_calls::end_slice(std::uint64_t id, running_call& call) {
  if (call.slice_reads > 0) {
    call.read_left -= call.slice_reads;
    if (call.read_left < 0.5) {
      call.read_left = 0;
      call.reads = false;
      --readers_;
      end_reading(call);
    }
  }
  call.written = std::min(call.written + call.slice_writes, call.call.write_tokens);
  if (call.slice_writes > 0) stream(id, call);
}

void paced_calls::stream(std::uint64_t id, running_call& call) {
  if (!sink_.on_text) return;
  const auto& text = call.call.result.text;
  auto share = static_cast<double>(call.written) / static_cast<double>(call.call.write_tokens);
  auto until =
      call.written == call.call.write_tokens
          ? text.size()
          : cut(text, static_cast<std::size_t>(share * static_cast<double>(text.size()))).size();
  if (until <= call.streamed_bytes) return;
  sink_.on_text(id, text.substr(call.streamed_bytes, until - call.streamed_bytes));
  call.streamed_bytes = until;
  call.streamed = true;
}

progress paced_calls::go_on(calls::iterator at) {
  auto& call = at->second;
  while (true) {
    auto pause = next_slice(call);
    if (pause.count() > 0) return pause;
    if (call.slice_writes == 0 && call.written >= call.call.write_tokens) return finish(at);
    end_slice(at->first, call);
  }
}

progress paced_calls::finish(calls::iterator at) {
  auto id = at->first;
  auto streamed = at->second.streamed;
  auto result = result_of(at->second.call);
  forget(at);
  if (!streamed || !sink_.on_done) return result;
  sink_.on_done(id, std::move(result));
  return generation_pending{};
}

void paced_calls::forget(calls::iterator at) {
  if (at->second.reads) --readers_;
  if (at->second.call.stalls) --stalled_;
  running_.erase(at);
}

progress paced_calls::resume(std::uint64_t id) {
  auto found = running_.find(id);
  if (found == running_.end() || found->second.call.stalls) return generation_pending{};
  if (found->second.whole) return finish(found);
  end_slice(id, found->second);
  return go_on(found);
}

progress paced_calls::cancel(std::uint64_t id) {
  auto found = running_.find(id);
  if (found == running_.end()) return generation_pending{};
  const auto& call = found->second;
  generation result{.code = errc::cancelled,
                    .error = "cancelled",
                    .finish = schema::Finish::CANCELLED,
                    .prompt_tokens = call.call.result.prompt_tokens,
                    .cached_prompt_tokens = call.call.result.cached_prompt_tokens,
                    .completion_tokens = call.written};
  forget(found);
  return result;
}

}  // namespace tandem
