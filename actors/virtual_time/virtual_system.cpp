#include "actors/virtual_time/virtual_system.hpp"

#include <utility>

#include <caf/actor_cast.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/mailbox_element.hpp>

#include "actors/clock.hpp"

namespace tandem {

virtual_system::virtual_system() : config_{std::make_unique<caf::actor_system_config>()} {
  virtual_scheduler::install(*config_);
  system_ = std::make_unique<caf::actor_system>(*config_);
  scheduler_ = &virtual_scheduler::of(*system_);
  virtual_now = scheduler_->clock().now_ptr();
}

virtual_system::~virtual_system() {
  scheduler_->run_ready();
  system_.reset();
  virtual_now = nullptr;
}

void virtual_system::send_at(time_point t, const caf::actor& to, caf::message what) {
  scheduler_->clock().schedule_message(
      t, caf::actor_cast<caf::strong_actor_ptr>(to),
      caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(what)));
}

bool virtual_system::step() {
  scheduler_->run_ready();
  auto& clock = scheduler_->clock();
  if (!clock.has_next()) return false;
  clock.advance();
  return true;
}

void virtual_system::run_until(time_point t) {
  auto& clock = scheduler_->clock();
  scheduler_->run_ready();
  while (clock.has_next() && clock.next() <= t) {
    clock.advance();
    scheduler_->run_ready();
  }
  clock.set(std::max(clock.now(), t));
}

}  // namespace tandem
