#include <algorithm>

#include "nodes/cli/cost_text.hpp"
#include "nodes/cli/format.hpp"
#include "nodes/cli/names.hpp"
#include "nodes/cli/utc_date.hpp"
#include "schema/ids.hpp"
#include "schema/json_writer.hpp"

namespace tandem::cli {
namespace {

void write_percent(json_writer& json, std::string_view name, std::optional<double> percent) {
  if (percent)
    json.field(name, *percent);
  else
    json.null_field(name);
}

void write_interval(json_writer& json, std::string_view name, std::optional<interval> range,
                    double times) {
  if (!range) return json.null_field(name);
  json.array_field(name);
  json.value(times * range->low);
  json.value(times * range->high);
  json.end();
}

void write_figures(json_writer& json, const cost_figures& of) {
  json.field("attempts", of.attempts);
  json.field("failed", of.failed);
  json.field("simulated", of.simulated);
  json.object_field("usage");
  json.field("calls", of.calls);
  json.field("prompt_tokens", of.prompt_tokens);
  json.field("cached_prompt_tokens", of.cached_prompt_tokens);
  json.field("completion_tokens", of.completion_tokens);
  json.field("cost_nanousd", of.cost_nanousd);
  json.field("cost_all_large_nanousd", of.all_large_nanousd);
  json.field("cache_hits", of.cache_hits);
  json.field("saved_nanousd", of.cache_saved_nanousd);
  json.end();
  json.field("failed_cost_nanousd", of.failed_nanousd);
  json.field("failed_all_large_nanousd", of.failed_all_large_nanousd);
  json.field("unpriced", of.unpriced);
  json.field("unpriced_nanousd", of.unpriced_nanousd);
  json.field("saved_nanousd", of.saved_nanousd());
  write_percent(json, "saving_percent",
                saving_percent(of.comparable_nanousd(), of.all_large_nanousd));
}

void write_jobs(json_writer& json, const cost_jobs& of) {
  json.field("done", of.done);
  json.field("failed", of.failed);
  json.field("cancelled", of.cancelled);
  json.field("unfinished", of.unfinished);
  json.field("simulated", of.simulated);
  json.field("judged", of.judged);
  json.field("right", of.right);
  json.field("judged_nanousd", of.judged_nanousd);
  json.field("judged_all_large_nanousd", of.judged_all_large_nanousd);
  write_percent(json, "right_nanousd", right_nanousd(of));
}

void write_day(json_writer& json, std::uint64_t day_ms) {
  if (day_ms == 0)
    json.null_field("day");
  else
    json.field("day", day_text(day_ms));
}

void write_rows(json_writer& json, const cost_report& report) {
  const auto& asked = report.question;
  json.array_field("rows");
  for (const auto& [key, figures] : report.sum.rows()) {
    json.object();
    if (asked.by_day) write_day(json, key.day_ms);
    if (asked.by_tenant) json.field("tenant", key.tenant);
    if (asked.by_model) {
      json.field("model", key.model);
      json.field("tier", key.tier);
    }
    if (asked.by_kind) {
      json.field("kind", key.kind);
      json.field("purpose", name_of(key.purpose));
    }
    write_figures(json, figures);
    json.end();
  }
  json.end();
  json.array_field("jobs");
  for (const auto& [key, jobs] : report.sum.jobs()) {
    json.object();
    if (asked.by_day) write_day(json, key.first);
    if (asked.by_tenant) json.field("tenant", key.second);
    write_jobs(json, jobs);
    json.end();
  }
  json.end();
}

void write_totals(json_writer& json, const cost_sum& sum) {
  json.object_field("total");
  write_figures(json, sum.total());
  write_interval(json, "saving_interval_percent", sum.saving_interval(), 100);
  json.end();
  json.object_field("total_jobs");
  write_jobs(json, sum.total_jobs());
  json.field("counted", sum.jobs_counted);
  write_interval(json, "right_interval_nanousd", sum.right_cost_interval(), 1);
  json.end();
}

void write_cost_estimate(json_writer& json, std::string_view name, const estimate& of) {
  json.object_field(name);
  json.field("value", of.value);
  json.field("low", of.low);
  json.field("high", of.high);
  json.end();
}

void write_quality(json_writer& json, const cost_report& report) {
  if (!report.quality) return json.null_field("quality");
  const auto& of = *report.quality;
  json.object_field("quality");
  json.field("node", report.node);
  json.field("decisions", of.decisions);
  json.field("rewarded", of.rewarded);
  json.field("effective", of.effective);
  json.field("said", of.why_not.empty());
  if (of.why_not.empty())
    json.null_field("why_not");
  else
    json.field("why_not", of.why_not);
  // Numbers that do not hold are not to be read by a script that does not look at `said`.
  if (of.why_not.empty()) {
    write_cost_estimate(json, "chosen", of.chosen);
    write_cost_estimate(json, "large", of.large);
    write_cost_estimate(json, "lead", of.lead);
  }
  json.end();
}

void write_gaps(json_writer& json, const cost_report& report) {
  json.field("journals", report.sum.journals);
  json.array_field("missing");
  for (const auto& gap : report.gaps) {
    json.object();
    json.field("journal", to_string(journal_id{gap.journal}));
    json.field("node", gap.node);
    json.field("waiting", gap.waiting);
    json.field("in_part", gap.in_part);
    json.end();
  }
  json.end();
  json.field("purged", report.sum.purged);
  json.field("unreadable", report.sum.unreadable);
  json.field("folded", report.sum.folded);
}

}  // namespace

std::string cost_json(const cost_report& report) {
  const auto& asked = report.question;
  json_writer json;
  json.object();
  if (asked.from_ms == 0)
    json.null_field("from");
  else
    json.field("from", day_text(asked.from_ms));
  json.field("to", day_text(asked.to_ms - 1));
  if (asked.tenant.empty())
    json.null_field("tenant");
  else
    json.field("tenant", asked.tenant);
  json.array_field("by");
  if (asked.by_day) json.value("day");
  if (asked.by_tenant) json.value("tenant");
  if (asked.by_model) json.value("model");
  if (asked.by_kind) json.value("kind");
  json.end();
  write_rows(json, report);
  write_totals(json, report.sum);
  write_quality(json, report);
  write_gaps(json, report);
  json.field("first_ms", report.sum.first_ms);
  json.field("last_ms", report.sum.last_ms);
  json.field("assumes",
             "all large: the large tier would have read and written the same tokens, in as many "
             "calls");
  json.end();
  return json.text();
}

}  // namespace tandem::cli
