#include "nodes/cli/decision_json.hpp"

#include "nodes/cli/names.hpp"
#include "schema/ids.hpp"
#include "schema/json_writer.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

constexpr int format_version = 1;

void write_arm(json_writer& json, schema::ArmScore::Reader arm) {
  json.object();
  json.field("model", view(arm.getModel()));
  json.field("tier", view(arm.getTier()));
  json.field("weight_version", view(arm.getWeightVersion()));
  if (arm.getFilter().size() > 0) json.field("filter", view(arm.getFilter()));
  json.field("quality", arm.getQuality());
  json.field("deviation", arm.getDeviation());
  json.field("exploration", arm.getExploration());
  json.field("cost", arm.getCost());
  json.field("cost_nanousd", arm.getCostNanousd());
  json.field("latency_us", arm.getLatencyUs());
  json.field("score", arm.getScore());
  json.field("propensity", arm.getPropensity());
  json.end();
}

// Of a float widened to double all digits are written: it narrows back to the same float.
void write_features(json_writer& json, schema::FeatureVector::Reader features) {
  json.object_field("features");
  json.field("version", features.getVersion());
  json.array_field("dense");
  for (auto value : features.getDense()) json.value(static_cast<double>(value));
  json.end();
  json.array_field("sparse");
  for (auto feature : features.getSparse()) {
    json.array();
    json.value(feature.getIndex());
    json.value(static_cast<double>(feature.getValue()));
    json.end();
  }
  json.end();
  json.end();
}

void write_rewards(json_writer& json, schema::DecisionRecord::Reader decision) {
  json.array_field("rewards");
  for (auto reward : decision.getRewards()) {
    json.object();
    json.field("source", name_of(reward.getSource()));
    json.field("quality", reward.getQuality());
    json.field("at_ms", reward.getAtMs());
    json.end();
  }
  json.end();
}

}  // namespace

std::string write_decision_json(schema::DecisionRecord::Reader decision) {
  json_writer json;
  json.object();
  json.field("v", format_version);
  json.field("id", std::to_string(decision.getId()));
  json.field("at_ms", decision.getAtMs());
  json.field("purpose", name_of(decision.getPurpose()));
  json.field("kind", view(decision.getKind()));
  json.field("tenant", view(decision.getTenant()));
  json.field("policy", view(decision.getPolicy()));
  json.array_field("arms");
  for (auto arm : decision.getArms()) write_arm(json, arm);
  json.end();
  json.field("chosen", decision.getChosen());
  json.field("engine", view(decision.getEngine()));
  write_features(json, decision.getFeatures());
  json.field("cost_price", decision.getCostPrice());
  json.field("latency_price", decision.getLatencyPrice());
  write_rewards(json, decision);
  if (decision.getQuality() >= 0) json.field("quality", decision.getQuality());
  if (decision.getCostNanousd() >= 0) json.field("cost_nanousd", decision.getCostNanousd());
  json.field("latency_us", decision.getLatencyUs());
  json.field("tries", decision.getTries());
  auto job = decision.getJob();
  json.field("job", job.getNumber() == 0
                        ? std::string{}
                        : to_string(job_id{journal_id{job.getJournal()}, job.getNumber()}));
  json.field("trial", view(decision.getTrial()));
  if (decision.getShadow().size() > 0) {
    json.array_field("shadow");
    for (auto propensity : decision.getShadow()) json.value(propensity);
    json.end();
  }
  json.end();
  return json.text();
}

}  // namespace tandem::cli
