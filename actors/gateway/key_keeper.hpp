#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/gateway/gateway_actor.hpp"
#include "actors/gateway/keys/key_office.hpp"
#include "actors/mesh/mesh_actor.hpp"

namespace tandem {

/// One a node with a gateway, detached since it waits for the disk: keeps the API keys, and tells
/// the keepers of other nodes of them.
using key_keeper_inside = gateway_actor::extend_with<member_listener>::extend<
    // To itself: the counters are to be saved.
    caf::reacts_to<save_atom>>;

struct key_keeper_state {
  static constexpr const char* name = "keys";
  using pointer = key_keeper_inside::stateful_pointer<key_keeper_state>;

  std::shared_ptr<key_office> office;
  /// By the incarnations of their nodes.
  std::unordered_map<std::uint64_t, gateway_actor> others;
  std::uint64_t handled = 0;

  key_keeper_state() = default;
  key_keeper_state(const key_keeper_state&) = delete;
  key_keeper_state& operator=(const key_keeper_state&) = delete;
  ~key_keeper_state();

  void tell(pointer self, const gateway_actor& to, const std::vector<tmsg::keynews>& news) const;
  void tell_all(pointer self);
};

[[nodiscard]] key_keeper_inside::behavior_type key_keeper_behavior(
    key_keeper_state::pointer self, std::shared_ptr<key_office> office);

}  // namespace tandem
