#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <unordered_map>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/executor_pool/executor_pool_actor.hpp"
#include "actors/executor_pool/executor_pool_config.hpp"
#include "actors/fence.hpp"
#include "actors/router/router_actor.hpp"
#include "actors/waiting_line.hpp"

namespace tandem {

using executor_pool_inside = executor_pool_actor::extend<
    // The router was started anew.
    caf::reacts_to<wire_atom, router_actor>>;

struct executor_pool_state {
  static constexpr const char* name = "executor_pool";
  using pointer = executor_pool_inside::stateful_pointer<executor_pool_state>;
  using clock = std::chrono::steady_clock;

  struct work {
    tmsg::attempt attempt;
    chunk_sink sink;
    caf::typed_response_promise<tmsg::attres> promise;
    /// Set while an engine has it.
    engine_actor engine;
    tmsg::decisn decision;
    std::multimap<clock::time_point, fence_key>::iterator deadline;
  };

  executor_pool_config config;
  router_actor router;
  waiting_line<fence_key> waiting;
  std::unordered_map<fence_key, work> attempts;
  std::size_t in_flight = 0;
  std::multimap<clock::time_point, fence_key> deadlines;
  /// When the one timer that is set will fire.
  clock::time_point timer = clock::time_point::max();
  std::uint64_t handled = 0;

  executor_pool_state() = default;
  executor_pool_state(const executor_pool_state&) = delete;
  executor_pool_state& operator=(const executor_pool_state&) = delete;
  /// CAF does not answer for a promise that dies with its actor: whoever waits is told here.
  ~executor_pool_state();

  void begin(pointer self, const fence_key& fence);
  void to_engine(pointer self, const fence_key& fence, const tmsg::decisn& decision,
                 const engine_actor& engine);
  void finish(pointer self, const fence_key& fence, tmsg::attres result);
  void fail(pointer self, const fence_key& fence, errc code, std::string_view message);
  void settle(pointer self, const work& done, schema::AttemptResult::Reader result);
  void set_timer(pointer self);
  void expire(pointer self);
};

[[nodiscard]] executor_pool_inside::behavior_type executor_pool_behavior(
    executor_pool_state::pointer self, const executor_pool_config& config, router_actor router);

}  // namespace tandem
