// The JSON of routing: see route_text.hpp.

#include "nodes/cli/decision_json.hpp"
#include "nodes/cli/names.hpp"
#include "nodes/cli/route_text.hpp"
#include "schema/ids.hpp"
#include "schema/json_writer.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

using report_reader = schema::RouteReport::Reader;

/// The fields of a setting, within an object that is open.
void write_setting(json_writer& json, schema::RouteSetting::Reader setting) {
  json.field("generation", setting.getGeneration());
  json.field("at_ms", setting.getAtMs());
  json.field("policy", view(setting.getPolicy()));
  if (setting.getCandidate().size() == 0) {
    json.null_field("candidate");
    json.null_field("share");
  } else {
    json.field("candidate", view(setting.getCandidate()));
    json.field("share", setting.getShare());
  }
  json.field("before", view(setting.getBefore()));
}

void write_trial(json_writer& json, report_reader report) {
  if (report.getSetting().getCandidate().size() == 0) return json.null_field("trial");
  auto trial = report.getTrial();
  json.object_field("trial");
  json.field("candidate", view(trial.getCandidate()));
  json.field("share", trial.getShare());
  json.field("decisions", trial.getDecisions());
  json.field("difference", trial.getDifference());
  json.field("low", trial.getLow());
  json.field("high", trial.getHigh());
  json.end();
}

void write_arms(json_writer& json, report_reader report) {
  json.array_field("arms");
  for (auto arm : report.getArms()) {
    json.object();
    json.field("purpose", name_of(arm.getPurpose()));
    json.field("model", view(arm.getModel()));
    json.field("weight_version", view(arm.getWeightVersion()));
    json.field("decisions", arm.getDecisions());
    json.field("rewards", arm.getRewards());
    json.field("weight", arm.getWeight());
    if (arm.getRewards() == 0) {
      json.null_field("quality");
      json.null_field("deviation");
    } else {
      json.field("quality", arm.getQuality());
      json.field("deviation", arm.getDeviation());
    }
    json.field("trust", arm.getTrust());
    json.field("origins", arm.getOrigins());
    json.field("drift", view(arm.getDrift()));
    json.end();
  }
  json.end();
}

void write_tenants(json_writer& json, report_reader report) {
  json.array_field("tenants");
  for (auto tenant : report.getTenants()) {
    json.object();
    json.field("tenant", view(tenant.getTenant()));
    json.field("target_nanousd", tenant.getTargetNanousd());
    json.field("per", tenant.getPerHour() ? "hour" : "job");
    json.field("spent_nanousd", tenant.getSpentNanousd());
    json.field("price", tenant.getPrice());
    json.end();
  }
  json.end();
}

void write_rewards(json_writer& json, schema::RewardCounts::Reader counts) {
  json.object_field("rewards");
  json.field("learned", counts.getLearned());
  json.field("corrected", counts.getCorrected());
  json.field("again", counts.getAgain());
  json.field("unknown", counts.getUnknown());
  json.field("late", counts.getLate());
  json.field("refused", counts.getRefused());
  json.field("missing", counts.getMissing());
  json.end();
}

void write_changes(json_writer& json, report_reader report) {
  json.array_field("changes");
  for (auto change : report.getChanges()) {
    json.object();
    json.field("at_ms", change.getAtMs());
    json.field("action", name_of(change.getAction()));
    json.field("by", view(change.getBy()));
    json.field("why", view(change.getWhy()));
    json.object_field("setting");
    write_setting(json, change.getSetting());
    json.end();
    json.end();
  }
  json.end();
}

void write_nodes(json_writer& json, report_reader report) {
  json.array_field("nodes");
  for (auto origin : report.getNodes()) {
    json.object();
    json.field("origin", to_string(journal_id{origin.getOrigin()}));
    json.field("node", view(origin.getNode()));
    json.field("as_of_ms", origin.getAsOfMs());
    json.field("own", origin.getOwn());
    json.end();
  }
  json.end();
}

template <class List>
void write_texts(json_writer& json, std::string_view name, List texts) {
  json.array_field(name);
  for (auto text : texts) json.value(view(text));
  json.end();
}

}  // namespace

std::string route_status_json(report_reader report) {
  json_writer json;
  json.object();
  json.object_field("setting");
  write_setting(json, report.getSetting());
  json.end();
  write_trial(json, report);
  write_arms(json, report);
  write_tenants(json, report);
  write_rewards(json, report.getRewards());
  write_texts(json, "notes", report.getNotes());
  write_texts(json, "set_aside", report.getSetAside());
  write_changes(json, report);
  write_nodes(json, report);
  json.end();
  return json.text();
}

std::string route_setting_json(schema::RouteSetting::Reader setting) {
  json_writer json;
  json.object();
  write_setting(json, setting);
  json.end();
  return json.text();
}

std::string route_explain_json(schema::DecisionRecord::Reader decision) {
  return "{\"why\":" + json_string(why_chosen(decision)) +
         ",\"decision\":" + write_decision_json(decision) + '}';
}

}  // namespace tandem::cli
