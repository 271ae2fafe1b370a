#include "tests/fault/journal_check.hpp"

#include <set>

#include "actors/job/job_machine.hpp"
#include "schema/text.hpp"
#include "storage/journal.hpp"

namespace tandem::fault {
namespace {

/// What one job's records tell, and what is wrong with them.
class job_account {
 public:
  job_account(job_id id, journal_account& out) : id_{id}, out_{out}, state_{id, plan_limits({})} {}

  void add(std::uint32_t number, schema::JobRecord::Reader record, job_record whole) {
    ++out_.records;
    if (number != ++last_)
      broken("record " + std::to_string(number) + " where " + std::to_string(last_) + " was due");
    last_ = number;
    if (ended_) broken("record " + std::to_string(number) + " after its end");
    if (auto err = state_.apply(number, std::move(whole))) broken(message_of(err));
    using which = schema::JobRecord::Which;
    switch (record.which()) {
      case which::SUBMITTED:
        ++submitted_;
        key_ = view(record.getSubmitted().getClientKey());
        if (number != 1) broken("`submitted` is record " + std::to_string(number));
        break;
      case which::ATTEMPT_FAILED:
        attempted(record.getAttemptFailed());
        simulated_failure_ =
            simulated_failure_ ||
            view(record.getAttemptFailed().getError().getMessage()).starts_with("simulated error");
        break;
      case which::STEP_DONE:
        attempted(record.getStepDone().getAttempt());
        done_steps_.insert(record.getStepDone().getAttempt().getStep());
        break;
      case which::PLAN_COMPLETE:
        attempted(record.getPlanComplete().getAttempt(), false);
        break;
      case which::ENDED:
        ended(record.getEnded());
        break;
      default:
        break;
    }
  }

  void close() {
    if (submitted_ != 1) broken(std::to_string(submitted_) + " times submitted");
    if (!ended_) broken("has not ended");
  }

  [[nodiscard]] const std::string& key() const { return key_; }

 private:
  void attempted(schema::AttemptRecord::Reader attempt, bool of_step = true) {
    if (!attempts_.insert(attempt.getAttempt()).second)
      broken("attempt " + std::to_string(attempt.getAttempt()) + " is recorded twice");
    if (of_step && attempt.getPurpose() != schema::Purpose::PLAN &&
        done_steps_.contains(attempt.getStep()))
      broken("step " + std::to_string(attempt.getStep()) + " ran again after it was done");
  }

  void ended(schema::EndRecord::Reader record) {
    ended_ = true;
    if (record.getState() == schema::JobState::DONE) {
      ++out_.done;
      return;
    }
    ++out_.failed;
    auto explained = record.getState() == schema::JobState::FAILED &&
                     record.getCode() == schema::Errc::ENGINE_FAILED && simulated_failure_;
    if (!explained) broken("failed without cause: " + std::string{view(record.getReason())});
  }

  void broken(const std::string& how) { out_.broken.push_back(to_string(id_) + ": " + how); }

  job_id id_;
  journal_account& out_;
  job_state state_;
  std::string key_;
  std::uint32_t last_ = 0;
  unsigned submitted_ = 0;
  bool ended_ = false;
  bool simulated_failure_ = false;
  std::set<std::uint32_t> attempts_;
  std::set<std::uint32_t> done_steps_;
};

void check_keys(const storage::journal& store, const std::map<std::string, job_id>& acknowledged,
                const std::map<std::string, std::uint64_t>& found, journal_account& out) {
  for (const auto& [key, job] : acknowledged) {
    auto here = found.find(key);
    if (here == found.end() || here->second != job.number || job.journal != store.id())
      out.broken.push_back("acknowledged job " + to_string(job) + " of key " + key + " is lost");
    auto known = store.find_client_key({}, key);
    if (!known || *known != job.number)
      out.broken.push_back("key " + key + " does not lead to " + to_string(job));
  }
  for (const auto& [key, number] : found)
    if (!acknowledged.contains(key))
      out.broken.push_back("job " + std::to_string(number) + " of key " + key +
                           " was never acknowledged, though its client asked until it was");
}

}  // namespace

journal_account check_journal(const std::filesystem::path& folder,
                              const std::map<std::string, job_id>& acknowledged,
                              const std::vector<job_id>& without_key) {
  journal_account out;
  storage::journal_options options;
  options.folder = folder;
  auto opened = storage::journal::open(options);
  if (!opened) {
    out.broken.push_back("the journal cannot be opened: " + message_of(opened.error()));
    return out;
  }
  const auto& store = **opened;
  auto next = store.next_job_number();
  if (!next) out.broken.push_back(message_of(next.error()));
  std::map<std::string, std::uint64_t> keys;
  std::set<std::uint64_t> numbers;
  for (std::uint64_t number = 1; next && number < *next; ++number) {
    job_account job{{store.id(), number}, out};
    bool any = false;
    auto err = store.read_records(number, 0, [&](storage::journal_record record) {
      any = true;
      auto parsed = job_record::parse(record.bytes, record_limits);
      if (!parsed) {
        out.broken.push_back(message_of(parsed.error()));
        return false;
      }
      job.add(record.number, *parsed->read(), *parsed);
      return true;
    });
    if (err) out.broken.push_back(message_of(err));
    if (!any) continue;  // a number that was given out and never written
    ++out.jobs;
    job.close();
    numbers.insert(number);
    if (job.key().empty()) continue;
    out.keys.insert(job.key());
    if (!keys.emplace(job.key(), number).second)
      out.broken.push_back("two jobs of key " + job.key());
  }
  for (auto job : without_key)
    if (!numbers.contains(job.number))
      out.broken.push_back("acknowledged job " + to_string(job) + " is lost");
  check_keys(store, acknowledged, keys, out);
  if (auto open = store.open_jobs(); !open || !open->empty())
    out.broken.push_back("jobs are marked as open though all have ended");
  return out;
}

}  // namespace tandem::fault
