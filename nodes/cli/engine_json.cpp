// The JSON of engines: see engine_text.hpp.

#include "nodes/cli/engine_text.hpp"
#include "nodes/cli/names.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

template <class Number>
void field_unless(json_writer& json, std::string_view name, bool is_unknown, Number number) {
  if (is_unknown)
    json.null_field(name);
  else
    json.field(name, number);
}

void write_changes(json_writer& json, schema::EngineStatus::Reader engine) {
  json.array_field("changes");
  for (auto change : engine.getChanges()) {
    json.object();
    json.field("at_ms", change.getAtMs());
    json.field("health", name_of(change.getHealth()));
    json.field("reason", view(change.getReason()));
    json.end();
  }
  json.end();
}

std::string_view verdict_name(engine_verdict::state state) {
  switch (state) {
    case engine_verdict::state::used:
      return "yes";
    case engine_verdict::state::limited:
      return "limited";
    default:
      return "no";
  }
}

}  // namespace

void write_fields(json_writer& json, schema::EngineStatus::Reader engine) {
  json.field("name", view(engine.getName()));
  json.field("kind", view(engine.getKind()));
  json.field("model", view(engine.getModel()));
  json.field("tier", view(engine.getTier()));
  json.field("weight_version", view(engine.getWeightVersion()));
  json.field("health", name_of(engine.getHealth()));
  json.field("held", engine.getHeld());
  json.field("weights_fixed", view(engine.getWeightsFixed()));
  json.field("busy_us", engine.getBusyUs());
  json.field("last_error", view(engine.getLastError()));
  json.field("in_flight", engine.getInFlight());
  json.field("concurrency", engine.getConcurrency());
  field_unless(json, "limit", engine.getLimit() == 0, engine.getLimit());
  json.field("queued", engine.getQueued());
  json.field("context_tokens", engine.getContextTokens());
  json.field("requests", engine.getRequests());
  json.field("failures", engine.getFailures());
  json.field("refusals", engine.getRefusals());
  json.field("prompt_tokens", engine.getPromptTokens());
  json.field("cached_prompt_tokens", engine.getCachedPromptTokens());
  json.field("completion_tokens", engine.getCompletionTokens());
  json.field("simulated", engine.getSimulated());
  json.field("url", view(engine.getUrl()));
  json.field("server", view(engine.getServer()));
  json.field("breaker", name_of(engine.getBreaker()));
  json.field("opens_in_a_row", engine.getOpensInARow());
  field_unless(json, "busy_until_ms", engine.getBusyUntilMs() == 0, engine.getBusyUntilMs());
  auto is_load_unknown = engine.getLoadAtMs() == 0;
  field_unless(json, "server_running", is_load_unknown, engine.getServerRunning());
  field_unless(json, "server_waiting", is_load_unknown, engine.getServerWaiting());
  auto share = static_cast<double>(engine.getCacheUsageShare());
  field_unless(json, "cache_usage_share", is_load_unknown || share < 0, share);
  field_unless(json, "load_at_ms", is_load_unknown, engine.getLoadAtMs());
  field_unless(json, "process_id", engine.getProcessId() == 0, engine.getProcessId());
  json.field("process_restarts", engine.getProcessRestarts());
  write_changes(json, engine);
}

std::string engines_json(schema::Topology::Reader topology) {
  json_writer json;
  json.object();
  json.array_field("engines");
  for (auto node : topology.getNodes()) {
    for (auto engine : node.getEngines()) {
      json.object();
      json.field("node", view(node.getName()));
      write_fields(json, engine);
      json.end();
    }
  }
  json.end();
  json.end();
  return json.text();
}

std::string explain_json(schema::EngineStatus::Reader engine, std::string_view node,
                         std::uint64_t now_ms) {
  auto verdict = judge_engine(engine, now_ms);
  json_writer json;
  json.object();
  json.field("used", verdict_name(verdict.is));
  json.field("why", verdict.why);
  json.field("mend", verdict.mend);
  json.object_field("engine");
  json.field("node", node);
  write_fields(json, engine);
  json.end();
  json.end();
  return json.text();
}

std::string probe_json(schema::EngineReport::Reader report) {
  json_writer json;
  json.object();
  json.field("ok", is_all_ok(report));
  json.array_field("checks");
  for (auto check : report.getChecks()) {
    json.object();
    json.field("what", view(check.getWhat()));
    json.field("ok", check.getOk());
    json.field("detail", view(check.getDetail()));
    json.field("took_us", check.getTookUs());
    json.end();
  }
  json.end();
  json.object_field("engine");
  write_fields(json, report.getStatus());
  json.end();
  json.end();
  return json.text();
}

}  // namespace tandem::cli
