// The 300 held-out tasks on the embedded models, end to end: planned by the large model and acted
// by the small one, planned and acted by the large one, and answered in one go by either. Prints
// the table of the README.

#include <cstdio>
#include <fstream>
#include <future>
#include <map>

#include <simdjson.h>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>

#include "config/load.hpp"
#include "tests/bench/bench.hpp"

namespace tandem::bench {
namespace {

constexpr std::uint32_t in_flight = 8;

struct task {
  int operations = 0;
  std::string question;
  std::string answer;
};

struct outcome_of_task {
  bool right = false;
  std::int64_t cost_nanousd = 0;
  std::int64_t cost_all_large_nanousd = 0;
};

std::vector<task> read_tasks() {
  std::vector<task> tasks;
  std::ifstream in{TANDEM_SOURCE_DIR "/tests/data/tasks.jsonl"};
  simdjson::dom::parser parser;
  for (std::string line; std::getline(in, line);) {
    auto json = parser.parse(line);
    tasks.push_back({static_cast<int>(json["n"].get_int64()),
                     std::string{json["question"].get_string().value()},
                     std::string{json["answer"].get_string().value()}});
  }
  return tasks;
}

struct asker {
  planner_actor planner;
  schema::PlanMode mode = schema::PlanMode::UNKNOWN;
  std::vector<task> tasks;
  std::size_t next = 0;
  std::size_t ended = 0;
  std::vector<outcome_of_task> outcomes;
  std::promise<void> finished;
};

void ask_next(caf::event_based_actor* self, const std::shared_ptr<asker>& state) {
  if (state->next == state->tasks.size()) return;
  auto place = state->next++;
  message_builder<schema::Submit> submit;
  auto message = submit->initMessages(1)[0];
  message.setRole(schema::Role::USER);
  message.setContent(state->tasks[place].question);
  submit->setMode(state->mode);
  auto end = [=] {
    if (++state->ended == state->tasks.size()) {
      state->finished.set_value();
      self->quit();
    } else {
      ask_next(self, state);
    }
  };
  self->request(state->planner, caf::infinite, submit_atom_v, submit.finish())
      .then(
          [=](const tmsg::submitd& reply) {
            message_builder<schema::JobRef> ref;
            ref->setJob(reply.read()->getJob());
            self->request(state->planner, caf::infinite, wait_atom_v, ref.finish())
                .then(
                    [=](const tmsg::jobsum& summary) {
                      auto reader = summary.read();
                      auto usage = reader->getUsage();
                      state->outcomes[place] = {
                          reader->getState() == schema::JobState::DONE &&
                              reader->getAnswer() ==
                                  capnp::Text::Reader{state->tasks[place].answer.c_str()},
                          usage.getCostNanousd(), usage.getCostAllLargeNanousd()};
                      end();
                    },
                    [=](const caf::error&) { end(); });
          },
          [=](const caf::error&) { end(); });
}

std::vector<outcome_of_task> ask_all(const std::vector<task>& tasks, schema::PlanMode mode,
                                     const char* policy) {
  temp_folder folder{"tasks"};
  auto config = load_config(TANDEM_SOURCE_DIR "/config/embedded.toml");
  if (!config) {
    std::fprintf(stderr, "bench: %s\n", message_of(config.error()).c_str());
    std::exit(2);
  }
  config->data = folder.path();
  config->routing.policy = policy;
  config->journal.durability = storage::durability::os;
  config->resolve();
  auto node = start_node(*config);
  auto state = std::make_shared<asker>();
  state->planner = node->planner();
  state->mode = mode;
  state->tasks = tasks;
  state->outcomes.resize(tasks.size());
  auto finished = state->finished.get_future();
  node->system().spawn([state](caf::event_based_actor* self) -> caf::behavior {
    for (std::uint32_t i = 0; i < in_flight; ++i) ask_next(self, state);
    return {[](caf::unit_t) {}};
  });
  finished.wait();
  state->planner = nullptr;
  node->stop();
  return state->outcomes;
}

int run() {
  auto tasks = read_tasks();
  struct way {
    const char* name;
    schema::PlanMode mode;
    const char* policy;
    std::vector<outcome_of_task> outcomes;
  };
  std::vector<way> ways{{"plan/act", schema::PlanMode::PLAN_ACT, "cheapest", {}},
                        {"large plans and acts", schema::PlanMode::PLAN_ACT, "large_only", {}},
                        {"large alone", schema::PlanMode::LARGE, "cheapest", {}},
                        {"small alone", schema::PlanMode::SMALL, "cheapest", {}}};
  for (auto& w : ways) w.outcomes = ask_all(tasks, w.mode, w.policy);
  auto share = [&](const way& w, int operations) {
    double right = 0;
    double count = 0;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      if (operations != 0 && tasks[i].operations != operations) continue;
      right += w.outcomes[i].right ? 1 : 0;
      ++count;
    }
    return std::pair{right / count, count};
  };
  std::printf("| operations | tasks |");
  for (const auto& w : ways) std::printf(" %s |", w.name);
  std::printf("\n|---|---|---|---|---|---|\n");
  for (int operations : {1, 2, 3, 4, 5, 0}) {
    std::printf("| %s | %.0f |", operations == 0 ? "all" : std::to_string(operations).c_str(),
                share(ways[0], operations).second);
    for (const auto& w : ways) std::printf(" %.3f |", share(w, operations).first);
    std::printf("\n");
  }
  std::printf("| cost per task, 1e-6 $ | |");
  report result{.bench = "tasks"};
  for (const auto& w : ways) {
    double cost = 0;
    for (const auto& o : w.outcomes) cost += static_cast<double>(o.cost_nanousd) / 1e3;
    std::printf(" %.0f |", cost / static_cast<double>(tasks.size()));
  }
  std::printf("\n\n");
  result.figures = {{"plan_act", share(ways[0], 0).first},
                    {"large_acts", share(ways[1], 0).first},
                    {"large_alone", share(ways[2], 0).first},
                    {"small_alone", share(ways[3], 0).first}};
  result.ratio = result.figures["plan_act"] / result.figures["large_alone"];
  result.goal = goal("tasks", "plan_act_min");
  result.ok = result.figures["plan_act"] >= result.goal;
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main() {
  return tandem::bench::run();
}
