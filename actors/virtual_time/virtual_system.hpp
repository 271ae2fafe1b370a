#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include <caf/actor_system.hpp>

#include "actors/virtual_time/virtual_scheduler.hpp"

namespace tandem {

/// An actor system in virtual time, run by the thread that made it; one a thread at a time. Before
/// it goes, all its actors must have been told to quit: it runs until they have.
class virtual_system {
 public:
  using time_point = virtual_clock::time_point;

  virtual_system();
  ~virtual_system();
  virtual_system(const virtual_system&) = delete;
  virtual_system& operator=(const virtual_system&) = delete;

  [[nodiscard]] caf::actor_system& actors() { return *system_; }
  [[nodiscard]] time_point now() const { return scheduler_->clock().now(); }

  /// From nobody; at once where `t` is past.
  void send_at(time_point t, const caf::actor& to, caf::message what);

  /// All that is to be done now, then time goes to what is due next. False: nothing ever will be.
  bool step();
  /// Until `t`, or until nothing is left to do.
  void run_until(time_point t);

 private:
  std::unique_ptr<caf::actor_system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  virtual_scheduler* scheduler_;
};

}  // namespace tandem
