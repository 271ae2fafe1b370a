#include "nodes/cli/route_eval_text.hpp"

#include <array>
#include <cmath>
#include <cstdio>

#include "nodes/cli/format.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/route_number.hpp"
#include "nodes/cli/table.hpp"

namespace tandem::cli {
namespace {

/// Below, the intervals are too narrow to be believed.
constexpr double effective_min = 50;

std::string plus_minus(const style& how) {
  return how.unicode ? "±" : "+-";
}

/// Green where it is surely better than what acted, red where it is surely worse.
tint tint_of(const estimate& gain) {
  if (gain.low > 0) return tint::green;
  return gain.high < 0 ? tint::red : tint::none;
}

std::string remarks(const policy_estimate& of) {
  std::string text;
  auto add = [&](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
  auto percent = [](double share) { return formatted(100 * share, "%.1f%%"); };
  if (of.effective < effective_min) add("too few to believe");
  if (of.clipped > 0) add(human_count(of.clipped) + " clipped");
  if (of.unsupported > 0.001) add(percent(of.unsupported) + " never tried");
  if (of.unavailable > 0) add(percent(of.unavailable) + " not offered");
  return text;
}

}  // namespace

std::string evaluation_text(const off_policy_evaluator& evaluator,
                            std::span<const policy_estimate> estimates, const style& how) {
  using align = table::align;
  table lines{{{"POLICY"},
               {"WORTH", align::right},
               {"GAIN", align::right},
               {"QUALITY", align::right},
               {"COST", align::right},
               {"A CALL", align::right},
               {"IPS", align::right},
               {"SNIPS", align::right},
               {"MODEL", align::right},
               {"EFFECTIVE", align::right},
               {"REMARKS"}}};
  auto with_error = [&](const estimate& of, const char* form = "%.3f") {
    return formatted(of.value, form) + ' ' + plus_minus(how) + formatted((of.high - of.low) / 2);
  };
  for (const auto& e : estimates) {
    auto money = human_money(std::llround(e.cost_nanousd));
    lines.add({printable_line(e.policy),
               with_error(e.doubly_robust),
               {e.policy == "logged" ? "" : with_error(e.gain, "%+.3f"), tint_of(e.gain)},
               formatted(e.quality.value),
               formatted(e.cost),
               money,
               with_error(e.ips),
               with_error(e.snips),
               with_error(e.direct),
               formatted(e.effective, "%.0f"),
               remarks(e)});
  }
  lines.drop_empty_last();
  auto text = lines.render(how);
  text += "\n" + human_count(evaluator.decisions()) + " decisions, " +
          human_count(evaluator.rewarded()) + " with a reward; weights up to " +
          formatted(evaluator.clip(), "%.4g") + "; " + plus_minus(how) +
          " is the 95% interval.\nworth: quality less the price of cost, a decision (doubly "
          "robust); gain: over the policy in the log.\n";
  for (const auto& note : evaluator.notes()) text += "note: " + printable_line(note) + '\n';
  return text;
}

}  // namespace tandem::cli
