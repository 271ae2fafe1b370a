#include "actors/archive/cost_scan.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/cost/cost_sum.hpp"
#include "actors/job/job_state.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t name_bytes_max = 128;

/// What is asked for.
struct question {
  explicit question(schema::CostQuery::Reader query)
      : from_ms{query.getFromMs()},
        to_ms{query.getToMs() == 0 ? std::numeric_limits<std::uint64_t>::max() : query.getToMs()},
        tenant{view(query.getTenant())} {
    auto by = query.getBy();
    by_day = by.getDay();
    by_tenant = by.getTenant();
    by_model = by.getModel();
    by_kind = by.getKind();
    by_purpose = by.getPurpose();
  }

  [[nodiscard]] bool has(std::uint64_t at_ms) const { return at_ms >= from_ms && at_ms < to_ms; }

  std::uint64_t from_ms;
  std::uint64_t to_ms;
  std::string tenant;
  bool by_day;
  bool by_tenant;
  bool by_model;
  bool by_kind;
  bool by_purpose;
};

bool has_price(schema::Usage::Reader usage) {
  return usage.getCostAllLargeNanousd() != 0 || usage.getCostNanousd() == 0;
}

cost_figures figures_of(schema::AttemptRecord::Reader attempt) {
  auto usage = attempt.getUsage();
  auto cost = usage.getCostNanousd();
  auto failed = attempt.getError().getCode() != schema::Errc::UNKNOWN;
  return {.prompt_tokens = usage.getPromptTokens(),
          .cached_prompt_tokens = usage.getCachedPromptTokens(),
          .completion_tokens = usage.getCompletionTokens(),
          .calls = usage.getCalls(),
          .cost_nanousd = cost,
          .all_large_nanousd = usage.getCostAllLargeNanousd(),
          .cache_hits = usage.getCacheHits(),
          .cache_saved_nanousd = usage.getSavedNanousd(),
          .attempts = 1,
          .failed = failed ? 1u : 0u,
          .failed_nanousd = failed ? cost : 0,
          .failed_all_large_nanousd = failed ? usage.getCostAllLargeNanousd() : 0,
          .simulated = attempt.getSimulated() ? 1u : 0u,
          .unpriced = has_price(usage) ? 0u : 1u,
          .unpriced_nanousd = has_price(usage) ? 0 : cost};
}

/// One job as its records tell it, in order.
class job_account {
 public:
  job_account(const question& asked, std::string tenant)
      : asked_{asked}, tenant_{std::move(tenant)} {}

  void read(schema::JobRecord::Reader record) {
    if (record.isSubmitted()) {
      submitted_ms_ = record.getAtMs();
      has_check_ = record.getSubmitted().getCheck().getKind().size() != 0;
    } else if (record.isStepsPlanned()) {
      if (asked_.by_kind)
        for (auto step : record.getStepsPlanned())
          kinds_[step.getStep()] = cut(view(step.getKind()), name_bytes_max);
    } else if (record.isEnded()) {
      state_ = record.getEnded().getState();
      ended_ms_ = record.getAtMs();
    } else if (record.isStateChanged()) {
      // Retried by somebody.
      if (record.getStateChanged().getState() == schema::JobState::RUNNING) ended_ms_ = 0;
    } else if (record.isFeedback()) {
      score_sum_ += record.getFeedback().getScore();
      ++scores_;
    } else if (auto attempt = attempt_of(record)) {
      count(*attempt, record.getAtMs());
    }
  }

  void add_to(cost_sum& sum, job_id id) {
    for (auto& [key, figures] : calls_) sum.add_calls(std::move(key), figures);
    sum.note_call_at(first_ms_);
    sum.note_call_at(last_ms_);
    auto has_calls = all_in_period_.attempts != 0;
    if (has_calls) ++sum.jobs_counted;
    if (all_in_period_.simulated != 0) ++sum.jobs_simulated;
    auto moment = ended_ms_ != 0 ? ended_ms_ : submitted_ms_;
    cost_jobs counts;
    if (asked_.has(moment)) {
      counts = count_job();
      sum.add_jobs(asked_.by_day ? day_of(moment) : 0, asked_.by_tenant ? tenant_ : "", counts);
    }
    if (!has_calls && counts.judged == 0) return;
    sum.add_draws({.journal = id.journal.value,
                   .number = id.number,
                   .cost_nanousd = all_in_period_.comparable_nanousd(),
                   .all_large_nanousd = all_in_period_.all_large_nanousd,
                   .judged_nanousd = counts.judged_nanousd,
                   .is_right = counts.right != 0});
  }

 private:
  void count(schema::AttemptRecord::Reader attempt, std::uint64_t at_ms) {
    auto figures = figures_of(attempt);
    // Refused before it went anywhere.
    if (figures.calls == 0 && figures.cache_hits == 0 && attempt.getModel().size() == 0) return;
    whole_.add(figures);
    if (!asked_.has(at_ms)) return;
    all_in_period_.add(figures);
    first_ms_ = first_ms_ == 0 ? at_ms : std::min(first_ms_, at_ms);
    last_ms_ = std::max(last_ms_, at_ms);
    cost_key key;
    if (asked_.by_day) key.day_ms = day_of(at_ms);
    if (asked_.by_tenant) key.tenant = tenant_;
    if (asked_.by_model) {
      key.model = cut(view(attempt.getModel()), name_bytes_max);
      key.tier = cut(view(attempt.getTier()), name_bytes_max);
    }
    auto purpose = attempt.getPurpose();
    if (asked_.by_kind && purpose == schema::Purpose::STEP)
      if (auto found = kinds_.find(attempt.getStep()); found != kinds_.end())
        key.kind = found->second;
    if (asked_.by_purpose) key.purpose = purpose;
    calls_[std::move(key)].add(figures);
  }

  [[nodiscard]] cost_jobs count_job() const {
    cost_jobs counts;
    auto done = ended_ms_ != 0 && state_ == schema::JobState::DONE;
    auto failed = ended_ms_ != 0 && state_ == schema::JobState::FAILED;
    if (whole_.simulated != 0) counts.simulated = 1;
    if (ended_ms_ == 0)
      counts.unfinished = 1;
    else if (done)
      counts.done = 1;
    else if (failed)
      counts.failed = 1;
    else
      counts.cancelled = 1;
    if (ended_ms_ == 0 || (scores_ == 0 && !(has_check_ && (done || failed)))) return counts;
    counts.judged = 1;
    counts.right = (scores_ != 0 ? score_sum_ / scores_ >= 0.5 : done) ? 1 : 0;
    counts.judged_nanousd = whole_.cost_nanousd;
    counts.judged_all_large_nanousd = whole_.all_large_nanousd;
    return counts;
  }

  const question& asked_;
  std::string tenant_;
  std::unordered_map<std::uint32_t, std::string> kinds_;
  std::map<cost_key, cost_figures> calls_;
  cost_figures whole_;
  cost_figures all_in_period_;
  bool has_check_ = false;
  schema::JobState state_ = schema::JobState::UNKNOWN;
  std::uint64_t submitted_ms_ = 0;
  std::uint64_t ended_ms_ = 0;
  std::uint64_t first_ms_ = 0;
  std::uint64_t last_ms_ = 0;
  double score_sum_ = 0;
  std::uint32_t scores_ = 0;
};

/// One part: jobs in the order of their numbers.
class part {
 public:
  part(const storage::journal& store, schema::CostQuery::Reader query, const cost_limits& limits)
      : store_{store},
        asked_{query},
        limits_{limits},
        bytes_max_{query.getBytesMax() == 0
                       ? limits.bytes_max
                       : std::min<std::size_t>(query.getBytesMax(), limits.bytes_max)},
        sum_{bytes_max_} {
    for (auto cursor : query.getCursors()) {
      if (cursor.getJournal() != store.id().value) continue;
      last_ = cursor.getAfter();
      last_ms_ = cursor.getAfterMs();
    }
  }

  [[nodiscard]] caf::expected<tmsg::costrep> run() {
    // First, so that no job that comes meanwhile counts as missing.
    auto next = store_.next_job_number();
    if (!next) return std::move(next.error());
    auto err = store_.read_summaries_oldest_first(
        last_ + 1, [&](std::uint64_t job, std::span<const std::byte> bytes) {
          if (is_full()) {
            more_ = true;
            return false;
          }
          ++jobs_;
          return visit(job, bytes);
        });
    if (err) return err;
    // Nobody knows how much later than the last job those behind it were submitted.
    if (!more_ && !beyond_ && *next > last_ + 1)
      note_gap(*next, std::numeric_limits<std::uint64_t>::max());
    sum_.journals = 1;
    message_builder<schema::CostReport> out;
    sum_.write(*out);
    if (more_) {
      auto cursor = out->initCursors(1)[0];
      cursor.setJournal(store_.id().value);
      cursor.setAfter(last_);
      cursor.setAfterMs(last_ms_);
    }
    return out.finish();
  }

 private:
  [[nodiscard]] bool is_full() const {
    // Half is left for the job that comes next.
    return jobs_ >= limits_.jobs_max || records_ >= limits_.records_max ||
           sum_.bytes() > bytes_max_ / 2;
  }

  /// Numbers between the last job and this one name jobs that are no more.
  void note_gap(std::uint64_t job, std::uint64_t submitted_ms) {
    if (submitted_ms >= asked_.from_ms && last_ms_ < asked_.to_ms) sum_.purged += job - last_ - 1;
  }

  bool visit(std::uint64_t job, std::span<const std::byte> bytes) {
    auto summary = tmsg::jobsum::parse(bytes);
    if (!summary) {
      sum_.note_unreadable("the line of job " + std::to_string(job) + ": " +
                           message_of(summary.error()));
      last_ = job;
      return true;
    }
    auto reader = summary->read();
    auto submitted_ms = reader->getSubmittedAtMs();
    // Where a clock went back, a later number may be the earlier job: not by as much as a day.
    constexpr std::uint64_t day_ms = 86'400'000;
    if (submitted_ms >= asked_.to_ms && submitted_ms - asked_.to_ms >= day_ms) {
      if (job > last_ + 1) note_gap(job, submitted_ms);
      beyond_ = true;
      return false;
    }
    if (job > last_ + 1) note_gap(job, submitted_ms);
    last_ = job;
    last_ms_ = submitted_ms;
    if (submitted_ms >= asked_.to_ms) return true;
    if (auto ended_ms = reader->getEndedAtMs(); ended_ms != 0 && ended_ms < asked_.from_ms)
      return true;
    auto tenant = view(reader->getTenant());
    if (!asked_.tenant.empty() && tenant != asked_.tenant) return true;
    read_job(job, std::string{tenant});
    return true;
  }

  void read_job(std::uint64_t job, std::string tenant) {
    job_account account{asked_, std::move(tenant)};
    caf::error bad;
    auto err = store_.read_records(job, 0, [&](storage::journal_record record) {
      ++records_;
      auto parsed = job_record::parse(record.bytes, record_limits);
      if (!parsed) {
        bad = make_error(errc::corrupted, "record " + std::to_string(record.number) + ": " +
                                              message_of(parsed.error()));
        return false;
      }
      account.read(*parsed->read());
      return true;
    });
    if (err) bad = std::move(err);
    if (bad)
      sum_.note_unreadable("job " + to_string(job_id{store_.id(), job}) + ": " + message_of(bad));
    else
      account.add_to(sum_, {store_.id(), job});
  }

  const storage::journal& store_;
  question asked_;
  cost_limits limits_;
  std::size_t bytes_max_;
  cost_sum sum_;
  std::uint64_t last_ = 0;
  std::uint64_t last_ms_ = 0;
  std::uint32_t jobs_ = 0;
  std::uint32_t records_ = 0;
  bool more_ = false;
  bool beyond_ = false;
};

}  // namespace

caf::expected<tmsg::costrep> scan_costs(const storage::journal& store,
                                        schema::CostQuery::Reader query,
                                        const cost_limits& limits) {
  return part{store, query, limits}.run();
}

}  // namespace tandem
