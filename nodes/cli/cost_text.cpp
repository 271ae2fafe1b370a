#include "nodes/cli/cost_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <set>

#include "nodes/cli/format.hpp"
#include "nodes/cli/names.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/route_number.hpp"
#include "nodes/cli/table.hpp"
#include "nodes/cli/utc_date.hpp"
#include "schema/ids.hpp"

namespace tandem::cli {
namespace {

std::string count_or_nothing(std::uint64_t count) {
  return count == 0 ? std::string{} : human_count(count);
}

std::string percent_of(const cost_figures& of) {
  auto saved = saving_percent(of.comparable_nanousd(), of.all_large_nanousd);
  return saved ? formatted(*saved, "%.1f%%") : std::string{};
}

/// Green where it was cheaper than the large tier.
tint tint_of(const cost_figures& of) {
  if (of.all_large_nanousd <= 0 || of.saved_nanousd() == 0) return tint::none;
  return of.saved_nanousd() > 0 ? tint::green : tint::red;
}

std::string kind_text(const cost_key& key) {
  if (!key.kind.empty()) return key.kind;
  return key.purpose == schema::Purpose::STEP ? "step"
                                              : '(' + std::string{name_of(key.purpose)} + ')';
}

std::string remarks(const cost_figures& of) {
  std::string text;
  auto add = [&](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
  if (of.failed > 0) add(human_count(of.failed) + " failed");
  if (of.simulated > 0)
    add(of.simulated == of.attempts ? "simulated" : human_count(of.simulated) + " simulated");
  if (of.unpriced > 0) add(human_count(of.unpriced) + " without a large price");
  return text;
}

using row_ref = std::pair<const cost_key*, const cost_figures*>;

/// Day by day; within it the dearest first.
std::vector<row_ref> in_order(const cost_sum& sum) {
  std::vector<row_ref> rows;
  for (const auto& [key, figures] : sum.rows()) rows.emplace_back(&key, &figures);
  std::stable_sort(rows.begin(), rows.end(), [](const row_ref& a, const row_ref& b) {
    if (a.first->day_ms != b.first->day_ms) return a.first->day_ms < b.first->day_ms;
    return a.second->cost_nanousd > b.second->cost_nanousd;
  });
  return rows;
}

/// Cells of the figures, after those of the keys.
void add_figures(std::vector<table::cell>& cells, const cost_figures& of) {
  auto fresh = of.prompt_tokens - std::min(of.prompt_tokens, of.cached_prompt_tokens);
  for (auto& text : {human_count(of.calls), count_or_nothing(of.cache_hits), human_count(fresh),
                     count_or_nothing(of.cached_prompt_tokens), human_count(of.completion_tokens),
                     human_money(of.cost_nanousd), human_money(of.all_large_nanousd)})
    cells.emplace_back(text);
  cells.emplace_back(human_money(of.saved_nanousd()), tint_of(of));
  cells.emplace_back(percent_of(of), tint_of(of));
}

void add_job_cells(std::vector<table::cell>& cells, const cost_jobs& jobs) {
  cells.emplace_back(count_or_nothing(jobs.done + jobs.failed + jobs.cancelled + jobs.unfinished));
  cells.emplace_back(jobs.judged == 0
                         ? std::string{}
                         : human_count(jobs.right) + " of " + human_count(jobs.judged));
  auto each = right_nanousd(jobs);
  cells.emplace_back(each ? human_money(std::llround(*each)) : std::string{});
}

std::vector<table::cell> key_cells(const cost_question& asked, const cost_key& key) {
  std::vector<table::cell> cells;
  auto none = [](const std::string& name) { return name.empty() ? std::string{"-"} : name; };
  if (asked.by_day) cells.emplace_back(key.day_ms == 0 ? "-" : day_text(key.day_ms));
  if (asked.by_tenant) cells.emplace_back(none(key.tenant));
  if (asked.by_model) {
    cells.emplace_back(none(key.model));
    cells.emplace_back(none(key.tier));
  }
  if (asked.by_kind) cells.emplace_back(kind_text(key));
  return cells;
}

std::string rows_text(const cost_report& report, const style& how) {
  using align = table::align;
  const auto& asked = report.question;
  std::vector<table::column> columns;
  if (asked.by_day) columns.push_back({"DAY"});
  if (asked.by_tenant) columns.push_back({"TENANT"});
  if (asked.by_model) {
    columns.push_back({"MODEL"});
    columns.push_back({"TIER"});
  }
  if (asked.by_kind) columns.push_back({"KIND"});
  auto keys = columns.size();
  for (const char* name :
       {"CALLS", "FROM CACHE", "READ", "CACHED", "WRITTEN", "COST", "ALL LARGE", "SAVED", ""})
    columns.push_back({name, align::right});
  if (asked.has_job_rows())
    for (const char* name : {"JOBS", "RIGHT", "A RIGHT JOB"})
      columns.push_back({name, align::right});
  columns.push_back({"REMARKS"});
  table lines{columns};
  auto add = [&](std::vector<table::cell> cells, const cost_figures& figures,
                 const cost_jobs& jobs) {
    add_figures(cells, figures);
    if (asked.has_job_rows()) add_job_cells(cells, jobs);
    cells.emplace_back(remarks(figures));
    lines.add(std::move(cells));
  };
  auto rows = in_order(report.sum);
  std::set<std::pair<std::uint64_t, std::string>> shown;
  for (const auto& [key, figures] : rows) {
    std::pair job_key{key->day_ms, key->tenant};
    auto jobs = report.sum.jobs().find(job_key);
    shown.insert(job_key);
    add(key_cells(asked, *key), *figures,
        jobs == report.sum.jobs().end() ? cost_jobs{} : jobs->second);
  }
  // Jobs that ended on a day without a call.
  if (asked.has_job_rows())
    for (const auto& [key, jobs] : report.sum.jobs())
      if (!shown.contains(key))
        add(key_cells(asked, {.day_ms = key.first, .tenant = key.second}), {}, jobs);
  if (rows.size() > 1) {
    std::vector<table::cell> cells(keys, table::cell{""});
    cells.front() = table::cell{"total", tint::bold};
    add(std::move(cells), report.sum.total(), report.sum.total_jobs());
  }
  lines.drop_empty();
  return lines.render(how);
}

std::string period_text(const cost_report& report) {
  const auto& asked = report.question;
  auto last = day_text(asked.to_ms - 1);
  auto first = day_text(asked.from_ms);
  auto days = asked.from_ms == 0 ? "until " + last : first == last ? first : first + " to " + last;
  auto whose = asked.tenant.empty() ? std::string{} : ", tenant " + printable_line(asked.tenant);
  return days + " (UTC)" + whose;
}

std::string jobs_line(const cost_report& report) {
  auto jobs = report.sum.total_jobs();
  std::string text;
  auto add = [&](std::uint64_t count, const char* what) {
    if (count == 0) return;
    text += (text.empty() ? "" : ", ") + human_count(count) + ' ' + what;
  };
  add(jobs.done, "done");
  add(jobs.failed, "failed");
  add(jobs.cancelled, "cancelled");
  add(jobs.unfinished, "not ended");
  auto all = jobs.done + jobs.failed + jobs.cancelled + jobs.unfinished;
  auto line = plural(all, "job") + (text.empty() ? "" : ": " + text);
  if (jobs.simulated > 0)
    line += "; in " + human_count(jobs.simulated) + " a simulated engine had a part";
  return line + '\n';
}

std::string saving_lines(const cost_report& report) {
  auto all = report.sum.total();
  if (all.calls == 0) return {};
  if (all.all_large_nanousd <= 0)
    return all.cost_nanousd == 0 && all.unpriced == 0
               ? "no price is configured, so there is nothing to compare\n"
               : "no price of a large model was known: nothing to compare with\n";
  auto text = human_money(all.cost_nanousd) +
              " spent; the same tokens at the large tier's prices " +
              human_money(all.all_large_nanousd) + ": " +
              human_saving(all.comparable_nanousd(), all.all_large_nanousd);
  if (auto range = report.sum.saving_interval())
    text += " (95% interval " + formatted(100 * range->low, "%.1f") + " to " +
            formatted(100 * range->high, "%.1f%%") + ", a bootstrap over " +
            plural(report.sum.jobs_counted, "job") + ')';
  else
    text += " (" + plural(report.sum.jobs_counted, "job") + ": too few for an interval)";
  text += '\n';
  // Also what failed was saved on; whoever would not have failed would not have paid for it.
  if (all.failed_all_large_nanousd > 0) {
    auto less = all.all_large_nanousd - all.failed_all_large_nanousd;
    auto saved = saving_percent(all.comparable_nanousd(), less);
    text += human_money(all.failed_nanousd) +
            " of it for attempts that failed; had the large tier needed none of those: " +
            (saved ? human_saving(all.comparable_nanousd(), less) : "nothing saved") + '\n';
  }
  return text;
}

std::string cache_line(const cost_figures& all) {
  if (all.cache_hits == 0) return {};
  return plural(all.cache_hits, "answer") + " from caches, which as calls would have cost " +
         human_money(all.cache_saved_nanousd) +
         " (at the large tier's prices they are a part of what is called saved above)\n";
}

std::string right_line(const cost_report& report) {
  auto jobs = report.sum.total_jobs();
  if (jobs.judged == 0)
    return "no job of the period was judged: a check of the answer, or `tandem feedback`, says "
           "which were right\n";
  auto text = human_count(jobs.right) + " of " + plural(jobs.judged, "judged job") +
              " right, by users or by the check of the answer";
  auto each = right_nanousd(jobs);
  if (!each) return text + '\n';
  text += ": " + human_money(std::llround(*each)) + " for each right one";
  if (auto range = report.sum.right_cost_interval())
    text += " (95% interval " + human_money(std::llround(range->low)) + " to " +
            human_money(std::llround(range->high)) + ')';
  return text + '\n';
}

std::string range_text(const estimate& of, const char* form) {
  return formatted(of.value, form) + " (" + formatted(of.low, form) + " to " +
         formatted(of.high, form) + ')';
}

std::string quality_line(const cost_report& report) {
  if (!report.quality) return {};
  const auto& of = *report.quality;
  auto whose =
      report.node.empty() ? std::string{"the node"} : "node " + printable_line(report.node);
  if (!of.why_not.empty())
    return "whether the large tier alone had been better cannot be said of " + whose + ": " +
           of.why_not + '\n';
  const auto* verdict = of.lead.low > 0    ? "it had been better"
                        : of.lead.high < 0 ? "it had been worse"
                                           : "no difference shows";
  return "quality of a call as chosen " + range_text(of.chosen, "%.3f") +
         ", of the large tier alone " + range_text(of.large, "%.3f") + ": " + verdict + ", by " +
         range_text(of.lead, "%+.3f") + "\n  (doubly robust, 95% intervals, from " +
         human_count(of.decisions) + " decisions of " + whose + ", " + human_count(of.rewarded) +
         " with a verdict; effective sample size " + formatted(of.effective, "%.0f") + ")\n";
}

std::string warnings(const cost_report& report, const style& how) {
  std::string text;
  auto add = [&](const std::string& line) { text += how.paint(tint::yellow, line) + '\n'; };
  for (const auto& gap : report.gaps) {
    auto node = printable_line(gap.node);
    auto where = to_string(journal_id{gap.journal}) +
                 (node.empty() ? " (of a node not seen yet)" : " (node " + node + ')');
    add((gap.waiting ? "waiting for journal " + where : "journal " + where + " did not answer") +
        (gap.in_part ? ": only a part of its jobs is counted" : ": its jobs are not counted"));
  }
  if (report.sum.unreadable > 0)
    add(plural(report.sum.unreadable, "job") + " left out, whose records are damaged; the first: " +
        printable_line(report.sum.unreadable_why));
  if (report.sum.purged > 0)
    add(plural(report.sum.purged, "job") +
        " of about that time purged: what they cost is in no figure here");
  if (report.sum.folded) add("more rows than fit: the rest is added up as (others)");
  return text;
}

}  // namespace

std::optional<double> right_nanousd(const cost_jobs& jobs) {
  if (jobs.right == 0) return std::nullopt;
  return static_cast<double>(jobs.judged_nanousd) / static_cast<double>(jobs.right);
}

std::string cost_text(const cost_report& report, const style& how) {
  auto text = how.paint(tint::bold, period_text(report)) + '\n';
  if (report.sum.rows().empty() && report.sum.jobs().empty())
    return text +
           "nothing was spent: no job had a call that ended then; `tandem jobs` lists jobs\n" +
           warnings(report, how);
  text += '\n' + rows_text(report, how) + '\n';
  text += jobs_line(report) + saving_lines(report) + cache_line(report.sum.total()) +
          right_line(report) + quality_line(report) + warnings(report, how);
  return text +
         "Costs are at the prices of the time of each call. ALL LARGE assumes that the large tier "
         "would have\nread and written the same tokens, in as many calls. Calls by HTTP that made "
         "no job are in no journal.\n";
}

}  // namespace tandem::cli
