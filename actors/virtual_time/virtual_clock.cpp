#include "actors/virtual_time/virtual_clock.hpp"

#include <algorithm>

#include <caf/actor_cast.hpp>
#include <caf/error.hpp>
#include <caf/group.hpp>
#include <caf/sec.hpp>
#include <caf/system_messages.hpp>

namespace tandem {
namespace {

/// Request numbers are unique within one actor.
std::uint64_t request_key(caf::actor_id actor, caf::message_id id) {
  return (actor * 0x9E37'79B9'7F4A'7C15ull) ^ id.integer_value();
}

caf::strong_actor_ptr handle_of(caf::abstract_actor* actor) {
  return caf::actor_cast<caf::strong_actor_ptr>(actor);
}

}  // namespace

void virtual_clock::add(time_point t, entry what) {
  std::uint32_t place = 0;
  if (free_.empty()) {
    place = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back(std::move(what));
  } else {
    place = free_.back();
    free_.pop_back();
    entries_[place] = std::move(what);
  }
  heap_.push_back({std::max(t, now_), next_number_++, place});
  std::push_heap(heap_.begin(), heap_.end());
}

void virtual_clock::advance() {
  now_ = std::max(now_, next());
  while (!heap_.empty() && heap_.front().due <= now_) {
    std::pop_heap(heap_.begin(), heap_.end());
    auto place = heap_.back().place;
    heap_.pop_back();
    auto what = std::move(entries_[place]);
    entries_[place] = {};
    free_.push_back(place);
    if (what.request != 0 && awaited_.erase(what.request) == 0) continue;
    auto* receiver = what.receiver->get();
    receiver->enqueue(std::move(what.content), nullptr);
  }
}

void virtual_clock::set_ordinary_timeout(time_point t, caf::abstract_actor* self,
                                         caf::atom_value type, std::uint64_t id) {
  add(t, {handle_of(self), caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                                     caf::timeout_msg{type, id})});
}

void virtual_clock::set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                                      std::uint64_t id) {
  set_ordinary_timeout(t, self, type, id);
}

void virtual_clock::set_request_timeout(time_point t, caf::abstract_actor* self,
                                        caf::message_id id) {
  auto key = request_key(self->id(), id);
  awaited_.insert(key);
  add(t, {handle_of(self),
          caf::make_mailbox_element(nullptr, id, {}, caf::make_error(caf::sec::request_timeout)),
          key});
}

void virtual_clock::cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) {
  awaited_.erase(request_key(self->id(), id));
}

void virtual_clock::schedule_message(time_point t, caf::strong_actor_ptr receiver,
                                     caf::mailbox_element_ptr content) {
  add(t, {std::move(receiver), std::move(content)});
}

void virtual_clock::schedule_message(time_point, caf::group, caf::strong_actor_ptr, caf::message) {
  // Nothing here speaks to groups.
}

void virtual_clock::cancel_all() {
  heap_.clear();
  entries_.clear();
  free_.clear();
  awaited_.clear();
}

}  // namespace tandem
