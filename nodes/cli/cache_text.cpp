#include "nodes/cli/cache_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "nodes/cli/format.hpp"
#include "nodes/cli/job_json.hpp"
#include "nodes/cli/names.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/table.hpp"
#include "schema/ids.hpp"
#include "schema/json_writer.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

using align = table::align;

constexpr unsigned purges_shown = 5;
/// Of tenants and models, unless some are named.
constexpr std::size_t rows_shown = 20;

constexpr std::array<std::string_view, 4> places{"", "the pool's memory", "memory", "disk"};

bool is_shown(schema::CacheLevel::Reader level, const cache_filter& filter) {
  return (filter.tier.empty() || view(level.getTier()) == filter.tier) &&
         (filter.level == 0 || level.getLevel() == filter.level);
}

std::string share_text(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? std::string{} : std::to_string(part * 100 / whole) + "%";
}

std::string trouble_text(schema::CacheLevel::Reader level) {
  std::string text;
  auto add = [&text](std::uint64_t number, const char* what) {
    if (number > 0) text += (text.empty() ? "" : ", ") + human_count(number) + ' ' + what;
  };
  add(level.getExpired(), "expired");
  add(level.getEvicted(), "made room");
  add(level.getDamaged(), "damaged");
  add(level.getRefused(), "not kept");
  add(level.getWaits(), "waited for another");
  return text;
}

std::string rule_text(schema::PurgeRule::Reader rule) {
  std::string text = "purged: all until " + human_time(rule.getAtMs());
  auto part = [&text](const char* what, capnp::Text::Reader which) {
    if (which.size() != 0) text += std::string{" "} + what + ' ' + printable_line(view(which));
  };
  part("tier", rule.getTier());
  part("tenant", rule.getTenant());
  part("model", rule.getModel());
  part("weights", rule.getWeightVersion());
  return text + '\n';
}

/// The newest last.
std::string purges_text(schema::CacheReport::Reader report) {
  auto rules = report.getPurged();
  std::string text;
  unsigned first = rules.size() > purges_shown ? rules.size() - purges_shown : 0;
  if (first > 0) text = plural(first, "earlier purge") + " that still hold\n";
  for (auto i = first; i < rules.size(); ++i) text += rule_text(rules[i]);
  return text;
}

std::string missing_text(schema::CacheReport::Reader report) {
  std::string text;
  for (auto node : report.getMissing())
    text += "without node " + printable_line(view(node)) + ", which does not answer\n";
  return text;
}

std::string near_text(schema::CacheLevel::Reader level) {
  if (!level.hasNear()) return {};
  auto near = level.getNear();
  auto text = "near plans of " + printable_line(view(level.getNode())) + ": " +
              human_count(near.getServed()) + " served (" + human_count(near.getServedRight()) +
              " right, " + human_count(near.getServedWrong()) + " wrong), " +
              human_count(near.getExplored()) + " compared, " + human_count(near.getRefused()) +
              " refused by guards";
  if (near.getTenantsOff() > 0)
    text += "; off for " + human_count(near.getTenantsOff()) + " tenants, where they did harm";
  return text + "\n";
}

std::string warm_text(schema::WarmCounts::Reader warm) {
  return "warm-up of " + printable_line(view(warm.getNode())) + ": " +
         human_count(warm.getReplayed()) + " prefixes replayed (" + human_count(warm.getTokens()) +
         " tokens), " + human_count(warm.getUsed()) + " used, " + human_count(warm.getWasted()) +
         " wasted; " + human_count(warm.getKnown()) + " blocks of prompts remembered\n";
}

/// Of all nodes.
struct served_row {
  std::string tier;
  std::string tenant;
  std::string model;
  std::uint64_t asked = 0;
  std::array<std::uint64_t, 3> hits{};
  std::int64_t saved_nanousd = 0;

  [[nodiscard]] std::uint64_t all_hits() const { return hits[0] + hits[1] + hits[2]; }
};

/// What was asked most first.
std::vector<served_row> served_rows(schema::CacheReport::Reader report,
                                    const cache_filter& filter) {
  std::map<std::array<std::string_view, 3>, served_row> sums;
  for (auto each : report.getServed()) {
    std::array name{view(each.getTier()), view(each.getTenant()), view(each.getModel())};
    if ((!filter.tier.empty() && name[0] != filter.tier) ||
        (!filter.tenant.empty() && name[1] != filter.tenant) ||
        (!filter.model.empty() && name[2] != filter.model))
      continue;
    auto& row = sums[name];
    row.tier = name[0];
    row.tenant = name[1];
    row.model = name[2];
    row.asked += each.getAsked();
    auto hits = each.getHits();
    for (unsigned i = 0; i < std::min<std::size_t>(hits.size(), row.hits.size()); ++i)
      row.hits[i] += hits[i];
    row.saved_nanousd += each.getSavedNanousd();
  }
  std::vector<served_row> rows;
  for (auto& [name, row] : sums) rows.push_back(std::move(row));
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.asked > b.asked; });
  return rows;
}

std::string served_rows_text(const std::vector<served_row>& rows, const cache_filter& filter,
                             const style& how) {
  table out{{{"TENANT"},
             {"MODEL"},
             {"TIER"},
             {"ASKED", align::right},
             {"L1", align::right},
             {"L2", align::right},
             {"L3", align::right},
             {"HIT", align::right},
             {"SAVED", align::right}}};
  auto shown = filter.tenant.empty() && filter.model.empty() ? std::min(rows.size(), rows_shown)
                                                             : rows.size();
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& row = rows[i];
    auto is_rest = row.model.empty();
    out.add({is_rest              ? "(all others)"
             : row.tenant.empty() ? "-"
                                  : printable_line(row.tenant),
             printable_line(row.model), printable_line(row.tier), human_count(row.asked),
             human_count(row.hits[0]), human_count(row.hits[1]), human_count(row.hits[2]),
             share_text(row.all_hits(), row.asked),
             row.saved_nanousd == 0 ? "" : human_money(row.saved_nanousd)});
  }
  out.drop_empty();
  auto text = out.render(how, true);
  if (shown < rows.size())
    text += std::to_string(rows.size() - shown) + " more; name one with --tenant or --model\n";
  return text;
}

}  // namespace

std::string cache_stats_text(schema::CacheReport::Reader report, const cache_filter& filter,
                             const style& how) {
  auto rows = served_rows(report, filter);
  if (!filter.tenant.empty() || !filter.model.empty())
    return rows.empty() ? "nothing that could be served was asked of these\n"
                        : served_rows_text(rows, filter, how);
  table out{{{"NODE"},
             {"LEVEL"},
             {"TIER"},
             {"POLICY"},
             {"ENTRIES", align::right},
             {"BYTES", align::right},
             {"OF", align::right},
             {"HITS", align::right},
             {"MISSES", align::right},
             {"HIT", align::right},
             {"SAVED", align::right},
             {"BESIDES"}}};
  std::string near;
  std::int64_t saved = 0;
  auto any = false;
  for (auto level : report.getLevels()) {
    if (!is_shown(level, filter)) continue;
    any = true;
    saved += level.getSavedNanousd();
    out.add({printable_line(view(level.getNode())), "L" + std::to_string(level.getLevel()),
             printable_line(view(level.getTier())), printable_line(view(level.getPolicy())),
             human_count(level.getEntries()), human_bytes(level.getBytes()),
             human_bytes(level.getBytesMax()), human_count(level.getHits()),
             human_count(level.getMisses()),
             share_text(level.getHits(), level.getHits() + level.getMisses()),
             level.getSavedNanousd() == 0 ? "" : human_money(level.getSavedNanousd()),
             trouble_text(level)});
    near += near_text(level);
  }
  std::string text;
  if (any) {
    out.drop_empty();
    text = out.render(how, true) + near;
    if (saved > 0) text += "saved since the nodes started: " + human_money(saved) + "\n";
    if (!rows.empty() && filter.level == 0) text += '\n' + served_rows_text(rows, filter, how);
  } else {
    text = report.getLevels().size() != 0
               ? "there is no [cache." + printable_line(filter.tier) + "]\n"
               : "nothing is cached: no [cache.TIER] in the config of the nodes that answered\n";
  }
  for (auto warm : report.getWarm())
    if (warm.getKnown() != 0 || warm.getReplayed() != 0) text += warm_text(warm);
  if (filter.tier.empty() && filter.level == 0) text += purges_text(report);
  return text + missing_text(report);
}

std::string cache_warmed_text(schema::CacheReport::Reader report) {
  std::string text;
  std::uint64_t begun = 0;
  for (auto warm : report.getWarm()) {
    begun += warm.getBegun();
    text += warm_text(warm);
  }
  auto head = begun == 0
                  ? std::string{"no engine that serves and is meant has anything to read now\n"}
                  : "being warmed: " + plural(begun, "engine") + "\n";
  return head + text + missing_text(report);
}

std::string cache_purged_text(schema::CacheReport::Reader report) {
  std::string text;
  if (report.getPurged().size() == 0)
    text = "nothing is cached: no [cache.TIER] in the config of the nodes that answered\n";
  else
    text = rule_text(report.getPurged()[report.getPurged().size() - 1]);
  for (auto node : report.getMissing())
    text +=
        "no answer from node " + printable_line(view(node)) + "; it hears of it when it is back\n";
  return text;
}

std::string cache_stats_json(schema::CacheReport::Reader report, const cache_filter& filter) {
  json_writer json;
  json.object();
  json.array_field("levels");
  for (auto level : report.getLevels()) {
    if (!is_shown(level, filter)) continue;
    json.object();
    json.field("node", view(level.getNode()));
    json.field("level", level.getLevel());
    json.field("tier", view(level.getTier()));
    json.field("policy", view(level.getPolicy()));
    json.field("entries", level.getEntries());
    json.field("bytes", level.getBytes());
    json.field("bytes_max", level.getBytesMax());
    json.field("hits", level.getHits());
    json.field("misses", level.getMisses());
    json.field("expired", level.getExpired());
    json.field("evicted", level.getEvicted());
    json.field("damaged", level.getDamaged());
    json.field("refused", level.getRefused());
    json.field("waits", level.getWaits());
    json.field("saved_nanousd", level.getSavedNanousd());
    json.field("ttl_ms", level.getTtlMs());
    if (level.hasNear()) {
      auto near = level.getNear();
      json.object_field("near");
      json.field("served", near.getServed());
      json.field("served_right", near.getServedRight());
      json.field("served_wrong", near.getServedWrong());
      json.field("explored", near.getExplored());
      json.field("refused", near.getRefused());
      json.field("tenants_off", near.getTenantsOff());
      json.field("entries", near.getEntries());
      json.field("bytes", near.getBytes());
      json.end();
    }
    json.end();
  }
  json.end();
  json.array_field("served");
  for (const auto& row : served_rows(report, filter)) {
    json.object();
    json.field("tier", row.tier);
    json.field("tenant", row.tenant);
    json.field("model", row.model);
    json.field("asked", row.asked);
    json.array_field("hits");
    for (auto hits : row.hits) json.value(hits);
    json.end();
    json.field("saved_nanousd", row.saved_nanousd);
    json.end();
  }
  json.end();
  json.array_field("warm");
  for (auto warm : report.getWarm()) {
    json.object();
    json.field("node", view(warm.getNode()));
    json.field("replayed", warm.getReplayed());
    json.field("used", warm.getUsed());
    json.field("wasted", warm.getWasted());
    json.field("tokens", warm.getTokens());
    json.field("known", warm.getKnown());
    json.field("begun", warm.getBegun());
    json.end();
  }
  json.end();
  json.array_field("purged");
  for (auto rule : report.getPurged()) {
    json.object();
    json.field("tier", view(rule.getTier()));
    json.field("tenant", view(rule.getTenant()));
    json.field("model", view(rule.getModel()));
    json.field("weight_version", view(rule.getWeightVersion()));
    json.field("at_ms", rule.getAtMs());
    json.end();
  }
  json.end();
  json.array_field("missing");
  for (auto node : report.getMissing()) json.value(view(node));
  json.end();
  json.end();
  return json.text();
}

std::string served_text(schema::AttemptView::Reader attempt) {
  auto note = attempt.getCache();
  if (note.getLevel() == 0 || note.getLevel() >= places.size()) return {};
  auto text = "from " + std::string{places[note.getLevel()]} + " (L" +
              std::to_string(note.getLevel()) + " of " + printable_line(view(note.getNode())) + ")";
  if (attempt.getUsage().getSavedNanousd() > 0)
    text += ", " + human_money(attempt.getUsage().getSavedNanousd()) + " saved";
  return text;
}

namespace {

std::string explain(schema::AttemptView::Reader attempt) {
  if (auto served = served_text(attempt); !served.empty()) {
    auto reason = view(attempt.getCache().getReason());
    return reason.empty() ? served : served + "; " + printable_line(reason);
  }
  auto reason = view(attempt.getCache().getReason());
  if (!reason.empty()) return "computed: " + printable_line(reason);
  if (attempt.getModel().size() == 0) return "no model was called";
  return "computed: there is no [cache." + printable_line(view(attempt.getTier())) + "]";
}

}  // namespace

std::string cache_explain_text(schema::JobView::Reader job, const style& how) {
  table out{{{"TRY", align::right}, {"FOR"}, {"MODEL"}, {"WEIGHTS"}, {"CACHE"}}};
  for (auto attempt : job.getAttempts()) {
    std::string what{name_of(attempt.getPurpose())};
    if (attempt.getStep() != 0) what += ' ' + std::to_string(attempt.getStep());
    out.add({std::to_string(attempt.getAttempt()), what, printable_line(view(attempt.getModel())),
             printable_line(view(attempt.getWeightVersion())), explain(attempt)});
  }
  if (job.getAttempts().size() == 0) return "no attempt has ended yet\n";
  return out.render(how);
}

std::string cache_explain_json(schema::JobView::Reader job) {
  json_writer json;
  json.object();
  json.field("job", to_string(id_of(job.getSummary().getJob())));
  json.array_field("attempts");
  for (auto attempt : job.getAttempts()) {
    auto note = attempt.getCache();
    json.object();
    json.field("attempt", attempt.getAttempt());
    json.field("step", attempt.getStep());
    json.field("purpose", name_of(attempt.getPurpose()));
    json.field("model", view(attempt.getModel()));
    json.field("weight_version", view(attempt.getWeightVersion()));
    json.field("level", note.getLevel());
    json.field("node", view(note.getNode()));
    json.field("reason", view(note.getReason()));
    json.field("saved_nanousd", attempt.getUsage().getSavedNanousd());
    json.end();
  }
  json.end();
  json.end();
  return json.text();
}

}  // namespace tandem::cli
