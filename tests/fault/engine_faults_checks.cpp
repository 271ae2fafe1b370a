// What a client of a sound node can rely on, whatever its engines did.

#include <algorithm>
#include <charconv>

#include "schema/text.hpp"
#include "tests/fault/engine_faults_run.hpp"

namespace tandem::fault {
namespace {

using std::chrono::milliseconds;

/// Beyond a deadline, on a machine that has other things to do.
constexpr milliseconds slack{5000};
constexpr milliseconds quiet_limit{5000};
constexpr milliseconds healthy_limit{20'000};

std::uint64_t tokens_of(schema::Usage::Reader usage) {
  return usage.getPromptTokens() + usage.getCompletionTokens();
}

/// Whether an attempt may have cost its server more than it could say: it was given up.
bool was_given_up(schema::AttemptView::Reader attempt) {
  auto code = attempt.getError().getCode();
  return code == schema::Errc::CANCELLED || code == schema::Errc::DEADLINE_EXCEEDED ||
         code == schema::Errc::ENGINE_FAILED;
}

}  // namespace

void engine_fault_tally::add(const engine_fault_tally& other) {
  jobs += other.jobs;
  done += other.done;
  cancelled += other.cancelled;
  late += other.late;
  over_budget += other.over_budget;
  gave_up += other.gave_up;
  node_kills += other.node_kills;
  complaints.insert(complaints.end(), other.complaints.begin(), other.complaints.end());
}

bool engine_fault_lane::wait_end(sent& job) {
  auto ended = at_->wait(job.id, job.what.timeout + slack);
  if (!ended) {
    complain(job.tag + " does not end: " + message_of(ended.error()) + '\n' + node_.log());
    return false;
  }
  check_end(job, *ended->read());
  return true;
}

void engine_fault_lane::check_end(sent& job, schema::JobSummary::Reader summary) {
  auto how = test::outcome_of(summary);
  auto wrong = [&](const std::string& what) {
    complain(job.tag + " (" + job.what.goal + ", " + how.state + ' ' + how.reason + "): " + what);
  };
  job.used = {tokens_of(summary.getUsage()), summary.getUsage().getCostNanousd()};
  if (summary.getEndedAtMs() > summary.getDeadlineAtMs() + slack.count())
    wrong("ended " + std::to_string(summary.getEndedAtMs() - summary.getDeadlineAtMs()) +
          " ms after its deadline");
  if (how.state == "done") {
    ++tally_.done;
    if (auto right = right_answer(job.what.goal); how.answer != right)
      wrong("a wrong answer: '" + how.answer + "' for '" + right + "'");
  } else if (how.state == "cancelled") {
    ++tally_.cancelled;
  } else if (how.state != "failed") {
    wrong("is no end");
  } else if (how.reason.empty()) {
    wrong("failed without a reason");
  } else {
    auto says = [&](const char* word) { return how.reason.find(word) != std::string::npos; };
    ++(says("budget")                ? tally_.over_budget
       : says("the deadline passed") ? tally_.late
                                     : tally_.gave_up);
  }
  if (job.cancelled != (how.state == "cancelled"))
    wrong(job.cancelled ? "its cancel was acknowledged" : "nobody cancelled it");
  auto budget_nanousd = to_nanousd(job.what.budget_usd).value_or(0);
  auto limited = job.what.budget_tokens != 0 || budget_nanousd != 0;
  if (!limited) return;
  auto within = [&](const stub_spending& spent, const std::string& who) {
    if ((job.what.budget_tokens != 0 && spent.tokens > job.what.budget_tokens) ||
        (budget_nanousd != 0 && spent.cost_nanousd > budget_nanousd))
      wrong("over budget: " + who + ' ' + std::to_string(spent.tokens) + " of " +
            std::to_string(job.what.budget_tokens) + " tokens, " +
            std::to_string(spent.cost_nanousd) + " of " + std::to_string(budget_nanousd) + " n$");
  };
  within(job.used, "the node says");
  auto view = at_->view(job.id);
  if (!view) return wrong("no view of it: " + message_of(view.error()));
  auto reader = view->read();
  job.disturbed = killed_ || how.epoch > 1 || how.state != "done";
  for (auto attempt : reader->getAttempts()) job.disturbed = job.disturbed || was_given_up(attempt);
  if (job.disturbed) return;
  auto counted = fleet_.spent(job.tag);
  within(counted, "the servers say");
  // A call that was paid for and that the account does not know.
  if (counted.tokens > job.used.tokens || counted.cost_nanousd > job.used.cost_nanousd)
    wrong("servers were paid for " + std::to_string(counted.tokens) +
          " tokens, the node knows of " + std::to_string(job.used.tokens));
}

bool engine_fault_lane::finish_seed() {
  for (auto& job : jobs_)
    if (!wait_end(job)) return false;
  if (auto open = fleet_.still_open(quiet_limit); !open.empty())
    complain("all jobs have ended: " + open);
  check_healthy();
  if (has_tenant_) check_tenant();
  check_last_job();
  return true;
}

void engine_fault_lane::check_healthy() {
  std::string ill;
  auto begun = std::chrono::steady_clock::now();
  do {
    ill.clear();
    auto topology = at_->topology();
    if (!topology) return complain("no topology: " + message_of(topology.error()));
    auto reader = topology->read();
    auto here = reader->getNodes()[0];
    for (auto actor : here.getActors())
      if (actor.getRestarts() != 0)
        return complain("actor " + std::string{view(actor.getName())} +
                        " was restarted: " + std::string{view(actor.getLastError())});
    if (here.getEngines().size() != engine_fleet::size) ill = "some engines are missing";
    for (auto engine : here.getEngines()) {
      auto changes = engine.getChanges();
      if (engine.getHealth() != schema::Health::HEALTHY)
        ill += std::string{view(engine.getName())} + ": " +
               (changes.size() == 0 ? std::string{"?"}
                                    : std::string{view(changes[changes.size() - 1].getReason())}) +
               "; ";
      if (engine.getInFlight() != 0 || engine.getQueued() != 0)
        ill += std::string{view(engine.getName())} + " is busy; ";
    }
    if (ill.empty()) return;
    if (node_.process().wait(milliseconds{10}))
      return complain("the node stopped:\n" + node_.log());
  } while (std::chrono::steady_clock::now() - begun < healthy_limit);
  complain("all servers are well again: " + ill);
}

std::optional<std::uint64_t> engine_fault_lane::tenant_spent() {
  // A call that no tenant can afford: its refusal says what is spent.
  submission job{
      .goal = "s" + std::to_string(seed_) + "j9999 " + std::string(100'000, 'x') + " direct",
      .mode = schema::PlanMode::LARGE};
  job.tenant = tenant_of(seed_);
  auto given = at_->submit(job);
  if (!given) return complain("submit: " + message_of(given.error())), std::nullopt;
  auto end = test::wait_end(*at_, *given);
  constexpr std::string_view mark = "has spent ";
  auto at = end.reason.find(mark);
  std::uint64_t tokens = 0;
  if (at == std::string::npos || std::from_chars(end.reason.data() + at + mark.size(),
                                                 end.reason.data() + end.reason.size(), tokens)
                                         .ec != std::errc{}) {
    complain("a tenant's spending is not told: " + end.state + ' ' + end.reason);
    return std::nullopt;
  }
  return tokens;
}

void engine_fault_lane::check_tenant() {
  stub_spending used;
  stub_spending counted;
  auto disturbed = killed_;
  auto name = tenant_of(seed_);
  for (const auto& job : jobs_) {
    if (job.what.tenant != name) continue;
    used.tokens += job.used.tokens;
    used.cost_nanousd += job.used.cost_nanousd;
    auto servers = fleet_.spent(job.tag);
    counted.tokens += servers.tokens;
    counted.cost_nanousd += servers.cost_nanousd;
    disturbed = disturbed || job.disturbed;
  }
  auto limit = limit_of_tenant(seed_);
  auto within = [&](const stub_spending& spent, const std::string& who) {
    if ((limit.tokens != 0 && spent.tokens > limit.tokens) ||
        (limit.cost_nanousd != 0 && spent.cost_nanousd > limit.cost_nanousd))
      complain("tenant over budget: " + who + ' ' + std::to_string(spent.tokens) + " of " +
               std::to_string(limit.tokens) + " tokens, " + std::to_string(spent.cost_nanousd) +
               " of " + std::to_string(limit.cost_nanousd) + " n$");
  };
  within(used, "its jobs say");
  if (!disturbed) within(counted, "the servers say");
  auto before = tenant_spent();
  if (!before) return;
  within({*before, 0}, "the node says");
  if (*before < used.tokens)
    complain("the tenant's jobs used " + std::to_string(used.tokens) + " tokens, its account has " +
             std::to_string(*before));
  if (pick(0, 4) != 0 || !kill_node()) return;
  auto after = tenant_spent();
  if (after && *after < *before)
    complain("the tenant had spent " + std::to_string(*before) + " tokens, after a kill " +
             std::to_string(*after));
}

void engine_fault_lane::check_last_job() {
  auto goal = planned_goal("s" + std::to_string(seed_) + "j99999", 5);
  auto end = test::wait_end(*at_, test::submit(*at_, goal));
  if (end.state != "done" || end.answer != right_answer(goal))
    complain("the last job: " + end.state + ' ' + end.reason + " '" + end.answer + '\'');
}

void engine_fault_lane::probe_all() {
  for (std::size_t i = 0; i < engine_fleet::size; ++i) {
    auto report = at_->probe_engine(engine_fleet::name(i), milliseconds{20'000});
    if (!report) {
      complain("probe: " + message_of(report.error()));
      continue;
    }
    auto reader = report->read();
    for (auto check : reader->getChecks())
      if (!check.getOk())
        complain("probe of " + std::string{engine_fleet::name(i)} + ": " +
                 std::string{view(check.getWhat())} + ": " + std::string{view(check.getDetail())});
  }
}

}  // namespace tandem::fault
