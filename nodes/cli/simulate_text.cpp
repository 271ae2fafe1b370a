#include "nodes/cli/simulate_text.hpp"

#include <array>
#include <cmath>
#include <cstdio>

#include "nodes/cli/format.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/table.hpp"

namespace tandem::cli {
namespace {

using simulation::durations;
using simulation::run_result;
using simulation::variant_result;

constexpr std::size_t failures_shown = 5;

std::string part_percent(double part, double whole) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f%%", whole > 0 ? part * 100 / whole : 0.0);
  return text.data();
}

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g", value);
  return text.data();
}

std::string time(double seconds) {
  return human_duration(std::chrono::microseconds{std::llround(seconds * 1e6)});
}

std::string at(const durations& of, double share) {
  return of.count() == 0 ? "" : time(of.quantile(share));
}

std::string money(double usd) {
  return human_money(std::llround(usd * 1e9));
}

double items(const run_result& r) {
  return static_cast<double>(r.calls + r.jobs);
}

std::string costs(const std::vector<variant_result>& results, const style& how) {
  using align = table::align;
  table out{{{"variant"},
             {"$ per 1,000", align::right},
             {"per 1,000 right", align::right},
             {"saved", align::right},
             {"right", align::right},
             {"failed", align::right},
             {"in time", align::right},
             {"in time/s at slo", align::right},
             {"prefix hits", align::right},
             {"cache hits", align::right}}};
  for (const auto& each : results) {
    const auto& r = each.result;
    auto hits = static_cast<double>(r.cache_hits[1] + r.cache_hits[2]);
    out.add({each.name, r.done == 0 ? "none" : money(simulation::usd_per_1k_done(r)),
             r.right == 0 ? "none" : money(simulation::usd_per_1k_right(r)),
             part_percent(simulation::saving(r), 1),
             part_percent(static_cast<double>(r.right), items(r)),
             r.failed == 0 ? "" : human_count(r.failed),
             part_percent(static_cast<double>(r.in_time), items(r)),
             each.most ? number(each.most->per_s) : "",
             part_percent(simulation::prefix_hit_share(r), 1),
             hits == 0 ? "" : part_percent(hits, hits + static_cast<double>(r.cache_hits[0]))});
  }
  out.drop_empty();
  return out.render(how);
}

std::string times(const std::vector<variant_result>& results, const style& how) {
  using align = table::align;
  table out{{{"variant"},
             {"first token p50", align::right},
             {"p99", align::right},
             {"call mean", align::right},
             {"call p95", align::right},
             {"job mean", align::right},
             {"job p95", align::right},
             {"queue p99", align::right}}};
  for (const auto& each : results) {
    const auto& r = each.result;
    out.add({each.name, at(r.first_token_s, .5), at(r.first_token_s, .99),
             r.call_s.count() == 0 ? "" : time(r.call_s.mean()), at(r.call_s, .95),
             r.job_s.count() == 0 ? "" : time(r.job_s.mean()), at(r.job_s, .95),
             at(r.queue_s, .99)});
  }
  out.drop_empty();
  return out.render(how);
}

std::string engines(const std::vector<variant_result>& results, const style& how) {
  using align = table::align;
  table out{{{"variant"},
             {"model"},
             {"engines", align::right},
             {"calls", align::right},
             {"tokens in", align::right},
             {"out", align::right},
             {"busy", align::right},
             {"at once", align::right},
             {"$", align::right}}};
  for (const auto& each : results)
    for (const auto& [name, use] : each.result.models) {
      if (use.engines == 0) continue;
      out.add({each.name, name, human_count(use.engines), human_count(use.calls),
               human_count(use.prompt_tokens), human_count(use.completion_tokens),
               part_percent(use.busy, 1), number(use.batch), money(use.cost_usd)});
    }
  return out.render(how);
}

std::string failures(const variant_result& of) {
  std::string out;
  std::size_t shown = 0;
  for (const auto& [why, count] : of.result.failures) {
    if (++shown > failures_shown) break;
    out += of.name + ": " + human_count(count) + " failed: " + printable_line(why) + '\n';
  }
  return out;
}

}  // namespace

std::string simulate_text(const simulation::report_head& head,
                          const std::vector<variant_result>& results, const style& how) {
  const auto& first = results.front().result;
  std::string out = "simulated: " + printable_line(head.work) + " on " +
                    printable_line(head.config) + ", seed " + std::to_string(head.seed) + '\n';
  out += human_count(first.calls) + " calls, " + human_count(first.jobs) + " jobs in " +
         time(first.load_s) + "; in time: a call's first token within " +
         time(head.first_token_slo_s) + ", a job within " + time(head.job_slo_s) + "\n\n";
  out += costs(results, how) + '\n' + times(results, how) + '\n' + engines(results, how);
  std::string why;
  for (const auto& each : results) why += failures(each);
  if (!why.empty()) out += '\n' + why;
  return out;
}

}  // namespace tandem::cli
