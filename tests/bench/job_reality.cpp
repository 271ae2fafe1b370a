// Whether a simulation tells the truth of whole jobs: a node with one real engine, calibrated by
// itself, gets jobs of tests/data/tasks.jsonl at three loads; what `tandem jobs export` says of
// them is then simulated, with the engine's profile.
//   bench_job_reality [--config FILE] [--engine NAME] [--seconds N] [--load-seconds N]
//   bench_job_reality --url URL [--concurrency N] ...
//   bench_job_reality --sim MS ...: the engine is simulated in both, so that the node is compared
// See reality.hpp. A goal of issue 9: mean and p95 of the latency within 15%.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <future>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include <simdjson.h>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>

#include "nodes/cli/job_export.hpp"
#include "nodes/simulate/job_row.hpp"
#include "nodes/simulate/simulation.hpp"
#include "schema/errc.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/reality.hpp"
#include "tests/bench/task_runner.hpp"

namespace tandem::bench {
namespace {

using clock = std::chrono::steady_clock;

/// Sent at once, to see what the engine can bear.
constexpr std::size_t crowd = 64;

struct served_job {
  double at_s = 0;
  std::string question;
  double took_ms = 0;
  /// As it is exported.
  std::string row;
};

struct turn_of_jobs {
  planner_actor planner;
  std::vector<served_job> jobs;
  std::vector<clock::time_point> sent;
  std::size_t open = 0;
  std::promise<void> finished;
};

/// What came from the prefix cache was not read: the simulated prompts have no beginning in common.
std::string exported(schema::JobView::Reader view) {
  message_builder<schema::JobView> out;
  out.copy(view);
  for (auto attempt : out->getAttempts()) {
    auto usage = attempt.getUsage();
    usage.setPromptTokens(usage.getPromptTokens() - usage.getCachedPromptTokens());
    usage.setCachedPromptTokens(0);
  }
  return cli::write_job_line(out->asReader());
}

void end_job(caf::event_based_actor* self, turn_of_jobs& turn) {
  if (--turn.open != 0) return;
  turn.planner = nullptr;
  turn.finished.set_value();
  self->quit();
}

void send_job(caf::event_based_actor* self, const std::shared_ptr<turn_of_jobs>& turn,
              std::size_t place) {
  auto fail = [](const caf::error& why) { give_up(message_of(why)); };
  turn->sent[place] = clock::now();
  self->request(turn->planner, caf::infinite, submit_atom_v,
                make_submit(turn->jobs[place].question))
      .then(
          [self, turn, place, fail](const tmsg::submitd& reply) {
            message_builder<schema::JobRef> ref;
            ref->setJob(reply.read()->getJob());
            auto job = ref.finish();
            self->request(turn->planner, caf::infinite, wait_atom_v, job)
                .then(
                    [self, turn, place, job, fail](const tmsg::jobsum&) {
                      turn->jobs[place].took_ms = std::chrono::duration<double, std::milli>(
                                                      clock::now() - turn->sent[place])
                                                      .count();
                      self->request(turn->planner, caf::infinite, view_atom_v, job)
                          .then(
                              [self, turn, place](const tmsg::jobview& view) {
                                turn->jobs[place].row = exported(*view.read());
                                end_job(self, *turn);
                              },
                              fail);
                    },
                    fail);
          },
          fail);
}

/// To the end of the last one.
std::vector<served_job> serve(node& at, std::vector<served_job> jobs) {
  auto turn = std::make_shared<turn_of_jobs>();
  turn->planner = at.planner();
  turn->open = jobs.size();
  turn->sent.resize(jobs.size());
  turn->jobs = std::move(jobs);
  auto finished = turn->finished.get_future();
  at.system().spawn([turn](caf::event_based_actor* self) -> caf::behavior {
    for (std::size_t i = 0; i < turn->jobs.size(); ++i)
      self->delayed_send(self, std::chrono::microseconds{std::llround(turn->jobs[i].at_s * 1e6)},
                         wake_atom_v, static_cast<std::uint64_t>(i));
    return {[self, turn](wake_atom, std::uint64_t place) { send_job(self, turn, place); }};
  });
  finished.wait();
  return std::move(turn->jobs);
}

class listed_work : public tandem::simulation::work_source {
 public:
  explicit listed_work(std::vector<tandem::simulation::work_item> items)
      : items_{std::move(items)} {}
  caf::expected<bool> next(tandem::simulation::work_item& out) override {
    if (next_ == items_.size()) return false;
    out = items_[next_++];
    return true;
  }
  void rewind() override { next_ = 0; }

 private:
  std::vector<tandem::simulation::work_item> items_;
  std::size_t next_ = 0;
};

/// The jobs' milliseconds.
std::vector<double> simulate(const std::vector<served_job>& jobs, node_config config,
                             const sim_config& sim) {
  std::vector<tandem::simulation::work_item> items;
  simdjson::dom::parser parser;
  for (const auto& job : jobs) {
    tandem::simulation::work_item item;
    std::string problem;
    auto read = read_job_row(parser, job.row, "small", item, problem);
    if (read != tandem::simulation::row_read::ok) give_up("a job's row " + problem);
    // Not in whole milliseconds, as the export has them.
    item.at_s = job.at_s;
    items.push_back(std::move(item));
  }
  auto& engine = config.engines.front();
  engine.kind = "sim";
  engine.sim = sim;
  listed_work work{std::move(items)};
  auto result = tandem::simulation::run({.config = std::move(config)}, work);
  if (!result) give_up(message_of(result.error()));
  std::vector<double> out;
  for (auto seconds : result->job_s.all()) out.push_back(seconds * 1e3);
  return out;
}

node_config config_of(const reality_settings& with, const std::filesystem::path& data) {
  auto config = with.config;
  config.data = data;
  config.http.listen.clear();
  config.journal.durability = storage::durability::os;
  config.executor.cache.tiers.clear();
  std::erase_if(config.models, [&](const auto& model) { return model.name != with.engine.model; });
  config.engines = {with.engine};
  config.resolve();
  return config;
}

int run(const reality_settings& with) {
  temp_folder folder{"job-reality"};
  auto config = config_of(with, folder.path());
  auto tasks = read_tasks(TANDEM_SOURCE_DIR "/tests/data/tasks.jsonl");
  std::optional<calibration_turns> calibrated;
  if (with.engine.kind != "sim") calibrated.emplace(with);
  auto node = start_node(config);
  std::mt19937_64 random{7};
  auto make_jobs = [&](std::size_t most, double seconds, double gap_s) {
    std::vector<served_job> jobs;
    for (double at = 0; jobs.size() < most && at <= seconds;) {
      jobs.push_back({.at_s = at, .question = tasks[random() % tasks.size()].question});
      at += gap_s * std::exponential_distribution<>{}(random);
    }
    return jobs;
  };
  serve(*node, make_jobs(8, 0, 0));
  auto begin = clock::now();
  serve(*node, make_jobs(crowd, 0, 0));
  auto each_s = std::chrono::duration<double>(clock::now() - begin).count() / crowd;
  std::vector<std::vector<std::vector<served_job>>> served(reality_loads.size());
  for (std::size_t turn = 0; turn < reality_turns; ++turn)
    for (std::size_t i = 0; i < reality_loads.size(); ++i) {
      if (calibrated) calibrated->measure();
      served[i].push_back(serve(*node, make_jobs(SIZE_MAX, with.load_seconds / reality_turns,
                                                 each_s / reality_loads[i])));
    }
  if (calibrated) calibrated->measure();
  node->stop();
  if (calibrated) calibrated->fit();
  print_reality_head(calibrated ? &*calibrated : nullptr, "jobs");
  report result{.bench = "job_reality", .figures = {}, .goal = reality_goal, .ok = true};
  for (std::size_t i = 0; i < reality_loads.size(); ++i) {
    std::vector<double> measured;
    std::vector<double> simulated;
    for (std::size_t turn = 0; turn < reality_turns; ++turn) {
      for (const auto& job : served[i][turn]) measured.push_back(job.took_ms);
      auto sim = calibrated ? calibrated->at(turn * reality_loads.size() + i) : with.engine.sim;
      for (auto ms : simulate(served[i][turn], config, sim)) simulated.push_back(ms);
    }
    add_reality(reality_loads[i], std::move(measured), std::move(simulated), result);
  }
  result.ok = result.ratio <= reality_goal;
  std::printf("\n");
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  auto with = tandem::bench::read_reality_settings(argc, argv);
  // The tiny planner's plans, and prompts of a line.
  with.prompt_tokens_max = 48;
  with.answer_tokens_max = 48;
  return tandem::bench::run(with);
}
