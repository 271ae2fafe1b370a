#include "nodes/cli/job_export.hpp"

#include <map>

#include "nodes/cli/job_text.hpp"
#include "nodes/cli/names.hpp"
#include "schema/errc.hpp"
#include "schema/ids.hpp"
#include "schema/json_writer.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

constexpr int format_version = 1;
constexpr std::uint32_t page_jobs = 200;
/// Texts are not written, so as little as can be asked for.
constexpr std::uint32_t text_bytes = 1;

void write_usage_fields(json_writer& json, schema::Usage::Reader usage) {
  json.field("calls", usage.getCalls());
  json.field("prompt_tokens", usage.getPromptTokens());
  json.field("cached_prompt_tokens", usage.getCachedPromptTokens());
  json.field("completion_tokens", usage.getCompletionTokens());
  json.field("cost_nanousd", usage.getCostNanousd());
  json.field("cost_all_large_nanousd", usage.getCostAllLargeNanousd());
  json.field("cache_hits", usage.getCacheHits());
}

void write_attempt(json_writer& json, schema::AttemptView::Reader attempt, std::string_view kind) {
  json.object();
  json.field("attempt", attempt.getAttempt());
  json.field("step", attempt.getStep());
  json.field("epoch", attempt.getEpoch());
  json.field("purpose", name_of(attempt.getPurpose()));
  json.field("kind", kind);
  json.field("model", view(attempt.getModel()));
  json.field("tier", view(attempt.getTier()));
  json.field("engine", view(attempt.getEngine()));
  if (attempt.getError().getCode() == schema::Errc::UNKNOWN)
    json.null_field("error");
  else
    json.field("error", name_of(attempt.getError().getCode()));
  write_usage_fields(json, attempt.getUsage());
  json.field("queue_us", attempt.getQueueUs());
  json.field("first_token_us", attempt.getFirstTokenUs());
  json.field("total_us", attempt.getTotalUs());
  json.field("at_ms", attempt.getAtMs());
  json.field("hedged", attempt.getHedged());
  json.end();
}

void write_summary(json_writer& json, schema::JobSummary::Reader job) {
  json.field("job",
             to_string(job_id{journal_id{job.getJob().getJournal()}, job.getJob().getNumber()}));
  json.field("submitted_at_ms", job.getSubmittedAtMs());
  if (job.getEndedAtMs() == 0)
    json.null_field("ended_at_ms");
  else
    json.field("ended_at_ms", job.getEndedAtMs());
  json.field("tenant", view(job.getTenant()));
  json.field("mode", name_of(job.getMode()));
  json.field("routed", job.getRouted());
  json.field("priority", static_cast<int>(job.getPriority()));
  json.field("state", name_of(job.getState()));
  if (job.getFeedback() < 0) {
    json.null_field("feedback");
    json.null_field("right");
  } else {
    json.field("feedback", static_cast<double>(job.getFeedback()));
    json.field("right", job.getFeedback() >= 0.5f);
  }
  json.field("simulated", job.getSimulated());
}

/// One page of jobs, a line each.
caf::error write_page(client& node, schema::JobList::Reader page, std::size_t& limit, console& io) {
  for (auto job : page.getJobs()) {
    if (limit == 0 || !io.is_open()) return {};
    job_id id{journal_id{job.getJob().getJournal()}, job.getJob().getNumber()};
    auto found = node.view(id, text_bytes);
    if (found) {
      io.line(write_job_line(*found->read()));
      --limit;
    } else if (code_of(found.error()) == errc::corrupted ||
               code_of(found.error()) == errc::not_found) {
      // Damaged, or purged meanwhile: the others are worth having.
      io.note("left out job " + to_string(id) + ": " + message_of(found.error()));
    } else {
      return std::move(found.error());
    }
  }
  return {};
}

}  // namespace

std::string write_job_line(schema::JobView::Reader job) {
  json_writer json;
  json.object();
  json.field("v", format_version);
  write_summary(json, job.getSummary());
  std::map<std::uint32_t, std::string_view> kinds;
  json.array_field("steps");
  for (auto step : job.getSteps()) {
    kinds[step.getStep()] = view(step.getKind());
    json.object();
    json.field("step", step.getStep());
    json.field("epoch", step.getEpoch());
    json.field("kind", view(step.getKind()));
    json.array_field("depends_on");
    for (auto id : step.getDependsOn()) json.value(id);
    json.end();
    json.end();
  }
  json.end();
  json.array_field("attempts");
  std::uint64_t calls = 0;
  for (auto attempt : job.getAttempts()) {
    calls += attempt.getUsage().getCalls();
    auto kind = kinds.find(attempt.getStep());
    write_attempt(json, attempt, kind == kinds.end() ? std::string_view{} : kind->second);
  }
  json.end();
  json.field("cut", calls != job.getSummary().getUsage().getCalls());
  json.end();
  return json.text();
}

exit_code export_jobs(client& node, message_builder<schema::JobQuery>& query, std::size_t limit,
                      console& io) {
  while (limit > 0 && io.is_open()) {
    query->setLimit(static_cast<std::uint32_t>(std::min<std::size_t>(limit, page_jobs)));
    auto page = node.list(query.finish());
    if (!page) return io.fail(page.error());
    auto reader = page->read();
    if (auto err = write_page(node, *reader, limit, io)) return io.fail(err);
    if (auto missing = missing_text(*reader, io.err_style()); !missing.empty()) io.note(missing);
    auto more = reader->getNext() != 0 || reader->getCursors().size() != 0;
    if (!more) break;
    query->setBefore(reader->getNext());
    query->setCursors(reader->getCursors());
  }
  return exit_code::ok;
}

}  // namespace tandem::cli
