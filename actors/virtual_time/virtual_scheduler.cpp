#include "actors/virtual_time/virtual_scheduler.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/execution_unit.hpp>
#include <caf/make_actor.hpp>

namespace tandem {
namespace {

/// Messages that an actor takes in one turn.
constexpr std::size_t turn_messages = 64;

class worker : public caf::execution_unit {
 public:
  explicit worker(virtual_scheduler* of) : execution_unit{&of->system()}, of_{of} {}
  void exec_later(caf::resumable* actor) override { of_->enqueue(actor); }

 private:
  virtual_scheduler* of_;
};

/// For aout(), which nothing here uses.
class mute_printer : public caf::event_based_actor {
 public:
  explicit mute_printer(caf::actor_config& config) : event_based_actor{config} {}
  caf::behavior make_behavior() override {
    return {[](caf::unit_t) {}};
  }
};

}  // namespace

void virtual_scheduler::install(caf::actor_system_config& config) {
  config.module_factories.push_back([](caf::actor_system& system) -> caf::actor_system::module* {
    return new virtual_scheduler{system};
  });
}

virtual_scheduler& virtual_scheduler::of(caf::actor_system& system) {
  return static_cast<virtual_scheduler&>(system.scheduler());
}

void virtual_scheduler::start() {
  worker unit{this};
  caf::actor_config config{&unit};
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
  worker unit{this};
  std::size_t turns = 0;
  for (; !ready_.empty(); ++turns) {
    auto* actor = ready_.front();
    ready_.pop_front();
    switch (actor->resume(&unit, turn_messages)) {
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
