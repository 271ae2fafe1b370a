#include "nodes/simulate/report.hpp"
#include "schema/json_writer.hpp"

namespace tandem::simulation {
namespace {

void write_durations(json_writer& json, std::string_view name, const durations& of) {
  json.object_field(name);
  json.field("count", of.count());
  json.field("mean", of.mean());
  json.field("p50", of.quantile(0.5));
  json.field("p95", of.quantile(0.95));
  json.field("p99", of.quantile(0.99));
  json.end();
}

void write_model(json_writer& json, const model_use& use) {
  json.field("tier", std::string_view{use.tier});
  json.field("engines", use.engines);
  json.field("calls", use.calls);
  json.field("prompt_tokens", use.prompt_tokens);
  json.field("cached_prompt_tokens", use.cached_prompt_tokens);
  json.field("completion_tokens", use.completion_tokens);
  json.field("cost_usd", use.cost_usd);
  json.field("busy_share", use.busy);
  json.field("calls_at_once", use.batch);
}

void write_result(json_writer& json, const run_result& r) {
  json.field("calls", r.calls);
  json.field("jobs", r.jobs);
  json.field("done", r.done);
  json.field("failed", r.failed);
  json.field("right", r.right);
  json.field("in_time", r.in_time);
  json.field("load_s", r.load_s);
  json.field("span_s", r.span_s);
  json.field("cost_usd", r.cost_usd);
  json.field("all_large_usd", r.all_large_usd);
  json.field("cache_saved_usd", r.cache_saved_usd);
  // Of none there is no price.
  auto price = [&json](std::string_view name, double usd, bool any) {
    if (any)
      json.field(name, usd);
    else
      json.null_field(name);
  };
  price("usd_per_1k_done", usd_per_1k_done(r), r.done != 0);
  price("usd_per_1k_right", usd_per_1k_right(r), r.right != 0);
  json.field("saving_share", saving(r));
  json.field("prefix_hit_share", prefix_hit_share(r));
  json.object_field("cache_hits");
  json.field("level_1", r.cache_hits[1]);
  json.field("level_2", r.cache_hits[2]);
  json.end();
  json.field("model_calls", r.model_calls);
  write_durations(json, "first_token_s", r.first_token_s);
  write_durations(json, "call_s", r.call_s);
  write_durations(json, "job_s", r.job_s);
  write_durations(json, "queue_s", r.queue_s);
  json.object_field("models");
  for (const auto& [name, use] : r.models) {
    json.object_field(name);
    write_model(json, use);
    json.end();
  }
  json.end();
  json.object_field("failures");
  for (const auto& [why, count] : r.failures) json.field(why, count);
  json.end();
}

}  // namespace

double usd_per_1k_done(const run_result& r) {
  return r.done == 0 ? 0 : r.cost_usd * 1000 / static_cast<double>(r.done);
}

double usd_per_1k_right(const run_result& r) {
  return r.right == 0 ? 0 : r.cost_usd * 1000 / static_cast<double>(r.right);
}

double saving(const run_result& r) {
  auto instead = r.all_large_usd + r.cache_saved_usd;
  return instead <= 0 ? 0 : 1 - r.cost_usd / instead;
}

double prefix_hit_share(const run_result& r) {
  std::uint64_t read = 0, cached = 0;
  for (const auto& [name, use] : r.models) {
    read += use.prompt_tokens;
    cached += use.cached_prompt_tokens;
  }
  return read == 0 ? 0 : static_cast<double>(cached) / static_cast<double>(read);
}

std::string report_json(const report_head& head, const std::vector<variant_result>& results) {
  json_writer json;
  json.object();
  json.field("config", std::string_view{head.config});
  json.field("work", std::string_view{head.work});
  json.field("seed", head.seed);
  json.field("first_token_slo_s", head.first_token_slo_s);
  json.field("job_slo_s", head.job_slo_s);
  json.array_field("variants");
  for (const auto& each : results) {
    json.object();
    json.field("name", std::string_view{each.name});
    json.field("what", std::string_view{each.what});
    if (each.most) {
      json.field("speed_at_slo", each.most->speed);
      json.field("in_time_per_s_at_slo", each.most->per_s);
    }
    write_result(json, each.result);
    json.end();
  }
  json.end();
  json.end();
  return json.text();
}

}  // namespace tandem::simulation
