#include "tests/bench/warm_world.hpp"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>

#include "actors/router/engines/engine_chooser.hpp"
#include "tests/bench/warm_engine.hpp"
#include "tests/bench/warm_events.hpp"
#include "tests/bench/warm_foresight.hpp"
#include "tests/bench/warm_prompts.hpp"

namespace tandem::bench {
namespace {

/// Answers never wait for places in this model.
constexpr std::uint32_t no_limit = 1u << 20;
/// As in executor_pool/warming.cpp.
constexpr double busy_pause_s = 0.5;
constexpr double look_pause_s = 10;
constexpr const char* model = "m";

using event_kind = warm_event_kind;

class warm_world {
 public:
  warm_world(const request_trace& trace, const warm_options& options)
      : requests_{trace.requests},
        o_{options},
        hasher_{options.seed},
        chooser_{engine_chooser::make(options.choice, options.seed * 100)},
        warmer_{options.warmer, options.seed},
        foresight_{options.engines} {
    auto capacity = static_cast<std::uint32_t>(o_.capacity_tokens / trace_block_tokens);
    for (std::uint32_t e = 0; e < o_.engines; ++e) {
      auto slot = chooser_->add();
      if (!slot || *slot != e) std::exit(2);
      chooser_->fleet().at(*slot).concurrency = no_limit;
      chooser_->set_capacity(*slot, capacity);
      engines_.emplace_back(timed_engine{capacity, o_.prefill_tokens_per_s},
                            "engine" + std::to_string(e));
      tell(engines_[e], true, 0);
    }
    end_ = std::min(requests_.size(), o_.roll_at + o_.measured);
  }

  warm_result run() {
    for (; next_ < requests_.size(); ++next_) {
      auto now = requests_[next_].at_s;
      if (next_ == o_.roll_at) begin_roll(now);
      run_until(now);
      held_.push_back(next_);
      serve_held(now);
    }
    return result();
  }

 private:
  void at(double when, event_kind kind, std::uint32_t engine, std::uint64_t stamp = 0) {
    events_.add({.at_s = when, .kind = kind, .engine = engine, .stamp = stamp});
  }

  void begin_roll(double now) {
    rolls_ = true;
    out_.known_blocks = warmer_.memory().size();
    if (o_.arm == warm_arm::foresight) foresight_.remember(std::span{requests_}.first(o_.roll_at));
    if (o_.roll == roll_kind::one_by_one) at(now, event_kind::leaves, 0);
    if (o_.roll == roll_kind::at_once)
      for (std::uint32_t e = 0; e < o_.engines; ++e) at(now, event_kind::changes, e);
  }

  void run_until(double now) {
    while (auto due = events_.take(now)) on_event(*due, engines_[due->engine]);
  }

  void on_event(const warm_event& due, warm_engine& on) {
    switch (due.kind) {
      case event_kind::ended:
        if (on.life == due.stamp) --on.timed.in_flight;
        (void)chooser_->finish(due.call, due.outcome, due.at_s);
        return;
      case event_kind::leaves:
        on.serves = false;
        tell(on, false, due.at_s);
        stop_replay(due.engine, due.at_s);
        return at(std::max(due.at_s, on.timed.free_at_s()), event_kind::changes, due.engine);
      case event_kind::changes:
        return change(due.engine, due.at_s);
      case event_kind::loaded:
        return load(due.engine, due.at_s);
      case event_kind::admitted:
        return admit(due.engine, due.at_s);
      case event_kind::replayed:
        if (on.replays(due.stamp)) end_replay(due.engine, due.at_s);
        return;
      case event_kind::asks_again:
        on.asks_again = false;
        return warm_next(due.engine, due.at_s);
    }
  }

  void tell(const warm_engine& on, bool serves, double now) {
    auto life = std::to_string(on.life);
    (void)warmer_.on_engine({.name = on.name, .model = model, .life = life, .serves = serves}, now);
  }

  void change(std::uint32_t e, double now) {
    auto& on = engines_[e];
    on.serves = false;
    tell(on, false, now);
    ++on.life;
    on.timed.in_flight = 0;
    auto slot = static_cast<engine_slot>(e);
    if (o_.arm == warm_arm::restored) {
      on.timed.clear_backlog(now);
      chooser_->fleet().restart(slot);
    } else {
      on.timed.restart(now);
      chooser_->restart(slot);
    }
    at(now + o_.load_s, event_kind::loaded, e);
  }

  [[nodiscard]] bool warms() const {
    return rolls_ && (o_.arm == warm_arm::warmed || o_.arm == warm_arm::foresight);
  }

  void load(std::uint32_t e, double now) {
    if (o_.arm == warm_arm::foresight) look_ahead(e);
    tell(engines_[e], true, now);
    if (!warms() || o_.warm_s == 0) admit(e, now);
    if (!warms()) return;
    at(now + o_.warm_s, event_kind::admitted, e);
    warm_next(e, now);
  }

  void look_ahead(std::uint32_t e) {
    auto alone = o_.roll == roll_kind::one_by_one;
    if (!alone && e > 0) return;
    auto from = first_to_come();
    foresight_.plan(std::span{requests_}.subspan(from, end_ - std::min(from, end_)), from, engines_,
                    e, alone ? 1 : o_.engines);
  }

  [[nodiscard]] std::size_t first_to_come() const { return held_.empty() ? next_ : held_.front(); }

  void admit(std::uint32_t e, double now) {
    if (engines_[e].serves) return;
    engines_[e].serves = true;
    if (o_.roll == roll_kind::one_by_one && e + 1 < o_.engines) at(now, event_kind::leaves, e + 1);
    // All that begin at the same time share what waits.
    if (!events_.admits_next(now)) serve_held(now);
  }

  [[nodiscard]] std::optional<std::vector<std::uint64_t>> next_replay(std::uint32_t e, double now) {
    if (o_.arm == warm_arm::foresight) return foresight_.next(e, first_to_come());
    auto next = warmer_.next(engines_[e].name, now);
    if (!next) return std::nullopt;
    return blocks_of_text(next->turns[0].text, o_.block_bytes);
  }

  void reply(std::uint32_t e, engine_warmer::outcome how, std::uint64_t tokens, double now) {
    if (o_.arm == warm_arm::warmed)
      warmer_.on_reply(engines_[e].name, std::to_string(engines_[e].life), how, tokens, now);
    else if (how == engine_warmer::outcome::read)
      foresight_.done(e);
  }

  void warm_next(std::uint32_t e, double now) {
    auto& on = engines_[e];
    if (!warms() || on.replays() || on.asks_again) return;
    auto next = next_replay(e, now);
    if (!next) {
      if (!on.serves && o_.roll == roll_kind::one_by_one) admit(e, now);
      return;
    }
    auto idle = on.timed.wait_s(now) <= 0 && (o_.warms_beside_answers || on.timed.in_flight == 0);
    if (!idle) return ask_again(e, now);
    ++replays_;
    at(on.begin(replays_, std::move(*next), now), event_kind::replayed, e, replays_);
  }

  void ask_again(std::uint32_t e, double now) {
    reply(e, engine_warmer::outcome::busy, 0, now);
    engines_[e].asks_again = true;
    at(now + busy_pause_s, event_kind::asks_again, e);
  }

  void count_replayed(const warm_engine& on, std::uint64_t tokens) {
    out_.replayed_tokens += static_cast<double>(tokens);
    if (!on.serves) out_.replayed_before += static_cast<double>(tokens);
  }

  void end_replay(std::uint32_t e, double now) {
    auto& on = engines_[e];
    hasher_.from_ids(on.blocks(), trace_block_tokens, 0, prompt_);
    auto tokens = on.end(now);
    count_replayed(on, tokens);
    reply(e, engine_warmer::outcome::read, tokens, now);
    chooser_->index().learn(static_cast<engine_slot>(e), prompt_.hashes);
    warm_next(e, now);
  }

  /// The router isn't told of what was stopped.
  void stop_replay(std::uint32_t e, double now) {
    auto& on = engines_[e];
    if (!on.replays()) return;
    count_replayed(on, on.stop(now));
    ask_again(e, now);
  }

  void serve_held(double now) {
    eligible_.clear();
    for (std::uint32_t e = 0; e < o_.engines; ++e)
      if (engines_[e].serves) eligible_.push_back(static_cast<engine_slot>(e));
    if (eligible_.empty()) return;
    for (; !held_.empty(); held_.pop_front()) serve(held_.front(), now);
  }

  void serve(std::size_t number, double now) {
    const auto& r = requests_[number];
    hasher_.from_ids(r.blocks, trace_block_tokens, r.input, prompt_);
    auto chosen = chooser_->choose(prompt_, 0, eligible_, now);
    chooser_->assign(number + 1, chosen, prompt_, 0, now);
    auto& on = engines_[chosen.engine];
    stop_replay(chosen.engine, now);
    auto served = on.timed.serve(r, now);
    ++on.timed.in_flight;
    auto used = on.use(r, served.cached_blocks, o_.warmer.window_s, now);
    out_.used_tokens += static_cast<double>(used);
    if (o_.arm == warm_arm::warmed) note(r, on, served.cached_blocks, now);
    if (number >= o_.roll_at) computed_ += static_cast<double>(r.input - served.cached_tokens);
    if (number >= o_.roll_at && number < end_) {
      out_.ttft_s.push_back(served.first_token_s - r.at_s);
      cached_ += static_cast<double>(served.cached_tokens);
      tokens_ += r.input;
    }
    auto written = r.output * o_.write_s_per_token;
    events_.add({.at_s = served.first_token_s + written,
                 .kind = event_kind::ended,
                 .engine = chosen.engine,
                 .stamp = on.life,
                 .call = number + 1,
                 .outcome = {.prompt_tokens = r.input,
                             .cached_tokens = served.cached_tokens,
                             .completion_tokens = r.output,
                             .first_token_s = served.first_token_s - now,
                             .total_s = served.first_token_s + written - now}});
  }

  /// As the executor pool does.
  void note(const traced_request& r, const warm_engine& on, std::size_t cached, double now) {
    if (now >= look_s_) {
      look_s_ = now + look_pause_s;
      warmer_.expire(now);
    }
    auto text = prompt_text(r.blocks, o_.block_bytes);
    prompt_part part{"2", text};
    warmer_.memory().note({.model = model, .purpose = 2, .messages = {&part, 1}}, now, chain_);
    // By the product's own count: text of so many bytes.
    warmer_.on_used(on.name, warmer_.expected(on.name, chain_), cached * o_.block_bytes / 4);
  }

  warm_result result() {
    auto sorted = out_.ttft_s;
    std::sort(sorted.begin(), sorted.end());
    for (auto t : sorted) out_.mean_s += t / static_cast<double>(sorted.size());
    if (!sorted.empty()) out_.p99_s = sorted[sorted.size() * 99 / 100];
    out_.hit = cached_ / std::max(tokens_, 1.0);
    auto span = requests_.back().at_s - requests_[o_.roll_at].at_s;
    out_.busy = computed_ / o_.prefill_tokens_per_s / span / o_.engines;
    return out_;
  }

  const std::vector<traced_request>& requests_;
  warm_options o_;
  prompt_hasher hasher_;
  prompt_blocks prompt_;
  std::unique_ptr<engine_chooser> chooser_;
  engine_warmer warmer_;
  warm_foresight foresight_;
  std::vector<warm_engine> engines_;
  std::vector<engine_slot> eligible_;
  warm_events events_;
  std::uint64_t replays_ = 0;
  std::size_t next_ = 0;
  /// Of the measured ones.
  std::size_t end_ = 0;
  bool rolls_ = false;
  double look_s_ = 0;
  /// They wait for an engine that serves.
  std::deque<std::size_t> held_;
  std::vector<std::uint64_t> chain_;
  warm_result out_;
  double cached_ = 0;
  double tokens_ = 0;
  double computed_ = 0;
};

}  // namespace

warm_result run_warm_world(const request_trace& trace, const warm_options& options) {
  return warm_world{trace, options}.run();
}

}  // namespace tandem::bench
