#include "actors/cost/cost_sum.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr const char* others = "(others)";

void wrap_add(std::int64_t& to, std::int64_t by) {
  to = static_cast<std::int64_t>(static_cast<std::uint64_t>(to) + static_cast<std::uint64_t>(by));
}

void wrap_add(std::uint64_t& to, std::uint64_t by) {
  to += by;
}

std::int64_t wrap_minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

std::int64_t wrap_times(std::int64_t a, std::uint8_t times) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * times);
}

/// Of a row in a message: its words, and texts with their ends.
std::size_t bytes_of(const cost_key& key) {
  return 256 + key.tenant.size() + key.model.size() + key.tier.size() + key.kind.size();
}

cost_figures figures_of(schema::CostRow::Reader row) {
  auto usage = row.getUsage();
  return {.prompt_tokens = usage.getPromptTokens(),
          .cached_prompt_tokens = usage.getCachedPromptTokens(),
          .completion_tokens = usage.getCompletionTokens(),
          .calls = usage.getCalls(),
          .cost_nanousd = usage.getCostNanousd(),
          .all_large_nanousd = usage.getCostAllLargeNanousd(),
          .cache_hits = usage.getCacheHits(),
          .cache_saved_nanousd = usage.getSavedNanousd(),
          .attempts = row.getAttempts(),
          .failed = row.getFailed(),
          .failed_nanousd = row.getFailedNanousd(),
          .failed_all_large_nanousd = row.getFailedAllLargeNanousd(),
          .simulated = row.getSimulated(),
          .unpriced = row.getUnpriced(),
          .unpriced_nanousd = row.getUnpricedNanousd()};
}

void write_figures(schema::CostRow::Builder out, const cost_figures& from) {
  auto usage = out.initUsage();
  usage.setPromptTokens(from.prompt_tokens);
  usage.setCachedPromptTokens(from.cached_prompt_tokens);
  usage.setCompletionTokens(from.completion_tokens);
  usage.setCalls(static_cast<std::uint32_t>(from.calls));
  usage.setCostNanousd(from.cost_nanousd);
  usage.setCostAllLargeNanousd(from.all_large_nanousd);
  usage.setCacheHits(static_cast<std::uint32_t>(from.cache_hits));
  usage.setSavedNanousd(from.cache_saved_nanousd);
  out.setAttempts(from.attempts);
  out.setFailed(from.failed);
  out.setFailedNanousd(from.failed_nanousd);
  out.setFailedAllLargeNanousd(from.failed_all_large_nanousd);
  out.setSimulated(from.simulated);
  out.setUnpriced(from.unpriced);
  out.setUnpricedNanousd(from.unpriced_nanousd);
}

cost_jobs jobs_of(schema::CostJobs::Reader from) {
  return {.done = from.getDone(),
          .failed = from.getFailed(),
          .cancelled = from.getCancelled(),
          .unfinished = from.getUnfinished(),
          .simulated = from.getSimulated(),
          .judged = from.getJudged(),
          .right = from.getRight(),
          .judged_nanousd = from.getJudgedNanousd(),
          .judged_all_large_nanousd = from.getJudgedAllLargeNanousd()};
}

void write_jobs(schema::CostJobs::Builder out, const cost_jobs& from) {
  out.setDone(from.done);
  out.setFailed(from.failed);
  out.setCancelled(from.cancelled);
  out.setUnfinished(from.unfinished);
  out.setSimulated(from.simulated);
  out.setJudged(from.judged);
  out.setRight(from.right);
  out.setJudgedNanousd(from.judged_nanousd);
  out.setJudgedAllLargeNanousd(from.judged_all_large_nanousd);
}

}  // namespace

void cost_figures::add(const cost_figures& other) {
  wrap_add(prompt_tokens, other.prompt_tokens);
  wrap_add(cached_prompt_tokens, other.cached_prompt_tokens);
  wrap_add(completion_tokens, other.completion_tokens);
  wrap_add(calls, other.calls);
  wrap_add(cost_nanousd, other.cost_nanousd);
  wrap_add(all_large_nanousd, other.all_large_nanousd);
  wrap_add(cache_hits, other.cache_hits);
  wrap_add(cache_saved_nanousd, other.cache_saved_nanousd);
  wrap_add(attempts, other.attempts);
  wrap_add(failed, other.failed);
  wrap_add(failed_nanousd, other.failed_nanousd);
  wrap_add(failed_all_large_nanousd, other.failed_all_large_nanousd);
  wrap_add(simulated, other.simulated);
  wrap_add(unpriced, other.unpriced);
  wrap_add(unpriced_nanousd, other.unpriced_nanousd);
}

std::int64_t cost_figures::comparable_nanousd() const {
  return wrap_minus(cost_nanousd, unpriced_nanousd);
}

std::int64_t cost_figures::saved_nanousd() const {
  return wrap_minus(all_large_nanousd, comparable_nanousd());
}

void cost_jobs::add(const cost_jobs& other) {
  wrap_add(done, other.done);
  wrap_add(failed, other.failed);
  wrap_add(cancelled, other.cancelled);
  wrap_add(unfinished, other.unfinished);
  wrap_add(simulated, other.simulated);
  wrap_add(judged, other.judged);
  wrap_add(right, other.right);
  wrap_add(judged_nanousd, other.judged_nanousd);
  wrap_add(judged_all_large_nanousd, other.judged_all_large_nanousd);
}

cost_figures& cost_sum::row(cost_key key) {
  // What it is apart by is given up from the finest on until there is such a row, or room for it.
  for (auto coarser : {0, 1, 2, 3}) {
    if (coarser > 0) folded = true;
    if (coarser == 1 && !key.kind.empty()) key.kind = others;
    if (coarser == 2 && !key.tenant.empty()) key.tenant = others;
    if (coarser == 3)
      key = {.day_ms = 0, .tenant = others, .model = others, .tier = {}, .kind = others};
    auto found = rows_.find(key);
    if (found != rows_.end()) return found->second;
    if (bytes_ + bytes_of(key) <= bytes_max_ || coarser == 3) break;
  }
  bytes_ += bytes_of(key);
  return rows_[std::move(key)];
}

void cost_sum::add_calls(cost_key key, const cost_figures& figures) {
  row(std::move(key)).add(figures);
}

void cost_sum::add_jobs(std::uint64_t day_ms, std::string tenant, const cost_jobs& jobs) {
  std::pair key{day_ms, std::move(tenant)};
  auto found = jobs_.find(key);
  if (found == jobs_.end()) {
    auto bytes = 128 + key.second.size();
    if (bytes_ + bytes > bytes_max_) {
      folded = true;
      key = {0, others};
    }
    found = jobs_.try_emplace(std::move(key)).first;
    bytes_ += bytes;
  }
  found->second.add(jobs);
}

void cost_sum::add_draws(const job_cost& job) {
  auto counts = draw_job(job.journal, job.number);
  for (std::size_t i = 0; i < draws_count; ++i) {
    auto& draw = draws_[i];
    wrap_add(draw.cost_nanousd, wrap_times(job.cost_nanousd, counts[i]));
    wrap_add(draw.all_large_nanousd, wrap_times(job.all_large_nanousd, counts[i]));
    wrap_add(draw.judged_nanousd, wrap_times(job.judged_nanousd, counts[i]));
    if (job.is_right) draw.right += counts[i];
  }
}

void cost_sum::note_call_at(std::uint64_t at_ms) {
  if (at_ms == 0) return;
  first_ms = first_ms == 0 ? at_ms : std::min(first_ms, at_ms);
  last_ms = std::max(last_ms, at_ms);
}

void cost_sum::note_unreadable(std::string why) {
  if (unreadable++ == 0) unreadable_why = std::move(why);
}

void cost_sum::add(schema::CostReport::Reader part) {
  for (auto each : part.getRows())
    add_calls({.day_ms = each.getDayMs(),
               .tenant = std::string{view(each.getTenant())},
               .model = std::string{view(each.getModel())},
               .tier = std::string{view(each.getTier())},
               .kind = std::string{view(each.getKind())},
               .purpose = each.getPurpose()},
              figures_of(each));
  for (auto each : part.getJobs())
    add_jobs(each.getDayMs(), std::string{view(each.getTenant())}, jobs_of(each));
  auto draws = part.getDraws();
  for (unsigned i = 0; i < draws.size() && i < draws_count; ++i) {
    wrap_add(draws_[i].cost_nanousd, draws[i].getCostNanousd());
    wrap_add(draws_[i].all_large_nanousd, draws[i].getAllLargeNanousd());
    wrap_add(draws_[i].judged_nanousd, draws[i].getJudgedNanousd());
    wrap_add(draws_[i].right, draws[i].getRight());
  }
  journals += part.getJournals();
  wrap_add(jobs_counted, part.getJobsCounted());
  wrap_add(jobs_simulated, part.getJobsSimulated());
  wrap_add(purged, part.getPurged());
  if (unreadable == 0) unreadable_why = view(part.getUnreadableWhy());
  wrap_add(unreadable, part.getUnreadable());
  folded = folded || part.getFolded();
  note_call_at(part.getFirstMs());
  note_call_at(part.getLastMs());
}

void cost_sum::write(schema::CostReport::Builder out) const {
  auto rows = out.initRows(static_cast<unsigned>(rows_.size()));
  unsigned at = 0;
  for (const auto& [key, figures] : rows_) {
    auto row = rows[at++];
    row.setDayMs(key.day_ms);
    row.setTenant(text(key.tenant));
    row.setModel(text(key.model));
    row.setTier(text(key.tier));
    row.setKind(text(key.kind));
    row.setPurpose(key.purpose);
    write_figures(row, figures);
  }
  auto jobs = out.initJobs(static_cast<unsigned>(jobs_.size()));
  at = 0;
  for (const auto& [key, counts] : jobs_) {
    auto row = jobs[at++];
    row.setDayMs(key.first);
    row.setTenant(text(key.second));
    write_jobs(row, counts);
  }
  auto draws = out.initDraws(draws_count);
  for (unsigned i = 0; i < draws_count; ++i) {
    draws[i].setCostNanousd(draws_[i].cost_nanousd);
    draws[i].setAllLargeNanousd(draws_[i].all_large_nanousd);
    draws[i].setJudgedNanousd(draws_[i].judged_nanousd);
    draws[i].setRight(draws_[i].right);
  }
  out.setJournals(journals);
  out.setJobsCounted(jobs_counted);
  out.setJobsSimulated(jobs_simulated);
  out.setPurged(purged);
  out.setUnreadable(unreadable);
  out.setUnreadableWhy(text(unreadable_why));
  out.setFolded(folded);
  out.setFirstMs(first_ms);
  out.setLastMs(last_ms);
}

cost_figures cost_sum::total() const {
  cost_figures all;
  for (const auto& [key, figures] : rows_) all.add(figures);
  return all;
}

cost_jobs cost_sum::total_jobs() const {
  cost_jobs all;
  for (const auto& [key, counts] : jobs_) all.add(counts);
  return all;
}

std::optional<interval> cost_sum::saving_interval() const {
  if (jobs_counted < interval_jobs_min) return std::nullopt;
  std::vector<double> values;
  for (const auto& draw : draws_)
    if (draw.all_large_nanousd > 0)
      values.push_back(1 - static_cast<double>(draw.cost_nanousd) /
                               static_cast<double>(draw.all_large_nanousd));
  return middle_95(values);
}

std::optional<interval> cost_sum::right_cost_interval() const {
  if (total_jobs().judged < interval_jobs_min) return std::nullopt;
  std::vector<double> values;
  for (const auto& draw : draws_)
    if (draw.right > 0)
      values.push_back(static_cast<double>(draw.judged_nanousd) / static_cast<double>(draw.right));
  return middle_95(values);
}

}  // namespace tandem
