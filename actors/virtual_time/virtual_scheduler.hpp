#pragma once

#include <cstddef>
#include <deque>

#include <caf/actor_system_config.hpp>
#include <caf/execution_unit.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include "actors/virtual_time/virtual_clock.hpp"

namespace tandem {

/// CAF's scheduler on one thread: whoever calls run_ready() runs the actors, first come first
/// served, so that the same messages give the same run.
class virtual_scheduler : public caf::scheduler::abstract_coordinator {
 public:
  explicit virtual_scheduler(caf::actor_system& system);

  /// Actor systems that are made from `config` have this scheduler.
  static void install(caf::actor_system_config& config);
  /// Of a system that was made so.
  [[nodiscard]] static virtual_scheduler& of(caf::actor_system& system);

  /// Until nobody has a message; returns how many turns that took.
  std::size_t run_ready();

  void enqueue(caf::resumable* actor) override { ready_.push_back(actor); }
  [[nodiscard]] bool detaches_utility_actors() const override { return false; }
  [[nodiscard]] virtual_clock& clock() noexcept override { return clock_; }

 protected:
  void start() override;
  void stop() override;

 private:
  class worker : public caf::execution_unit {
   public:
    explicit worker(virtual_scheduler* of) : execution_unit{&of->system()}, of_{of} {}
    void exec_later(caf::resumable* actor) override { of_->enqueue(actor); }

   private:
    virtual_scheduler* of_;
  };

  std::deque<caf::resumable*> ready_;
  worker worker_;
  virtual_clock clock_;
};

}  // namespace tandem
