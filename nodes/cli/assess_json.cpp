#include <cmath>

#include "nodes/cli/assess_text.hpp"
#include "schema/json_writer.hpp"

namespace tandem::cli {
namespace {

void put(json_writer& json, std::string_view name, std::optional<double> value) {
  if (value && std::isfinite(*value))
    json.field(name, *value);
  else
    json.null_field(name);
}

void put_estimates(json_writer& json, const assessment& result) {
  json.object_field("estimates");
  for (const auto& e : result.estimates) {
    json.object_field(e.name);
    put(json, "value", e.value);
    if (e.range) {
      put(json, "p10", e.range->p10);
      put(json, "p50", e.range->p50);
      put(json, "p90", e.range->p90);
    }
    json.field("tag", to_string(e.is_derived ? number_kind::derived : e.worst));
    json.field("from", to_string(e.worst));
    json.end();
  }
  json.end();
}

void put_deciding(json_writer& json, const assessment& result) {
  json.array_field("deciding");
  for (const auto& d : result.deciding) {
    json.object();
    json.field("input", d.name);
    put(json, "value", d.value);
    put(json, "low", d.low);
    put(json, "high", d.high);
    json.field("tag", to_string(d.kind));
    put(json, "worth_at_low_usd", d.worth_at_low);
    put(json, "worth_at_high_usd", d.worth_at_high);
    put(json, "turns_at", d.turning);
    json.field("measure", d.measure);
    json.end();
  }
  json.end();
}

void put_findings(json_writer& json, const assessment& result) {
  json.array_field("findings");
  for (const auto& f : result.findings) {
    json.object();
    json.field("name", f.name);
    json.field("who", f.who);
    json.field("contradicts", f.contradicts);
    json.field("arithmetic", f.arithmetic);
    json.end();
  }
  json.end();
}

void put_inputs(json_writer& json, const assess_inputs& inputs) {
  json.array_field("inputs");
  for (const auto& named : numbers_of(inputs)) {
    const auto& n = *named.number;
    json.object();
    json.field("input", named.name);
    put(json, "value", n.value);
    put(json, "low", n.low);
    put(json, "high", n.high);
    json.field("tag",
               (named.groups & is_choice) != 0 ? std::string_view{"choice"} : to_string(n.kind));
    json.field("source", n.source);
    json.end();
  }
  json.end();
}

void put_log(json_writer& json, const assessed_log& log) {
  json.object_field("log");
  json.field("name", log.name);
  json.field("model", log.chosen.model);
  json.field("failed_calls", log.failed);
  json.array_field("models");
  for (const auto& traffic : log.models) {
    json.object();
    json.field("model", traffic.model);
    json.field("calls", traffic.calls);
    put(json, "requests_per_s", traffic.qps());
    put(json, "peak", traffic.peak());
    put(json, "input_tokens", traffic.mean_input());
    put(json, "output_tokens", traffic.mean_output());
    put(json, "usd", traffic.usd);
    json.end();
  }
  json.end();
  json.array_field("skipped");
  for (const auto& s : log.skipped) {
    json.object();
    json.field("why", s.why);
    json.field("lines", s.count);
    json.field("first_line", s.first_line);
    json.end();
  }
  json.end();
  json.end();
}

}  // namespace

std::string assessment_json(const assess_request& asked, const assessment& result,
                            const std::optional<assessed_log>& log) {
  json_writer json;
  json.object();
  json.field("verdict", to_string(result.outcome.kind));
  json.field("reason", result.outcome.reason);
  json.field("text", result.outcome.text);
  json.array_field("also");
  for (const auto& more : result.outcome.also) json.value(more);
  json.end();
  if (!result.is_refused()) json.field("loss_chance", result.loss_chance);
  put_findings(json, result);
  put_estimates(json, result);
  put_deciding(json, result);
  put_inputs(json, asked.inputs);
  if (log) put_log(json, *log);
  json.array_field("notes");
  for (const auto& note : asked.notes) json.value(note);
  json.end();
  json.end();
  return json.text();
}

}  // namespace tandem::cli
