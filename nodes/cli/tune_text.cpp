#include "nodes/cli/tune_text.hpp"

#include <array>
#include <cmath>
#include <cstdio>

#include "nodes/cli/format.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/table.hpp"
#include "schema/json_writer.hpp"

namespace tandem::cli {
namespace {

using simulation::paired_gain;
using simulation::tuning_figures;
using simulation::tuning_proposal;
using simulation::tuning_result;

std::string share_percent(double share, const char* form = "%.1f%%") {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), form, share * 100);
  return text.data();
}

std::string gain_text(const paired_gain& gain) {
  if (gain.pairs == 0) return "not measured";
  return share_percent(gain.mean, "%+.1f%%") + " (" + share_percent(gain.low, "%+.1f%%") + " to " +
         share_percent(gain.high, "%+.1f%%") + ")";
}

std::string proposals_table(const std::vector<tuning_proposal>& all, const style& how) {
  using align = table::align;
  table out{{{"setting"},
             {"now", align::right},
             {"proposed", align::right},
             {"gain (95% interval)", align::right},
             {"takes effect"}}};
  for (const auto& each : all)
    out.add({printable_line(each.key), each.now, each.proposed, gain_text(each.gain),
             each.can_try ? "as a trial" : "after a restart"});
  return out.render(how);
}

std::string figures_table(const tuning_result& result, const style& how) {
  using align = table::align;
  table out{{{""}, {"now", align::right}, {"proposed", align::right}}};
  auto row = [&](const char* name, auto value) {
    out.add({name, value(result.now), value(result.then)});
  };
  row("$ per 1,000 right",
      [](const tuning_figures& f) { return human_money(std::llround(f.usd_per_1k_right * 1e9)); });
  row("mean time", [](const tuning_figures& f) {
    return human_duration(std::chrono::microseconds{std::llround(f.mean_s * 1e6)});
  });
  row("in time a second", [](const tuning_figures& f) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.3g", f.in_time_per_s);
    return std::string{text.data()};
  });
  row("right", [](const tuning_figures& f) { return share_percent(f.right); });
  row("in time", [](const tuning_figures& f) { return share_percent(f.in_time); });
  return out.render(how);
}

std::string next_steps(const tune_head& head, const tuning_result& result) {
  std::string out;
  auto restarts = false;
  for (const auto& each : result.proposals) restarts |= !each.can_try;
  if (!head.policy.empty())
    out +=
        "Try it on a running node, which promotes or rolls back by evidence:\n  tandem route try "
        "'" +
        printable_line(head.policy) + "' --share 0.1      (or --apply)\n";
  if (restarts)
    out +=
        "What takes effect after a restart is not tried by the node, and not rolled back by "
        "itself:\n--write FILE writes a config with it; look at `tandem cost` before and after.\n";
  return out;
}

void write_gain(json_writer& json, const char* name, const paired_gain& gain) {
  if (gain.pairs == 0) return json.null_field(name);
  json.object_field(name);
  json.field("mean", gain.mean);
  json.field("low", gain.low);
  json.field("high", gain.high);
  json.field("pairs", gain.pairs);
  json.end();
}

void write_proposals(json_writer& json, const char* name, const std::vector<tuning_proposal>& all) {
  json.array_field(name);
  for (const auto& each : all) {
    json.object();
    json.field("setting", each.key);
    json.field("now", each.now);
    json.field("proposed", each.proposed);
    write_gain(json, "gain", each.gain);
    json.field("needs_restart", !each.can_try);
    json.end();
  }
  json.end();
}

void write_figures(json_writer& json, const char* name, const tuning_figures& f) {
  json.object_field(name);
  json.field("usd_per_1k_right", f.usd_per_1k_right);
  json.field("mean_s", f.mean_s);
  json.field("in_time_per_s", f.in_time_per_s);
  json.field("right", f.right);
  json.field("in_time", f.in_time);
  json.end();
}

}  // namespace

std::string tune_text(const tune_head& head, const tuning_result& result, const style& how) {
  std::string out = printable_line(head.work) + ", for " + head.goal +
                    "; right and in-time shares "
                    "may fall by " +
                    share_percent(head.options.tolerance) + "\n" + std::to_string(result.runs) +
                    " simulations, " + std::to_string(result.values_tried) + " values tried";
  if (!result.stopped.empty()) out += "; stopped before all were tried (--" + result.stopped + ")";
  out += "\nmeasured on " + head.measured_on + "\n\n";
  if (result.proposals.empty())
    out += "Nothing to propose: no other value was better beyond doubt.\n";
  else
    out += proposals_table(result.proposals, how) + "\nall together: " + gain_text(result.gain) +
           "\n\n" + figures_table(result, how) + "\n";
  if (!result.unconfirmed.empty())
    out += "\nChosen, but not confirmed by what it was measured on, so not proposed:\n" +
           proposals_table(result.unconfirmed, how);
  out += "\nIntervals are over " + std::to_string(head.options.seeds) +
         " pairs of runs of the same work with the same seed; they do not know how other your "
         "traffic will be.\n";
  for (auto why : simulation::not_tuned()) out += "Not tuned: " + std::string{why} + ".\n";
  auto next = next_steps(head, result);
  return next.empty() ? out : out + '\n' + next;
}

std::string tune_json(const tune_head& head, const tuning_result& result) {
  json_writer json;
  json.object();
  json.field("config", head.config);
  json.field("work", head.work);
  json.field("for", head.goal);
  json.field("measured_on", head.measured_on);
  json.field("tolerance", head.options.tolerance);
  json.field("seed", head.options.base.seed);
  json.field("pairs", head.options.seeds);
  json.field("runs", result.runs);
  json.field("values_tried", result.values_tried);
  if (result.stopped.empty())
    json.null_field("stopped_by");
  else
    json.field("stopped_by", result.stopped);
  write_proposals(json, "proposals", result.proposals);
  write_proposals(json, "unconfirmed", result.unconfirmed);
  write_gain(json, "gain", result.proposals.empty() ? paired_gain{} : result.gain);
  write_figures(json, "now", result.now);
  write_figures(json, "then", result.then);
  if (head.policy.empty())
    json.null_field("policy_to_try");
  else
    json.field("policy_to_try", head.policy);
  json.array_field("not_tuned");
  for (auto why : simulation::not_tuned()) json.value(why);
  json.end();
  json.end();
  return json.text();
}

}  // namespace tandem::cli
