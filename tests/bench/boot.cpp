// A node with 100,000 finished jobs in its journal: how long until it is ready, how much memory
// that takes against an empty journal, and what it uses at rest. The node is the real program in a
// process of its own.

#include <cstdio>
#include <cstring>
#include <fstream>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "actors/clock.hpp"
#include "actors/job/job_state.hpp"
#include "actors/job/job_view.hpp"
#include "storage/journal.hpp"
#include "tests/bench/bench.hpp"

namespace tandem::bench {
namespace {

constexpr std::uint64_t finished_jobs = 100'000;
/// Before the node counts as at rest.
constexpr std::chrono::seconds settle{2};
constexpr std::chrono::seconds rest{10};

constexpr const char* config_text = R"([node]
name = "boot"
roles = ["planner", "executor"]
[[model]]
name = "l"
tier = "large"
[[model]]
name = "s"
tier = "small"
[[engine]]
name = "l1"
kind = "sim"
model = "l"
[[engine]]
name = "s1"
kind = "sim"
model = "s"
)";

/// The records of one finished job of 8 steps, as a node writes them.
std::vector<job_record> finished_job() {
  std::vector<job_record> records;
  auto add = [&](auto fill) {
    message_builder<schema::JobRecord> record;
    record->setAtMs(unix_ms());
    fill(*record);
    records.push_back(record.finish());
  };
  add([](schema::JobRecord::Builder r) {
    auto submitted = r.initSubmitted();
    submitted.setMode(schema::PlanMode::PLAN_ACT);
    auto message = submitted.initMessages(1)[0];
    message.setRole(schema::Role::USER);
    message.setContent("a goal of some thirty bytes");
  });
  add([](schema::JobRecord::Builder r) {
    auto steps = r.initStepsPlanned(8);
    for (unsigned i = 0; i < 8; ++i) {
      steps[i].setStep(i + 1);
      steps[i].setEpoch(1);
      steps[i].setPrompt("do a small thing");
    }
  });
  add([](schema::JobRecord::Builder r) {
    r.initPlanComplete().setEpoch(1);
    r.getPlanComplete().setAnswerStep(8);
  });
  for (unsigned i = 1; i <= 8; ++i) {
    add([i](schema::JobRecord::Builder r) {
      auto done = r.initStepDone();
      done.initAttempt().setStep(i);
      done.getAttempt().setModel("s");
      done.setResult("the result of a small thing");
    });
  }
  add([](schema::JobRecord::Builder r) { r.initEnded().setState(schema::JobState::DONE); });
  return records;
}

bool fill(const std::filesystem::path& folder) {
  storage::journal_options options;
  options.folder = folder / "journal";
  auto store = storage::journal::open(options);
  if (!store) return false;
  auto records = finished_job();
  for (std::uint64_t job = 1; job <= finished_jobs;) {
    storage::journal_batch batch;
    for (int k = 0; k < 500 && job <= finished_jobs; ++k, ++job) {
      job_state state{job_id{(*store)->id(), job}, {}};
      std::uint32_t number = 1;
      for (const auto& record : records) {
        batch.put_record(job, number, record.bytes());
        if (state.apply(number++, record)) return false;
      }
      batch.put_summary(job, make_summary(state).bytes());
      batch.close_job(job);
    }
    const storage::journal_batch* all[] = {&batch};
    if ((*store)->commit(all, storage::durability::os)) return false;
  }
  return true;
}

struct measured {
  double ready_s = -1;
  double resident_mb = 0;
  double rest_cpu_percent = 0;
};

double resident_mb(pid_t pid) {
  std::ifstream statm{"/proc/" + std::to_string(pid) + "/statm"};
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

double process_cpu(pid_t pid) {
  std::ifstream stat{"/proc/" + std::to_string(pid) + "/stat"};
  std::string field;
  for (int i = 1; i <= 13; ++i) stat >> field;
  double user = 0;
  double system = 0;
  stat >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

measured start(const std::filesystem::path& data, const std::filesystem::path& config) {
  int out[2];
  if (::pipe(out) != 0) return {};
  auto begin = std::chrono::steady_clock::now();
  auto pid = ::fork();
  if (pid == 0) {
    ::dup2(out[1], 1);
    ::close(out[0]);
    auto program = std::string{TANDEM_BIN_DIR "/tandem-node"};
    ::execl(program.c_str(), program.c_str(), "--config", config.c_str(), "--data", data.c_str(),
            "--listen", "127.0.0.1:0", nullptr);
    std::_Exit(127);
  }
  ::close(out[1]);
  measured result;
  char line[256] = {};
  if (::read(out[0], line, sizeof line - 1) > 0 && std::strstr(line, "ready") != nullptr) {
    result.ready_s = seconds_since(begin);
    std::this_thread::sleep_for(settle);
    auto before = process_cpu(pid);
    std::this_thread::sleep_for(rest);
    result.rest_cpu_percent = 100 * (process_cpu(pid) - before) / static_cast<double>(rest.count());
    result.resident_mb = resident_mb(pid);
  }
  ::kill(pid, SIGTERM);
  ::waitpid(pid, nullptr, 0);
  ::close(out[0]);
  return result;
}

int run() {
  temp_folder folder{"boot"};
  auto config = folder.path() / "boot.toml";
  std::ofstream{config} << config_text;
  std::filesystem::create_directories(folder.path() / "full");
  if (!fill(folder.path() / "full")) return 2;
  auto empty = start(folder.path() / "empty", config);
  auto full = start(folder.path() / "full", config);
  if (empty.ready_s < 0 || full.ready_s < 0) return 2;
  report result{.bench = "boot"};
  result.figures = {{"finished_jobs", static_cast<double>(finished_jobs)},
                    {"ready_s", full.ready_s},
                    {"ready_empty_s", empty.ready_s},
                    {"rest_resident_mb", full.resident_mb},
                    {"rest_resident_empty_mb", empty.resident_mb},
                    {"rest_cpu_percent", full.rest_cpu_percent}};
  result.ratio = full.ready_s / empty.ready_s;
  result.goal = goal("boot", "ready_s_max");
  result.ok = full.ready_s < result.goal &&
              full.resident_mb < goal("boot", "rest_resident_mb_max") &&
              full.rest_cpu_percent < goal("boot", "rest_cpu_percent_max");
  std::printf(
      "ready after %.2f s with %.0f finished jobs, %.2f s with none; at rest %.0f MB and %.2f%% "
      "CPU\n",
      full.ready_s, static_cast<double>(finished_jobs), empty.ready_s, full.resident_mb,
      full.rest_cpu_percent);
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main() {
  return tandem::bench::run();
}
