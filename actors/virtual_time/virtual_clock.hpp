#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include <caf/actor_clock.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/message_id.hpp>

namespace tandem {

/// CAF's clock where time passes only by advance(). What is due at the same time comes in the order
/// in which it was asked for. No threads.
class virtual_clock : public caf::actor_clock {
 public:
  [[nodiscard]] time_point now() const noexcept override { return now_; }
  [[nodiscard]] const time_point* now_ptr() const { return &now_; }

  /// Whether anything is due at some time.
  [[nodiscard]] bool has_next() const { return !heap_.empty(); }
  [[nodiscard]] time_point next() const { return heap_.front().due; }
  /// Goes to the time of what is due next, and sends all that is due then.
  void advance();
  /// Goes there without sending anything: nothing may be due before.
  void set(time_point t) { now_ = t; }

  void set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                            std::uint64_t id) override;
  void set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                         std::uint64_t id) override;
  void set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) override;
  /// A receive timeout that is not wanted any more has an old id: its actor drops it.
  void cancel_ordinary_timeout(caf::abstract_actor*, caf::atom_value) override {}
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override;
  /// What comes for an actor that is gone reaches nobody.
  void cancel_timeouts(caf::abstract_actor*) override {}
  void schedule_message(time_point t, caf::strong_actor_ptr receiver,
                        caf::mailbox_element_ptr content) override;
  void schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender,
                        caf::message content) override;
  void cancel_all() override;

 private:
  struct entry {
    caf::strong_actor_ptr receiver;
    caf::mailbox_element_ptr content;
    /// A request's timeout; else 0.
    std::uint64_t request = 0;
  };
  struct due_entry {
    time_point due;
    std::uint64_t number;
    std::uint32_t place;

    /// For a heap whose front is the first.
    bool operator<(const due_entry& other) const {
      return due != other.due ? due > other.due : number > other.number;
    }
  };

  void add(time_point t, entry what);

  /// Virtual time begins where no time point is the default one.
  time_point now_{std::chrono::hours{1}};
  std::uint64_t next_number_ = 0;
  std::vector<due_entry> heap_;
  std::vector<entry> entries_;
  std::vector<std::uint32_t> free_;
  /// Of requests with a timeout that have not been answered.
  std::unordered_set<std::uint64_t> awaited_;
};

}  // namespace tandem
