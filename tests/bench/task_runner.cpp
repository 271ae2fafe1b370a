#include "tests/bench/task_runner.hpp"

#include <cstdio>
#include <fstream>
#include <future>
#include <memory>

#include <simdjson.h>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>

#include "config/load.hpp"
#include "tests/bench/bench.hpp"

namespace tandem::bench {
namespace {

constexpr std::uint32_t in_flight = 8;

struct asker {
  planner_actor planner;
  schema::PlanMode mode = schema::PlanMode::UNKNOWN;
  std::vector<task> tasks;
  std::size_t next = 0;
  std::size_t ended = 0;
  std::vector<outcome_of_task> outcomes;
  std::promise<void> finished;
};

outcome_of_task outcome_in(schema::JobView::Reader view, const std::string& answer) {
  auto summary = view.getSummary();
  auto usage = summary.getUsage();
  outcome_of_task outcome{.right = summary.getState() == schema::JobState::DONE &&
                                   summary.getAnswer() == capnp::Text::Reader{answer.c_str()},
                          .cost_nanousd = usage.getCostNanousd(),
                          .cost_all_large_nanousd = usage.getCostAllLargeNanousd(),
                          .large = {},
                          .small = {}};
  for (auto attempt : view.getAttempts()) {
    auto& tokens = attempt.getTier() == "large" ? outcome.large : outcome.small;
    tokens.prompt += attempt.getUsage().getPromptTokens();
    tokens.completion += attempt.getUsage().getCompletionTokens();
  }
  return outcome;
}

void ask_next(caf::event_based_actor* self, const std::shared_ptr<asker>& state);

void ask_view(caf::event_based_actor* self, const std::shared_ptr<asker>& state, std::size_t place,
              schema::JobRef::Reader job) {
  auto end = [self, state] {
    if (++state->ended == state->tasks.size()) {
      state->finished.set_value();
      self->quit();
    } else {
      ask_next(self, state);
    }
  };
  message_builder<schema::JobRef> ref;
  ref->setJob(job.getJob());
  self->request(state->planner, caf::infinite, view_atom_v, ref.finish())
      .then(
          [state, place, end](const tmsg::jobview& view) {
            state->outcomes[place] = outcome_in(*view.read(), state->tasks[place].answer);
            end();
          },
          [end](const caf::error&) { end(); });
}

void ask_next(caf::event_based_actor* self, const std::shared_ptr<asker>& state) {
  if (state->next == state->tasks.size()) return;
  auto place = state->next++;
  message_builder<schema::Submit> submit;
  auto message = submit->initMessages(1)[0];
  message.setRole(schema::Role::USER);
  message.setContent(state->tasks[place].question);
  submit->setMode(state->mode);
  auto give_up = [](const caf::error& why) {
    std::fprintf(stderr, "bench: %s\n", message_of(why).c_str());
    std::exit(2);
  };
  self->request(state->planner, caf::infinite, submit_atom_v, submit.finish())
      .then(
          [self, state, place, give_up](const tmsg::submitd& reply) {
            message_builder<schema::JobRef> ref;
            ref->setJob(reply.read()->getJob());
            auto job = ref.finish();
            self->request(state->planner, caf::infinite, wait_atom_v, job)
                .then([self, state, place,
                       job](const tmsg::jobsum&) { ask_view(self, state, place, *job.read()); },
                      give_up);
          },
          give_up);
}

}  // namespace

std::vector<task> read_tasks(const std::filesystem::path& file) {
  std::vector<task> tasks;
  std::ifstream in{file};
  if (!in) {
    std::fprintf(stderr, "bench: cannot read %s\n", file.c_str());
    std::exit(2);
  }
  simdjson::dom::parser parser;
  for (std::string line; std::getline(in, line);) {
    auto json = parser.parse(line);
    tasks.push_back({static_cast<int>(json["n"].get_int64()),
                     std::string{json["question"].get_string().value()},
                     std::string{json["answer"].get_string().value()}});
  }
  return tasks;
}

std::vector<outcome_of_task> ask_all(const std::vector<task>& tasks, schema::PlanMode mode,
                                     std::string_view policy) {
  temp_folder folder{"tasks"};
  auto config = load_config(TANDEM_SOURCE_DIR "/config/embedded.toml");
  if (!config) {
    std::fprintf(stderr, "bench: %s\n", message_of(config.error()).c_str());
    std::exit(2);
  }
  config->data = folder.path();
  config->http.listen.clear();
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

}  // namespace tandem::bench
