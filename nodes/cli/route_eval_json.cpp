#include "nodes/cli/route_eval_json.hpp"

#include "schema/json_writer.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

void write_estimate(json_writer& json, std::string_view name, const estimate& from) {
  json.object_field(name);
  json.field("value", from.value);
  json.field("error", from.error);
  json.field("low", from.low);
  json.field("high", from.high);
  json.end();
}

void write_policy(json_writer& json, const policy_estimate& from) {
  json.object();
  json.field("policy", from.policy);
  write_estimate(json, "doubly_robust", from.doubly_robust);
  write_estimate(json, "gain", from.gain);
  write_estimate(json, "quality", from.quality);
  write_estimate(json, "ips", from.ips);
  write_estimate(json, "snips", from.snips);
  write_estimate(json, "direct", from.direct);
  json.field("cost", from.cost);
  json.field("cost_nanousd", from.cost_nanousd);
  json.field("effective", from.effective);
  json.field("largest_weight", from.largest_weight);
  json.field("clipped", from.clipped);
  json.field("unsupported", from.unsupported);
  json.field("unavailable", from.unavailable);
  json.end();
}

}  // namespace

std::string evaluation_json(std::string_view log, const off_policy_evaluator& evaluator,
                            std::span<const policy_estimate> estimates) {
  json_writer json;
  json.object();
  json.field("log", log);
  json.field("decisions", evaluator.decisions());
  json.field("rewarded", evaluator.rewarded());
  json.field("clip", evaluator.clip());
  json.array_field("policies");
  for (const auto& e : estimates) write_policy(json, e);
  json.end();
  json.array_field("notes");
  for (const auto& note : evaluator.notes()) json.value(note);
  json.end();
  json.end();
  return json.text();
}

}  // namespace tandem::cli
