#include "nodes/cli/weights_text.hpp"

#include "actors/weight_sync/roll_record.hpp"
#include "nodes/cli/format.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/table.hpp"
#include "schema/json_writer.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

using align = table::align;

std::string hex_of(capnp::Data::Reader bytes, std::size_t count) {
  constexpr std::string_view digits{"0123456789abcdef"};
  std::string out;
  for (std::size_t i = 0; i < bytes.size() && i < count; ++i) {
    out += digits[bytes[i] >> 4];
    out += digits[bytes[i] & 15];
  }
  return out;
}

std::string format_of(schema::WeightFormat format) {
  switch (format) {
    case schema::WeightFormat::GGUF:
      return "gguf";
    case schema::WeightFormat::SAFETENSORS:
      return "safetensors";
    default:
      return "files";
  }
}

std::string what_it_is(schema::WeightVersion::Reader version) {
  auto text = format_of(version.getFormat());
  if (version.getArchitecture().size() != 0)
    text += " " + printable_line(view(version.getArchitecture()));
  if (version.getParameters() != 0)
    text += " " + human_count(version.getParameters()) + " parameters";
  if (version.getTypes().size() != 0) text += ", " + printable_line(view(version.getTypes()));
  return text;
}

std::string joined(capnp::List<capnp::Text>::Reader names) {
  std::string out;
  for (auto name : names) out += (out.empty() ? "" : ", ") + printable_line(view(name));
  return out;
}

tint colour_of(schema::EnginePhase phase) {
  switch (phase) {
    case schema::EnginePhase::SERVING:
      return tint::green;
    case schema::EnginePhase::FAILED:
      return tint::red;
    case schema::EnginePhase::DRAINING:
    case schema::EnginePhase::LOADING:
      return tint::yellow;
    default:
      return tint::none;
  }
}

std::string fetch_line(schema::WeightFetch::Reader fetch) {
  auto text =
      printable_line(view(fetch.getNode())) + " fetches " + printable_line(view(fetch.getModel())) +
      " " + printable_line(view(fetch.getVersion())) + ": " + human_bytes(fetch.getDoneBytes()) +
      " of " + human_bytes(fetch.getTotalBytes()) + ", " + human_bytes(fetch.getMovedBytes()) +
      " moved, " + human_bytes(static_cast<std::uint64_t>(fetch.getBytesPerS())) + "/s";
  if (fetch.getError().size() != 0) text += "; " + printable_line(view(fetch.getError()));
  for (auto peer : fetch.getAvoided()) text += "; avoids " + printable_line(view(peer));
  return text;
}

void write_version(json_writer& json, schema::WeightVersionReport::Reader report) {
  auto version = report.getVersion();
  json.object();
  json.field("model", view(version.getModel()));
  json.field("version", view(version.getVersion()));
  json.field("number", version.getNumber());
  json.field("manifest", hex_of(version.getManifest(), 32));
  json.field("bytes", version.getSizeBytes());
  json.field("added_at_ms", version.getAddedAtMs());
  json.field("added_by", view(version.getAddedBy()));
  json.field("format", format_of(version.getFormat()));
  json.field("architecture", view(version.getArchitecture()));
  json.field("parameters", version.getParameters());
  json.field("types", view(version.getTypes()));
  json.field("wanted", report.getWanted());
  json.array_field("nodes");
  for (auto node : report.getNodes()) json.value(view(node));
  json.end();
  json.end();
}

void write_roll(json_writer& json, schema::WeightRoll::Reader roll) {
  json.object();
  json.field("model", view(roll.getModel()));
  json.field("version", view(roll.getVersion()));
  json.field("before", view(roll.getBefore()));
  json.field("phase", to_string(roll.getPhase()));
  json.field("over", is_over(roll));
  json.field("reason", view(roll.getReason()));
  json.field("verdict", view(roll.getVerdict()));
  json.field("coordinator", view(roll.getCoordinator()));
  json.field("epoch", roll.getEpoch());
  json.field("began_at_ms", roll.getBeganAtMs());
  json.field("ended_at_ms", roll.getEndedAtMs());
  json.array_field("engines");
  for (auto engine : roll.getEngines()) {
    json.object();
    json.field("node", view(engine.getNode()));
    json.field("engine", view(engine.getName()));
    json.field("version", view(engine.getVersion()));
    json.field("before", view(engine.getBefore()));
    json.field("phase", to_string(engine.getPhase()));
    json.field("canary", engine.getCanary());
    json.field("error", view(engine.getError()));
    json.field("began_at_ms", engine.getBeganAtMs());
    json.field("ended_at_ms", engine.getEndedAtMs());
    json.end();
  }
  json.end();
  json.end();
}

}  // namespace

bool is_over(schema::WeightRoll::Reader roll) {
  return roll.getPhase() == schema::RollPhase::DONE ||
         roll.getPhase() == schema::RollPhase::ROLLED_BACK ||
         roll.getPhase() == schema::RollPhase::GATED;
}

std::string roll_line(schema::WeightRoll::Reader roll) {
  std::size_t serving = 0;
  for (auto engine : roll.getEngines())
    serving += engine.getPhase() == schema::EnginePhase::SERVING &&
               engine.getVersion() == roll.getVersion();
  auto text = printable_line(view(roll.getModel())) + " -> " +
              printable_line(view(roll.getVersion())) + ": " + to_string(roll.getPhase()) + ", " +
              std::to_string(serving) + " of " + std::to_string(roll.getEngines().size()) +
              " engines serve it";
  if (roll.getReason().size() != 0) text += "; " + printable_line(view(roll.getReason()));
  if (roll.getPhase() == schema::RollPhase::GATED)
    text +=
        "; engines that failed take no work until they are taken to a version by another "
        "`tandem weights roll`";
  return text;
}

std::string rolls_text(schema::WeightReport::Reader report, const style& how) {
  std::string text;
  for (auto roll : report.getRolls()) {
    text += roll_line(roll) + "\n";
    text += "  coordinated by " + printable_line(view(roll.getCoordinator())) + ", began " +
            human_age(roll.getBeganAtMs(), now_ms());
    if (roll.getEndedAtMs() > roll.getBeganAtMs())
      text += ", took " +
              human_duration(std::chrono::milliseconds{roll.getEndedAtMs() - roll.getBeganAtMs()});
    text += "\n";
    if (roll.getVerdict().size() != 0)
      text += "  canaries: " + printable_line(view(roll.getVerdict())) + "\n";
    table rows{{{"ENGINE"}, {"NODE"}, {"VERSION"}, {"PHASE"}, {"TOOK", align::right}, {"WHY"}}};
    for (auto engine : roll.getEngines()) {
      std::string phase = to_string(engine.getPhase());
      if (engine.getCanary()) phase += " (canary)";
      rows.add({printable_line(view(engine.getName())),
                printable_line(view(engine.getNode())),
                printable_line(view(engine.getVersion())),
                {phase, colour_of(engine.getPhase())},
                engine.getEndedAtMs() > engine.getBeganAtMs()
                    ? human_duration(
                          std::chrono::milliseconds{engine.getEndedAtMs() - engine.getBeganAtMs()})
                    : std::string{},
                printable_line(view(engine.getError()))});
    }
    rows.drop_empty_last();
    text += rows.render(how);
  }
  for (auto fetch : report.getFetches())
    if (!fetch.getComplete()) text += fetch_line(fetch) + "\n";
  return text.empty() ? "no update of weights is under way\n" : text;
}

std::string weights_text(schema::WeightReport::Reader report, const style& how) {
  if (report.getVersions().size() == 0)
    return "no versions of weights; add one with: tandem weights add MODEL PATH\n";
  table rows{{{"MODEL"},
              {"VERSION"},
              {"WANTED"},
              {"SIZE", align::right},
              {"ADDED"},
              {"WHAT"},
              {"NODES THAT HAVE IT"}}};
  for (auto each : report.getVersions()) {
    auto version = each.getVersion();
    rows.add({printable_line(view(version.getModel())),
              printable_line(view(version.getVersion())),
              {each.getWanted() ? "yes" : "", tint::green},
              human_bytes(version.getSizeBytes()),
              human_age(version.getAddedAtMs(), now_ms()),
              what_it_is(version),
              each.getNodes().size() == 0 ? "none" : joined(each.getNodes())});
  }
  auto text = rows.render(how);
  for (auto roll : report.getRolls())
    if (!is_over(roll)) text += roll_line(roll) + "\n";
  for (auto fetch : report.getFetches())
    if (!fetch.getComplete()) text += fetch_line(fetch) + "\n";
  return text;
}

std::string version_text(schema::WeightReport::Reader report, const style& how) {
  auto each = report.getVersions()[0];
  auto version = each.getVersion();
  auto text =
      printable_line(view(version.getModel())) + " " + printable_line(view(version.getVersion())) +
      ": " + what_it_is(version) + ", " + human_bytes(version.getSizeBytes()) + "\nmanifest " +
      hex_of(version.getManifest(), 32) + "\nadded by " +
      printable_line(view(version.getAddedBy())) + ", " + human_time(version.getAddedAtMs()) +
      "\nnodes that have it: " + (each.getNodes().size() == 0 ? "none" : joined(each.getNodes())) +
      "\n";
  if (report.getFolder().size() != 0)
    text += "here: " + printable_line(view(report.getFolder())) + "\n";
  if (report.getFiles().size() == 0) return text;
  table rows{{{"FILE"}, {"SIZE", align::right}}};
  for (auto file : report.getFiles())
    rows.add({printable_line(view(file.getPath())), human_bytes(file.getSizeBytes())});
  return text + rows.render(how);
}

std::string difference_text(schema::WeightReport::Reader report, const style& how) {
  table rows{{{"FILE"},
              {"SIZE", align::right},
              {"CHUNKS", align::right},
              {"EQUAL", align::right},
              {"NOTE"}}};
  for (auto each : report.getDifferences())
    rows.add({printable_line(view(each.getFile())), human_bytes(each.getSizeBytes()),
              human_count(each.getChunks()), human_count(each.getEqual()),
              printable_line(view(each.getNote()))});
  rows.drop_empty_last();
  auto text = rows.render(how);
  return text +
         (report.getFit().size() == 0
              ? "one may take the other's place\n"
              : "they do not fit one engine: " + printable_line(view(report.getFit())) + "\n");
}

std::string weights_json(schema::WeightReport::Reader report) {
  json_writer json;
  json.object();
  if (report.getDone().size() != 0) json.field("done", view(report.getDone()));
  if (report.getFolder().size() != 0) json.field("folder", view(report.getFolder()));
  json.array_field("versions");
  for (auto each : report.getVersions()) write_version(json, each);
  json.end();
  json.array_field("rolls");
  for (auto each : report.getRolls()) write_roll(json, each);
  json.end();
  json.array_field("fetches");
  for (auto each : report.getFetches()) {
    json.object();
    json.field("node", view(each.getNode()));
    json.field("model", view(each.getModel()));
    json.field("version", view(each.getVersion()));
    json.field("done_bytes", each.getDoneBytes());
    json.field("total_bytes", each.getTotalBytes());
    json.field("moved_bytes", each.getMovedBytes());
    json.field("bytes_per_s", each.getBytesPerS());
    json.field("complete", each.getComplete());
    json.field("error", view(each.getError()));
    json.array_field("avoided");
    for (auto peer : each.getAvoided()) json.value(view(peer));
    json.end();
    json.end();
  }
  json.end();
  if (report.getFiles().size() != 0) {
    json.array_field("files");
    for (auto each : report.getFiles()) {
      json.object();
      json.field("path", view(each.getPath()));
      json.field("bytes", each.getSizeBytes());
      json.end();
    }
    json.end();
  }
  if (report.getDifferences().size() != 0) {
    json.field("fit", view(report.getFit()));
    json.array_field("differences");
    for (auto each : report.getDifferences()) {
      json.object();
      json.field("file", view(each.getFile()));
      json.field("bytes", each.getSizeBytes());
      json.field("chunks", each.getChunks());
      json.field("equal", each.getEqual());
      json.field("note", view(each.getNote()));
      json.end();
    }
    json.end();
  }
  json.end();
  return json.text();
}

}  // namespace tandem::cli
