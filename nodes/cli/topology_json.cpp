// The JSON of the topology: see topology_text.hpp.

#include "nodes/cli/engine_text.hpp"
#include "nodes/cli/names.hpp"
#include "nodes/cli/topology_text.hpp"
#include "schema/ids.hpp"
#include "schema/json_writer.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

void write_actor(json_writer& json, schema::ActorStatus::Reader actor) {
  json.object();
  json.field("name", view(actor.getName()));
  json.field("kind", view(actor.getKind()));
  json.field("parent", view(actor.getParent()));
  json.field("state", view(actor.getState()));
  json.field("restarts", actor.getRestarts());
  json.field("mailbox_depth", actor.getMailboxDepth());
  json.field("in_flight", actor.getInFlight());
  json.field("queued", actor.getQueued());
  json.field("handled", actor.getHandled());
  json.field("noun", view(actor.getNoun()));
  json.field("last_error", view(actor.getLastError()));
  json.end();
}

void write_engine(json_writer& json, schema::EngineStatus::Reader engine) {
  json.object();
  write_fields(json, engine);
  json.end();
}

void write_alarm(json_writer& json, schema::Alarm::Reader alarm) {
  json.object();
  json.field("name", view(alarm.getName()));
  json.field("subject", view(alarm.getSubject()));
  json.field("severity", name_of(alarm.getSeverity()));
  json.field("text", view(alarm.getText()));
  json.field("since_ms", alarm.getSinceMs());
  json.end();
}

}  // namespace

std::string topology_json(schema::Topology::Reader topology) {
  json_writer json;
  json.object();
  json.array_field("nodes");
  for (auto node : topology.getNodes()) {
    json.object();
    json.field("name", view(node.getName()));
    // A 64-bit number would lose digits in many JSON readers.
    json.field("incarnation", std::to_string(node.getIncarnation()));
    json.field("journal", to_string(journal_id{node.getJournal()}));
    json.field("address", view(node.getAddress()));
    if (node.getHttp().size() != 0)
      json.field("http", view(node.getHttp()));
    else
      json.null_field("http");
    json.field("version", view(node.getVersion()));
    json.field("started_at_ms", node.getStartedAtMs());
    auto member = node.getMember();
    json.field("state", name_of(member.getState()));
    json.field("since_ms", member.getSinceMs());
    json.field("heard_ms_ago", member.getHeardMsAgo());
    json.field("draining", member.getDraining());
    json.field("certificate_ends_at_ms", member.getCertificateEndsAtMs());
    json.array_field("roles");
    for (auto role : node.getRoles()) json.value(view(role));
    json.end();
    json.field("jobs_running", node.getJobsRunning());
    json.field("jobs_queued", node.getJobsQueued());
    json.field("resident_bytes", node.getResidentBytes());
    json.array_field("actors");
    for (auto actor : node.getActors()) write_actor(json, actor);
    json.end();
    json.array_field("engines");
    for (auto engine : node.getEngines()) write_engine(json, engine);
    json.end();
    json.array_field("alarms");
    for (auto alarm : node.getAlarms()) write_alarm(json, alarm);
    json.end();
    json.end();
  }
  json.end();
  json.array_field("waiting");
  for (auto place : topology.getWaiting()) {
    json.object();
    json.field("journal", to_string(journal_id{place.getJournal()}));
    json.field("node", view(place.getNode()));
    json.field("address", view(place.getAddress()));
    json.field("since_ms", place.getSinceMs());
    json.end();
  }
  json.end();
  json.end();
  return json.text();
}

}  // namespace tandem::cli
