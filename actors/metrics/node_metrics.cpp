#include "actors/metrics/node_metrics.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <utility>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "actors/metrics/label_table.hpp"
#include "actors/metrics/metric_names.hpp"
#include "actors/metrics/metric_words.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

using prometheus::Counter;
using prometheus::Histogram;
using prometheus::Labels;

constexpr double nanousd = 1e-9;
constexpr double microseconds = 1e-6;
constexpr std::size_t label_bytes_max = 128;

const Histogram::BucketBoundaries latency_buckets{latency_bounds.begin(), latency_bounds.end()};
const Histogram::BucketBoundaries sync_buckets{
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5};
const Histogram::BucketBoundaries batch_buckets{1, 2, 5, 10, 25, 50, 100, 250, 1000, 4096};
const Histogram::BucketBoundaries job_buckets{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,   2.5, 5,
                                              10,   20,    30,   60,  120,  300, 600, 3600};

prometheus::Family<Counter>& counters(prometheus::Registry& in, metric id) {
  const auto& of = definition_of(id);
  return prometheus::BuildCounter()
      .Name(std::string{of.name})
      .Help(std::string{of.help})
      .Register(in);
}

prometheus::Family<Histogram>& histograms(prometheus::Registry& in, metric id) {
  const auto& of = definition_of(id);
  return prometheus::BuildHistogram()
      .Name(std::string{of.name})
      .Help(std::string{of.help})
      .Register(in);
}

prometheus::Gauge& gauge(prometheus::Registry& in, metric id) {
  const auto& of = definition_of(id);
  return prometheus::BuildGauge()
      .Name(std::string{of.name})
      .Help(std::string{of.help})
      .Register(in)
      .Add({});
}

/// What others have named, as a label's value.
std::string label(std::string_view text) {
  return text.empty() ? "none" : valid_utf8(cut(text, label_bytes_max));
}

std::string label(std::string_view value, std::uint32_t number, std::string_view word) {
  return value == "other" && number == 0 ? "other" : std::string{word};
}

constexpr std::size_t purposes_max = 9;
constexpr std::size_t codes_max = 24;

/// Of attempts; one more than codes for answers of caches.
constexpr std::size_t cached_outcome = codes_max;

std::string_view outcome_word(std::size_t outcome) {
  return outcome == cached_outcome ? "cached" : words::of(static_cast<schema::Errc>(outcome));
}

std::size_t place_of(schema::Purpose purpose) {
  auto place = static_cast<std::size_t>(purpose);
  return place < purposes_max ? place : 0;
}

std::size_t place_of(schema::Errc code) {
  auto place = static_cast<std::size_t>(code);
  // A newer node's: a bug to us.
  return place < codes_max ? place : static_cast<std::size_t>(schema::Errc::INTERNAL);
}

void add(std::atomic<std::uint64_t>& to, std::uint64_t what) {
  to.fetch_add(what, std::memory_order_relaxed);
}

}  // namespace

bool is_service_failure(schema::Errc code) {
  switch (code) {
    case schema::Errc::OVERLOADED:
    case schema::Errc::UNAVAILABLE:
    case schema::Errc::DEADLINE_EXCEEDED:
    case schema::Errc::ENGINE_FAILED:
    case schema::Errc::MALFORMED_MESSAGE:
    case schema::Errc::CORRUPTED:
    case schema::Errc::STORAGE_FAILED:
    case schema::Errc::LOCKED:
    case schema::Errc::NOT_AUTHENTICATED:
    case schema::Errc::INTERNAL:
      return true;
    default:
      return false;
  }
}

struct node_metrics::state {
  struct tier_times {
    Histogram* queue;
    Histogram* first_token;
    Histogram* total;
  };
  struct model_tokens {
    Counter* prompt;
    Counter* cached;
    Counter* completion;
  };
  struct tier_costs {
    Counter* cost;
    Counter* all_large;
    Counter* saved;
  };
  template <std::size_t Max>
  using counter_table = label_table<Counter*, Max>;

  // The registry outlives every handle, so it comes first.
  prometheus::Registry registry;
  prometheus::Family<Histogram>& queue = histograms(registry, metric::pool_queue);
  prometheus::Family<Histogram>& first_token = histograms(registry, metric::pool_first_token);
  prometheus::Family<Histogram>& latency = histograms(registry, metric::pool_latency);
  prometheus::Family<Counter>& attempts = counters(registry, metric::pool_attempts);
  prometheus::Family<Counter>& calls = counters(registry, metric::pool_calls);
  prometheus::Family<Counter>& prompt = counters(registry, metric::pool_prompt_tokens);
  prometheus::Family<Counter>& cached = counters(registry, metric::pool_cached_prompt_tokens);
  prometheus::Family<Counter>& completion = counters(registry, metric::pool_completion_tokens);
  prometheus::Family<Counter>& cost = counters(registry, metric::pool_cost);
  prometheus::Family<Counter>& all_large = counters(registry, metric::pool_cost_all_large);
  prometheus::Family<Counter>& saved = counters(registry, metric::pool_saved);
  prometheus::Family<Counter>& cache_hits = counters(registry, metric::pool_cache_hits);
  prometheus::Family<Counter>& checks = counters(registry, metric::pool_checks);
  prometheus::Family<Counter>& rungs = counters(registry, metric::job_rungs);
  prometheus::Family<Counter>& accepted = counters(registry, metric::planner_jobs_accepted);
  prometheus::Family<Counter>& ended = counters(registry, metric::planner_jobs_ended);
  prometheus::Family<Histogram>& duration = histograms(registry, metric::planner_job_duration);
  prometheus::Family<Counter>& requests = counters(registry, metric::gateway_requests);
  prometheus::Family<Histogram>& request = histograms(registry, metric::gateway_request);

  Counter& hedges = counters(registry, metric::pool_hedges).Add({});
  Histogram& commit_records =
      histograms(registry, metric::journal_commit_records).Add({}, batch_buckets);
  Histogram& commit = histograms(registry, metric::journal_commit).Add({}, sync_buckets);
  prometheus::Gauge& streams = gauge(registry, metric::gateway_streams);

  label_table<tier_times, 64> times_by_tier;
  label_table<tier_costs, 16> costs_by_tier;
  label_table<model_tokens, 64> tokens_by_model;
  counter_table<256> calls_by_model;
  counter_table<48> hits_by_tier;
  counter_table<purposes_max*(codes_max + 1)> attempts_by_outcome;
  counter_table<3 * purposes_max> checks_by_outcome;
  counter_table<16> by_rung;
  counter_table<8> accepted_by_mode;
  counter_table<8> ended_by_state;
  label_table<Histogram*, 8> duration_by_mode;
  counter_table<512> requests_by_route;
  label_table<Histogram*, 64> request_by_route;

  std::atomic<std::int64_t> cost_nanousd{0};
  std::atomic<std::int64_t> all_large_nanousd{0};
  std::atomic<std::uint64_t> attempt_count{0};
  std::atomic<std::uint64_t> failed_count{0};
  std::atomic<std::uint64_t> hit_count{0};
  std::atomic<std::uint64_t> token_count{0};
  std::atomic<std::uint64_t> done_count{0};
  std::atomic<std::uint64_t> job_failed_count{0};
  std::array<std::atomic<std::uint64_t>, latency_bounds.size() + 1> latency_counts{};

  tier_times& times(std::string_view tier, schema::Purpose purpose) {
    return times_by_tier.find(
        tier, static_cast<std::uint32_t>(place_of(purpose)),
        [this](std::string_view value, std::uint32_t number) {
          Labels labels{
              {"tier", label(value)},
              {"purpose", label(value, number, words::of(static_cast<schema::Purpose>(number)))}};
          return tier_times{&queue.Add(labels, latency_buckets),
                            &first_token.Add(labels, latency_buckets),
                            &latency.Add(labels, latency_buckets)};
        });
  }

  model_tokens& tokens(std::string_view model) {
    return tokens_by_model.find(model, 0, [this](std::string_view value, std::uint32_t) {
      Labels labels{{"model", label(value)}};
      return model_tokens{&prompt.Add(labels), &cached.Add(labels), &completion.Add(labels)};
    });
  }

  tier_costs& costs(std::string_view tier) {
    return costs_by_tier.find(tier, 0, [this](std::string_view value, std::uint32_t) {
      Labels labels{{"tier", label(value)}};
      return tier_costs{&cost.Add(labels), &all_large.Add(labels), &saved.Add(labels)};
    });
  }

  void count_cost(tier_costs& of, std::int64_t paid, std::int64_t large) {
    of.cost->Increment(static_cast<double>(paid) * nanousd);
    of.all_large->Increment(static_cast<double>(large) * nanousd);
    cost_nanousd.fetch_add(paid, std::memory_order_relaxed);
    all_large_nanousd.fetch_add(large, std::memory_order_relaxed);
  }

  void count_times(schema::Purpose purpose, schema::AttemptResult::Reader result) {
    auto& of = times(view(result.getTier()), purpose);
    auto total = static_cast<double>(result.getTotalUs()) * microseconds;
    of.queue->Observe(static_cast<double>(result.getQueueUs()) * microseconds);
    if (result.getFirstTokenUs() != 0)
      of.first_token->Observe(static_cast<double>(result.getFirstTokenUs()) * microseconds);
    of.total->Observe(total);
    auto bucket = std::lower_bound(latency_bounds.begin(), latency_bounds.end(), total);
    add(latency_counts[static_cast<std::size_t>(bucket - latency_bounds.begin())], 1);
  }
};

node_metrics::node_metrics() : state_{std::make_unique<state>()} {}
node_metrics::~node_metrics() = default;

void node_metrics::on_call(schema::Decision::Reader decision,
                           schema::AttemptResult::Reader result) {
  auto usage = result.getUsage();
  auto model = view(decision.getModel());
  auto& tokens = state_->tokens(model);
  tokens.prompt->Increment(static_cast<double>(usage.getPromptTokens()));
  tokens.cached->Increment(static_cast<double>(usage.getCachedPromptTokens()));
  tokens.completion->Increment(static_cast<double>(usage.getCompletionTokens()));
  add(state_->token_count, usage.getPromptTokens() + usage.getCompletionTokens());
  state_->count_cost(state_->costs(view(decision.getTier())), usage.getCostNanousd(),
                     usage.getCostAllLargeNanousd());
  state_->calls_by_model
      .find(model, static_cast<std::uint32_t>(place_of(result.getError().getCode())),
            [this](std::string_view value, std::uint32_t number) {
              return &state_->calls.Add({{"model", label(value)},
                                         {"outcome", label(value, number, outcome_word(number))}});
            })
      ->Increment();
}

void node_metrics::on_cache_hit(std::string_view tier, std::uint8_t level,
                                schema::Usage::Reader usage) {
  auto& costs = state_->costs(tier);
  costs.saved->Increment(static_cast<double>(usage.getSavedNanousd()) * nanousd);
  state_->count_cost(costs, usage.getCostNanousd(), usage.getCostAllLargeNanousd());
  add(state_->hit_count, 1);
  state_->hits_by_tier
      .find(
          tier, level,
          [this](std::string_view value, std::uint32_t number) {
            return &state_->cache_hits.Add(
                {{"tier", label(value)}, {"level", label(value, number, std::to_string(number))}});
          })
      ->Increment();
}

void node_metrics::on_attempt(schema::Purpose purpose, schema::AttemptResult::Reader result) {
  auto code = result.getError().getCode();
  auto from_cache = result.hasCache() && result.getCache().getLevel() != 0;
  auto good = code == schema::Errc::UNKNOWN;
  auto outcome = good && from_cache ? cached_outcome : place_of(code);
  auto of = place_of(purpose);
  state_->attempts_by_outcome
      .find({}, static_cast<std::uint32_t>(outcome * purposes_max + of),
            [&](std::string_view, std::uint32_t) {
              return &state_->attempts.Add(
                  {{"purpose", std::string{words::of(static_cast<schema::Purpose>(of))}},
                   {"outcome", std::string{outcome_word(outcome)}}});
            })
      ->Increment();
  add(state_->attempt_count, 1);
  if (is_service_failure(code)) add(state_->failed_count, 1);
  if (good && !from_cache && result.getEngine().size() != 0) state_->count_times(purpose, result);
}

void node_metrics::on_check(schema::Purpose purpose, check_outcome outcome) {
  static constexpr std::array<std::string_view, 3> outcomes{"passed", "failed", "broken"};
  auto of = place_of(purpose);
  auto place = static_cast<std::size_t>(outcome);
  state_->checks_by_outcome
      .find({}, static_cast<std::uint32_t>(place * purposes_max + of),
            [&](std::string_view, std::uint32_t) {
              return &state_->checks.Add(
                  {{"purpose", std::string{words::of(static_cast<schema::Purpose>(of))}},
                   {"outcome", std::string{outcomes[place]}}});
            })
      ->Increment();
}

void node_metrics::on_hedge() {
  state_->hedges.Increment();
}

void node_metrics::on_record(schema::JobRecord::Reader record) {
  if (record.isSubmitted()) {
    auto mode = words::of(record.getSubmitted().getMode());
    state_->accepted_by_mode
        .find(mode, 0,
              [this](std::string_view value, std::uint32_t) {
                return &state_->accepted.Add({{"mode", std::string{value}}});
              })
        ->Increment();
  } else if (record.isAttemptFailed()) {
    state_->by_rung
        .find(view(record.getAttemptFailed().getRung()), 0,
              [this](std::string_view value, std::uint32_t) {
                auto rung = label(value);
                std::replace(rung.begin(), rung.end(), ' ', '_');
                return &state_->rungs.Add({{"rung", rung}});
              })
        ->Increment();
  }
}

void node_metrics::on_job_end(schema::JobSummary::Reader summary) {
  auto ended = summary.getState();
  state_->ended_by_state
      .find(words::of(ended), 0,
            [this](std::string_view value, std::uint32_t) {
              return &state_->ended.Add({{"state", std::string{value}}});
            })
      ->Increment();
  if (ended == schema::JobState::DONE) add(state_->done_count, 1);
  if (ended == schema::JobState::FAILED) add(state_->job_failed_count, 1);
  auto took = summary.getEndedAtMs() > summary.getSubmittedAtMs()
                  ? summary.getEndedAtMs() - summary.getSubmittedAtMs()
                  : 0;
  auto mode = summary.getRouted() ? schema::PlanMode::AUTO : summary.getMode();
  state_->duration_by_mode
      .find(words::of(mode), 0,
            [this](std::string_view value, std::uint32_t) {
              return &state_->duration.Add({{"mode", std::string{value}}}, job_buckets);
            })
      ->Observe(static_cast<double>(took) * 1e-3);
}

void node_metrics::on_commit(std::size_t records, double seconds) {
  state_->commit_records.Observe(static_cast<double>(records));
  state_->commit.Observe(seconds);
}

void node_metrics::on_http(std::string_view route, unsigned status, double seconds) {
  state_->requests_by_route
      .find(route, status,
            [this](std::string_view value, std::uint32_t number) {
              return &state_->requests.Add(
                  {{"route", label(value)},
                   {"status", label(value, number, std::to_string(number))}});
            })
      ->Increment();
  state_->request_by_route
      .find(route, 0,
            [this](std::string_view value, std::uint32_t) {
              return &state_->request.Add({{"route", label(value)}}, latency_buckets);
            })
      ->Observe(seconds);
}

void node_metrics::on_stream_begin() {
  state_->streams.Increment();
}

void node_metrics::on_stream_end() {
  state_->streams.Decrement();
}

metric_totals node_metrics::totals() const {
  metric_totals sums;
  auto read = [](const auto& from) { return from.load(std::memory_order_relaxed); };
  sums.cost_usd = static_cast<double>(read(state_->cost_nanousd)) * nanousd;
  sums.cost_all_large_usd = static_cast<double>(read(state_->all_large_nanousd)) * nanousd;
  sums.attempts = read(state_->attempt_count);
  sums.attempts_failed = read(state_->failed_count);
  sums.cache_hits = read(state_->hit_count);
  sums.tokens = read(state_->token_count);
  sums.jobs_done = read(state_->done_count);
  sums.jobs_failed = read(state_->job_failed_count);
  for (std::size_t i = 0; i < sums.latencies.size(); ++i)
    sums.latencies[i] = read(state_->latency_counts[i]);
  return sums;
}

std::vector<prometheus::MetricFamily> node_metrics::collect() const {
  return state_->registry.Collect();
}

}  // namespace tandem
