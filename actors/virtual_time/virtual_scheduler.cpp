#include "actors/virtual_time/virtual_scheduler.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/make_actor.hpp>

namespace tandem {
namespace {

/// Messages that an actor takes in one turn.
constexpr std::size_t turn_messages = 64;

/// For aout(), which nothing here uses.
class mute_printer : public caf::event_based_actor {
 public:
  explicit mute_printer(caf::actor_config& config) : event_based_actor{config} {}
  caf::behavior make_behavior() override {
    return {[](caf::unit_t) {}};
  }
};

}  // namespace

virtual_scheduler::virtual_scheduler(caf::actor_system& system)
    : abstract_coordinator{system}, worker_{this} {}

void virtual_scheduler::install(caf::actor_system_config& config) {
  config.module_factories.push_back([](caf::actor_system& system) -> caf::actor_system::module* {
    return new virtual_scheduler{system};
  });
}

virtual_scheduler& virtual_scheduler::of(caf::actor_system& system) {
  return static_cast<virtual_scheduler&>(system.scheduler());
}

void virtual_scheduler::start() {
  caf::actor_config config{&worker_};
  utility_actors_[printer_id] = caf::make_actor<mute_printer, caf::actor>(
      system().next_actor_id(), system().node(), &system(), config);
}

void virtual_scheduler::stop() {
  run_ready();
  clock_.cancel_all();
  run_ready();
  // It ends through this scheduler: not after it.
  utility_actors_[printer_id] = nullptr;
}

std::size_t virtual_scheduler::run_ready() {
  std::size_t turns = 0;
  for (; !ready_.empty(); ++turns) {
    auto* actor = ready_.front();
    ready_.pop_front();
    switch (actor->resume(&worker_, turn_messages)) {
      case caf::resumable::resume_later:
        ready_.push_back(actor);
        break;
      case caf::resumable::done:
      case caf::resumable::awaiting_message:
        intrusive_ptr_release(actor);
        break;
      case caf::resumable::shutdown_execution_unit:
        break;
    }
  }
  return turns;
}

}  // namespace tandem
