#include "tests/fault/engine_faults_run.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::fault {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds storm{250};

/// Evenly over orders of magnitude.
std::uint64_t spread(std::mt19937_64& random, double low, double high) {
  auto share = static_cast<double>(random() % 10'001) / 10'000;
  return static_cast<std::uint64_t>(low * std::pow(high / low, share));
}

}  // namespace

std::string tenant_of(std::uint64_t seed) {
  return "t" + std::to_string(seed);
}

stub_spending limit_of_tenant(std::uint64_t seed) {
  std::mt19937_64 random{seed * 31 + 7};
  if (random() % 3 == 0)
    return {0, static_cast<std::int64_t>(spread(random, 10'000'000, 250'000'000))};
  return {spread(random, 3000, 90'000), 0};
}

engine_fault_lane::engine_fault_lane(const std::vector<std::uint64_t>& seeds)
    : engine_fault_lane{seeds, options{}} {}

engine_fault_lane::engine_fault_lane(const std::vector<std::uint64_t>& seeds, options how)
    : how_{how}, config_{config(seeds)} {
  start_node();
}

std::string engine_fault_lane::config(const std::vector<std::uint64_t>& seeds) const {
  auto text = "[node]\nlisten = \"127.0.0.1:0\"\n" + std::string{R"(
[jobs]
attempt_timeout = "2s"
[journal]
durability = "os"
[hedging]
share = 0.2
quantile = 0.8
delay_min = "20ms"
)"} + fleet_.config();
  for (auto seed : seeds) {
    auto limit = limit_of_tenant(seed);
    text += "[[tenant]]\nname = \"" + tenant_of(seed) + "\"\nperiod = \"never\"\n";
    if (limit.tokens != 0) text += "tokens = " + std::to_string(limit.tokens) + "\n";
    if (limit.cost_nanousd != 0)
      text += "cost_usd = " + std::to_string(static_cast<double>(limit.cost_nanousd) * 1e-9) + "\n";
  }
  return text;
}

bool engine_fault_lane::start_node() {
  node_.start(config_);
  if (!node_.wait_ready()) {
    complain("the node does not start:\n" + node_.log());
    return false;
  }
  at_.emplace(test::connect(node_));
  return true;
}

bool engine_fault_lane::kill_node() {
  at_.reset();
  node_.kill9();
  killed_ = true;
  ++tally_.node_kills;
  return start_node();
}

void engine_fault_lane::complain(const std::string& what) {
  tally_.complaints.push_back("TANDEM_FAULT_SEED=" + std::to_string(seed_) + ": " + what +
                              "\n  schedule:" + story_);
}

std::uint64_t engine_fault_lane::pick(std::uint64_t low, std::uint64_t high) {
  return low + random_() % (high - low + 1);
}

submission engine_fault_lane::make_job(const std::string& tag) {
  submission job;
  job.client_key = tag;
  switch (pick(0, 5)) {
    case 0:
      job.mode = schema::PlanMode::SMALL;
      job.goal = direct_goal(tag);
      break;
    case 1:
      job.mode = schema::PlanMode::LARGE;
      job.goal = direct_goal(tag);
      break;
    default:
      job.goal = planned_goal(tag, static_cast<unsigned>(pick(0, plan_shapes - 1)));
  }
  auto judged = pick(0, 3) == 0;
  if (how_.tell_checks) {
    job.check = judged ? "judge" : "exact";
    job.check_argument = right_answer(job.goal);
  }
  job.timeout = milliseconds{pick(0, 7) == 0 ? pick(20, 1000) : 20'000};
  auto tokens = spread(random_, 500, 200'000);
  auto usd = static_cast<double>(spread(random_, 1'000'000, 2'000'000'000)) * 1e-9;
  auto kind = pick(0, 5);
  if (kind == 0 || kind == 2) job.budget_tokens = tokens;
  if (kind == 1 || kind == 2) job.budget_usd = usd;
  if (has_tenant_ && pick(0, 1) == 0) job.tenant = tenant_of(seed_);
  return job;
}

bool engine_fault_lane::submit(unsigned number) {
  sent job;
  job.tag = "s" + std::to_string(seed_) + "j" + std::to_string(number);
  job.what = make_job(job.tag);
  auto told = job.what;
  if (!how_.tell_budgets) {
    job.what.budget_tokens = 10;
    told.budget_tokens = 0;
    told.budget_usd = 0;
  }
  auto given = at_->submit(told);
  if (!given) {
    complain("submit " + job.tag + ": " + message_of(given.error()));
    return false;
  }
  job.id = *given;
  ++tally_.jobs;
  jobs_.push_back(std::move(job));
  return true;
}

bool engine_fault_lane::cancel_one() {
  if (jobs_.empty()) return true;
  auto& job = jobs_[pick(0, jobs_.size() - 1)];
  auto answer = at_->command(job.id, schema::JobAction::CANCEL);
  if (answer)
    job.cancelled = true;
  else if (code_of(answer.error()) != errc::conflict)
    complain("cancel " + job.tag + ": " + message_of(answer.error()));
  return true;
}

std::vector<engine_fault_lane::action> engine_fault_lane::make_schedule() {
  std::vector<action> all;
  auto count = static_cast<unsigned>(pick(10, 24));
  auto when = [this] { return milliseconds{pick(0, static_cast<unsigned>(storm.count()))}; };
  for (unsigned i = 0; i < count; ++i) all.push_back({when(), [this, i] { return submit(i); }});
  for (auto i = pick(4, 10); i > 0; --i) {
    auto engine = pick(0, engine_fleet::size - 1);
    auto what = static_cast<engine_fault>(pick(0, engine_fault_count - 1));
    auto at = i <= 2 ? milliseconds{0} : when();
    story_ += ' ' + std::to_string(at.count()) + "ms:" + std::string{engine_fleet::name(engine)} +
              '=' + std::string{to_string(what)};
    all.push_back({at, [this, engine, what] {
                     fleet_.set(engine, what);
                     return true;
                   }});
  }
  for (auto i = pick(0, 4); i > 0; --i) all.push_back({when(), [this] { return cancel_one(); }});
  if (pick(0, 9) == 0) {
    all.push_back({when(), [this] { return kill_node(); }});
    story_ += ' ' + std::to_string(all.back().at.count()) + "ms:kill9";
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const action& a, const action& b) { return a.at < b.at; });
  return all;
}

bool engine_fault_lane::run(std::uint64_t seed) {
  seed_ = seed;
  random_.seed(seed);
  jobs_.clear();
  story_.clear();
  killed_ = false;
  has_tenant_ = pick(0, 1) == 0;
  auto begun = std::chrono::steady_clock::now();
  for (const auto& next : make_schedule()) {
    auto due = begun + next.at - std::chrono::steady_clock::now();
    auto pause = std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(due));
    if (auto ended = node_.process().wait(pause)) {
      complain("the node stopped by itself with " + std::to_string(*ended) + ":\n" + node_.log());
      return false;
    }
    if (!next.what()) return false;
  }
  fleet_.heal();
  return finish_seed();
}

bool engine_fault_lane::run_with(std::uint64_t seed, engine_fault what) {
  seed_ = seed;
  random_.seed(seed);
  jobs_.clear();
  story_ = " all small engines " + std::string{to_string(what)};
  has_tenant_ = killed_ = false;
  // The process can only be away.
  for (std::size_t i = 0; i < 3; ++i) fleet_.set(i, what);
  for (unsigned i = 0; i < 12; ++i)
    if (!submit(i)) return false;
  auto ended = true;
  for (auto& job : jobs_) ended = ended && wait_end(job);
  fleet_.heal();
  return ended;
}

}  // namespace tandem::fault
