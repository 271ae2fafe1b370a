#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/atoms.hpp"
#include "actors/executor_pool/executor_pool_actor.hpp"
#include "actors/planner/planner_actor.hpp"
#include "actors/supervisor/supervisor_actor.hpp"

namespace tandem {

struct gateway_state;

/// Work that the HTTP server's threads hand to the gateway: it runs in the actor, where it may ask
/// other actors. Nobody else sends one.
struct gateway_task;

/// What the HTTP server's threads and the node say to it.
using gateway_inside = caf::typed_actor<
    caf::reacts_to<call_atom, gateway_task>,
    // As the chunk_sink of the calls that it sends to the pool.
    caf::reacts_to<chunk_atom, tmsg::chunk>,
    // To itself, while something is streamed.
    caf::reacts_to<wake_atom>,
    // After a restart of one of them too.
    caf::reacts_to<wire_atom, executor_pool_actor>, caf::reacts_to<wire_atom, planner_actor>,
    caf::reacts_to<wire_atom, supervisor_actor>, caf::replies_to<status_atom>::with<tmsg::actstat>>;

using gateway_pointer = gateway_inside::stateful_pointer<gateway_state>;

struct gateway_task {
  std::function<void(gateway_pointer)> run;
};

/// An answer that goes out in pieces. Used by the gateway alone.
class live_stream {
 public:
  live_stream() = default;
  live_stream(const live_stream&) = delete;
  live_stream& operator=(const live_stream&) = delete;
  virtual ~live_stream() = default;
  virtual void on_chunk(gateway_pointer, schema::TextChunk::Reader) {}
  /// About once a second: whoever waits long is told that it is still alive.
  virtual void on_tick() = 0;
};

/// Where the HTTP server's threads find the gateway; another one after a restart.
class gateway_box {
 public:
  void set(gateway_inside gateway) {
    std::lock_guard lock{mutex_};
    gateway_ = std::move(gateway);
  }
  /// False: there is none now.
  bool post(std::function<void(gateway_pointer)> run) const;

 private:
  mutable std::mutex mutex_;
  gateway_inside gateway_;
};

struct gateway_state {
  static constexpr const char* name = "gateway";

  executor_pool_actor pool;
  planner_actor front;
  supervisor_actor supervisor;
  /// By their numbers, which are those of their calls' fences too.
  std::unordered_map<std::uint64_t, std::shared_ptr<live_stream>> streams;
  bool is_ticking = false;
  std::uint64_t handled = 0;
  /// Calls and jobs that somebody waits for.
  std::uint64_t open = 0;

  gateway_state() = default;
  gateway_state(const gateway_state&) = delete;
  gateway_state& operator=(const gateway_state&) = delete;

  void add_stream(gateway_pointer self, std::uint64_t number, std::shared_ptr<live_stream> stream);
};

[[nodiscard]] gateway_inside::behavior_type gateway_behavior(gateway_pointer self);

}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::gateway_task)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::supervisor_actor)
