#include "tests/bench/engine_world.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace tandem::bench {
namespace {

/// Answers never wait for places in this model.
constexpr std::uint32_t no_limit = 1u << 20;

struct ended {
  double at_s;
  std::uint64_t id;
  std::uint32_t engine;
  std::uint32_t router;
  engine_chooser::outcome outcome;

  bool operator>(const ended& other) const {
    return at_s != other.at_s ? at_s > other.at_s : id > other.id;
  }
};

/// What the owner of an engine says of it, by the time it says it.
struct said {
  double at_s;
  engine_fleet::report report;
};

class world {
 public:
  world(const request_trace& trace, const world_options& options)
      : trace_{trace}, o_{options}, hasher_{options.seed} {
    auto capacity = static_cast<std::uint32_t>(o_.capacity_tokens / trace_block_tokens);
    engines_.assign(o_.engines, timed_engine{capacity, o_.prefill_tokens_per_s});
    said_.resize(o_.engines);
    auto config = o_.choice;
    config.engines_max = std::max(config.engines_max, o_.engines);
    for (std::uint32_t r = 0; r < o_.routers; ++r) {
      choosers_.push_back(engine_chooser::make(config, o_.seed * 100 + r));
      for (std::uint32_t e = 0; e < o_.engines; ++e) introduce(r, e, capacity);
    }
    heard_.assign(o_.routers, std::vector<std::size_t>(o_.engines));
    perfect_ = make_engine_policy(config);
    random_ = choice_random{o_.seed};
    for (std::uint32_t e = 0; e < o_.engines; ++e) all_.push_back(static_cast<engine_slot>(e));
  }

  world_result run() {
    for (const auto& request : trace_.requests) {
      end_until(request.at_s);
      hasher_.from_ids(request.blocks, trace_block_tokens, request.input, prompt_);
      if (o_.perfect)
        serve(request, by_knowledge(request), 0, 0, request.at_s, 0);
      else
        by_router(request);
    }
    return result();
  }

 private:
  void introduce(std::uint32_t router, std::uint32_t engine, std::uint32_t capacity) {
    auto slot = choosers_[router]->add();
    if (!slot || *slot != engine) std::exit(2);
    auto& e = choosers_[router]->fleet().at(*slot);
    e.concurrency = no_limit;
    if (engine % o_.routers != router) e.bias_s = o_.remote_bias_s;
    if (o_.capacity_known) choosers_[router]->set_capacity(*slot, capacity);
  }

  std::uint32_t by_knowledge(const traced_request& r) {
    options_.clear();
    for (std::uint32_t e = 0; e < o_.engines; ++e) {
      auto blocks = engines_[e].cached(r);
      engine_option option{.engine = static_cast<engine_slot>(e),
                           .in_flight = engines_[e].in_flight,
                           .wait_s = engines_[e].wait_s(r.at_s),
                           .cached_blocks = blocks,
                           .cached_tokens = prompt_.tokens_in(blocks),
                           .token_s = 1 / engines_[e].speed()};
      option.prefill_s =
          static_cast<double>(prompt_.tokens - option.cached_tokens) * option.token_s;
      options_.push_back(option);
    }
    auto place = perfect_->choose({.prompt = prompt_, .session = 0, .options = options_}, random_);
    perfect_->on_assigned(options_[place].engine);
    return options_[place].engine;
  }

  void by_router(const traced_request& r) {
    auto key = o_.by_conversation && r.blocks.size() > 1 ? spread_bits(r.blocks[1]) : arrivals_;
    ++arrivals_;
    auto router = static_cast<std::uint32_t>(key % o_.routers);
    auto& chooser = *choosers_[router];
    auto now = r.at_s;
    if (o_.routers > 1) hear(router, now);
    engine_chooser::choice chosen;
    for (std::uint32_t tried = 1;; ++tried) {
      auto from = std::chrono::steady_clock::now();
      chosen = chooser.choose(prompt_, 0, all_, now);
      if (o_.measure_time) choose_us_.push_back(us_since(from));
      auto wait = engines_[chosen.engine].wait_s(now);
      if (o_.refuse_beyond_s == 0 || tried == o_.tries ||
          wait <= chosen.wait_s + o_.refuse_beyond_s)
        break;
      ++refusals_;
      chooser.fleet().on_report(chosen.engine, state_of(chosen.engine, now), now);
      now += o_.hop_s;
    }
    auto from = std::chrono::steady_clock::now();
    chooser.assign(++ids_, chosen, prompt_, 0, now);
    if (o_.measure_time) assign_us_.push_back(us_since(from));
    serve(r, chosen.engine, router, ids_, now, chosen.cached_tokens);
  }

  static double us_since(std::chrono::steady_clock::time_point from) {
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - from)
        .count();
  }

  engine_fleet::report state_of(std::uint32_t engine, double now) const {
    const auto& e = engines_[engine];
    return {.as_of_s = now, .backlog_tokens = e.wait_s(now) * e.speed(), .in_flight = e.in_flight};
  }

  void serve(const traced_request& r, std::uint32_t engine, std::uint32_t router, std::uint64_t id,
             double now, std::uint64_t predicted) {
    auto& e = engines_[engine];
    auto served = e.serve(r, now);
    ++e.in_flight;
    hit_ += served.cached_blocks;
    blocks_ += r.blocks.size();
    predicted_ += static_cast<double>(predicted);
    cached_ += static_cast<double>(served.cached_tokens);
    ttft_.push_back(served.first_token_s - r.at_s);
    auto written = r.output * o_.write_s_per_token;
    ends_.push({.at_s = served.first_token_s + written,
                .id = id,
                .engine = engine,
                .router = router,
                .outcome = {.prompt_tokens = r.input,
                            .cached_tokens = served.cached_tokens,
                            .completion_tokens = r.output,
                            .first_token_s = served.first_token_s - now,
                            .total_s = served.first_token_s + written - now}});
    note(engine, now);
  }

  void end_until(double now) {
    while (!ends_.empty() && ends_.top().at_s <= now) {
      const auto& end = ends_.top();
      --engines_[end.engine].in_flight;
      note(end.engine, end.at_s);
      if (!o_.perfect) choosers_[end.router]->finish(end.id, end.outcome, end.at_s);
      ends_.pop();
    }
  }

  void note(std::uint32_t engine, double now) {
    if (o_.routers == 1) return;
    auto& log = said_[engine];
    if (!log.empty() && log.back().report.as_of_s == now) log.pop_back();
    log.push_back({now + o_.report_s, state_of(engine, now)});
  }

  /// The newest report of each engine that has arrived by now.
  void hear(std::uint32_t router, double now) {
    for (std::uint32_t e = 0; e < o_.engines; ++e) {
      auto& heard = heard_[router][e];
      const auto& log = said_[e];
      auto before = heard;
      while (heard < log.size() && log[heard].at_s <= now) ++heard;
      if (heard != before)
        choosers_[router]->fleet().on_report(static_cast<engine_slot>(e), log[heard - 1].report,
                                             now);
    }
  }

  world_result result() {
    world_result out;
    out.ttft_s = ttft_;
    auto sorted = ttft_;
    std::sort(sorted.begin(), sorted.end());
    auto n = sorted.size();
    for (auto t : sorted) out.mean_s += t / static_cast<double>(n);
    out.p50_s = sorted[n / 2];
    out.p99_s = sorted[n * 99 / 100];
    out.hit = static_cast<double>(hit_) / static_cast<double>(blocks_);
    out.refusals = static_cast<double>(refusals_) / static_cast<double>(n);
    out.choose_us = std::move(choose_us_);
    out.assign_us = std::move(assign_us_);
    const auto& index = choosers_[0]->index();
    out.index_bytes = index.bytes();
    out.index_pairs = index.pairs();
    out.crowded_out = index.crowded_out();
    out.predicted_over_real = predicted_ / std::max(cached_, 1.0);
    return out;
  }

  const request_trace& trace_;
  world_options o_;
  prompt_hasher hasher_;
  prompt_blocks prompt_;
  std::vector<timed_engine> engines_;
  std::vector<std::unique_ptr<engine_chooser>> choosers_;
  std::unique_ptr<engine_policy> perfect_;
  choice_random random_{1};
  std::vector<engine_option> options_;
  std::vector<engine_slot> all_;
  std::priority_queue<ended, std::vector<ended>, std::greater<>> ends_;
  std::vector<std::vector<said>> said_;
  std::vector<std::vector<std::size_t>> heard_;
  std::vector<double> ttft_;
  std::vector<double> choose_us_;
  std::vector<double> assign_us_;
  std::uint64_t ids_ = 0;
  std::uint64_t arrivals_ = 0;
  std::uint64_t hit_ = 0;
  std::uint64_t blocks_ = 0;
  std::uint64_t refusals_ = 0;
  double predicted_ = 0;
  double cached_ = 0;
};

}  // namespace

world_result run_world(const request_trace& trace, const world_options& options) {
  return world{trace, options}.run();
}

}  // namespace tandem::bench
