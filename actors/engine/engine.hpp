#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <caf/actor_clock.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/engine/admission/fair_line.hpp"
#include "actors/engine/admission/gradient_limit.hpp"
#include "actors/engine/admission/service_pace.hpp"
#include "actors/engine/backend.hpp"
#include "actors/engine/engine_actor.hpp"
#include "actors/engine/engine_config.hpp"
#include "actors/engine/engine_gate.hpp"
#include "actors/engine/make_backend.hpp"
#include "actors/engine/weight_change.hpp"
#include "actors/fence.hpp"
#include "actors/kept_message.hpp"
#include "actors/router/router_actor.hpp"

namespace tandem {

/// What only the engine itself and its supervisor say to it.
using engine_inside = engine_actor::extend<
    // A timer of its backend.
    caf::reacts_to<wake_atom, std::uint64_t>,
    // From the backend's own threads.
    caf::reacts_to<chunk_atom, std::uint64_t, std::string>,
    caf::reacts_to<done_atom, std::uint64_t, generation>,
    caf::reacts_to<done_atom, std::uint64_t, std::vector<engine_check>>,
    // Its backend's status has changed.
    caf::reacts_to<wake_atom>,
    // How a step of a change of weights ended; and to itself: it is time to look at the change.
    caf::reacts_to<weight_atom, std::uint64_t, weight_outcome>, caf::reacts_to<weight_atom>,
    // To itself: a pause of its gate is over, or the time of an attempt that waits.
    caf::reacts_to<expire_atom>,
    // From the pool: there is nothing more to warm it with; and to itself: the time for that round
    // is over.
    caf::reacts_to<warm_atom>, caf::reacts_to<warm_atom, std::uint64_t>,
    // Others have room: so many of those who wait go to them.
    caf::reacts_to<offer_atom, std::uint64_t>,
    // Takes nothing new from now on; answered when nothing is left to finish.
    caf::replies_to<drain_atom>::with<caf::ok_atom>,
    // Begins or ends that, without waiting.
    caf::replies_to<drain_atom, bool>::with<tmsg::engstat>,
    // As in weight_engine.
    caf::replies_to<weight_atom, tmsg::engupd>::with<tmsg::engupdd>,
    // The router was started anew.
    caf::reacts_to<wire_atom, router_actor>>;

struct engine_state {
  static constexpr const char* name = "engine";
  using pointer = engine_inside::stateful_pointer<engine_state>;
  using clock = std::chrono::steady_clock;

  struct call {
    kept_message<schema::Attempt> attempt;
    kept_message<schema::Decision> decision;
    chunk_sink sink;
    caf::typed_response_promise<tmsg::attres> promise;
    clock::time_point arrived;
    clock::time_point started;
    clock::time_point first_token;
    /// By the scheduler's clock: what the limit is measured with.
    clock::time_point sent;
    /// The same: after it nobody waits for its reply.
    clock::time_point deadline;
    std::uint32_t chunks = 0;
    /// More than its prompt can have.
    std::uint64_t prompt_tokens_max = 0;
    std::uint64_t completion_tokens_max = 0;
    /// The breaker's.
    std::uint64_t trial = 0;
    bool stream = false;
    /// Its chunks are events as the server sent them.
    bool is_passed_on = false;
    /// Weights that it began with.
    std::string version;
    /// Of its own span, where it has one; else what it came with.
    trace_context trace = {};
    /// Its caller has cancelled it.
    bool cancelled = false;
    /// Cancelled for a change of weights.
    bool cut_off = false;
  };

  engine_config config;
  model_config model;
  std::unique_ptr<backend> server;
  router_actor router;
  /// Null: nothing is traced.
  std::shared_ptr<tracer> traces;
  using line = fair_line<call>;
  line waiting;
  gradient_limit limit;
  service_pace pace;
  /// As the router last heard of it; 0: not measured.
  std::uint32_t limit_told = 0;
  std::unordered_map<std::uint64_t, call> running;
  std::unordered_map<fence_key, std::uint64_t> ids;
  /// Of the call of purpose `warm` that runs; 0: none.
  std::uint64_t warm_id = 0;
  /// The weights and the process that it was last warmed with, see `warm_first`.
  std::string warmed_life;
  /// Or is being warmed with.
  std::string warming_life;
  std::uint64_t warm_round = 0;
  /// To changes of weights that are done, when it has been warmed.
  std::vector<std::pair<caf::typed_response_promise<tmsg::engupdd>, tmsg::engupdd>> warm_answers;
  std::uint64_t next_id = 1;
  std::uint64_t requests = 0;
  std::uint64_t failures = 0;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t cached_prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  /// Sum of the times of finished requests.
  std::chrono::microseconds busy{0};
  std::string last_error;
  engine_gate gate;
  weight_change weights;
  /// As the backend last said it.
  std::string version_seen;
  clock::time_point weights_timer;
  std::uint64_t next_ticket = 1;
  std::unordered_map<std::uint64_t, caf::typed_response_promise<tmsg::engupdd>> orders;
  /// The generation that a change of weights verifies with, as the backend and as the change
  /// number it; 0: none.
  std::uint64_t trial = 0;
  std::uint64_t trial_number = 0;
  /// The scheduler's, which a test may move; the gate's times are its.
  const caf::actor_clock* time = nullptr;
  clock::time_point gate_timer;
  clock::time_point late_timer = clock::time_point::max();
  std::vector<caf::typed_response_promise<caf::ok_atom>> drains;
  std::uint64_t next_probe = 1;
  std::unordered_map<std::uint64_t, caf::typed_response_promise<tmsg::engrep>> probes;

  engine_state() = default;
  engine_state(const engine_state&) = delete;
  engine_state& operator=(const engine_state&) = delete;
  /// CAF does not answer for a promise that dies with its actor: whoever waits is told here.
  ~engine_state();

  // engine_line.cpp
  /// To a server, a place in the queue, or a refusal at once.
  void take(pointer self, call next);
  void line_up(pointer self, call next);
  /// So many of those who wait, the next ones first, go elsewhere.
  void hand_back(std::size_t count);
  /// Only while there is nothing else to do.
  void take_warm(pointer self, call next);
  void stop_warm(pointer self);
  /// Where it could serve now with weights or a process that it has not been warmed with.
  void begin_warming(pointer self);
  void end_warming(pointer self);
  void answer_warmed();
  void begin(pointer self, call next);
  void refuse(call& next, const engine_gate::verdict& why);
  void begin_waiting(pointer self);
  /// Those whose time is over leave the line.
  void drop_late(pointer self);
  /// Requests at once, at present.
  [[nodiscard]] std::uint32_t places() const;
  /// What its end says about how much the server can do at once.
  void measure(const call& done, const generation& result);
  /// Whether the limit has moved far enough to tell the router.
  [[nodiscard]] bool limit_moved() const;
  void handle(pointer self, std::uint64_t id, progress outcome);
  void finish(pointer self, std::uint64_t id, const generation& result);
  /// Tells the router of a change, or `always`; those who wait here go elsewhere when it takes
  /// nothing.
  void publish(pointer self, bool always = false);
  void read_backend(pointer self);
  /// Refuses those who wait for what the gate does not let through any more.
  void refuse_waiting(pointer self);
  void drain(pointer self, bool draining);
  /// Answers those who wait for a drain, once it is at rest.
  void tell_at_rest();
  void cancel(pointer self, const fence_key& fence);

  // engine_weights.cpp
  void take_order(pointer self, const tmsg::engupd& order,
                  caf::typed_response_promise<tmsg::engupdd> promise);
  /// Carries out what a change of weights asks for, and tells the gate and the router.
  void change_weights(pointer self, const weight_change::deeds& deeds);
  void look_at_weights(pointer self);
  void carry_out(pointer self, const weight_change::deed& deed);
  void cut_off(pointer self, bool all);
  void forget_cut_off();
  [[nodiscard]] weight_change::facts weight_facts() const;
  [[nodiscard]] bool holds_version(const call& of) const;
  [[nodiscard]] static generation as_cut_off(const call& done, const generation& result,
                                             const std::string& engine);

  // engine_trace.cpp
  void begin_trace(call& next) const;
  void record_trace(const call& done, schema::AttemptResult::Reader result) const;

  [[nodiscard]] tmsg::attres reply(const call& done, const generation& result) const;
  [[nodiscard]] tmsg::engstat status() const;
  static void write_server(schema::EngineStatus::Builder out, const backend_status& now);
  void write_gate(schema::EngineStatus::Builder out, clock::time_point now) const;
  [[nodiscard]] tmsg::engrep report(const std::vector<engine_check>& checks) const;
};

/// Quits with `invalid_argument` when the engine cannot be opened.
[[nodiscard]] engine_inside::behavior_type engine_behavior(engine_state::pointer self,
                                                           engine_config config, model_config model,
                                                           router_actor router,
                                                           const backend_services& services);

}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::generation)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::weight_outcome)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<tandem::engine_check>)
