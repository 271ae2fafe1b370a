#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/cache_shard/attempt_key.hpp"
#include "actors/embedding/embedding_client.hpp"
#include "actors/engine/admission/fair_line.hpp"
#include "actors/engine/attempt_port.hpp"
#include "actors/engine/prompt_profile.hpp"
#include "actors/executor_pool/answer_cache.hpp"
#include "actors/executor_pool/command_check.hpp"
#include "actors/executor_pool/executor_pool_actor.hpp"
#include "actors/executor_pool/executor_pool_config.hpp"
#include "actors/executor_pool/hedge_policy.hpp"
#include "actors/executor_pool/job_pins.hpp"
#include "actors/executor_pool/plan_adapting.hpp"
#include "actors/executor_pool/tenant_ledger.hpp"
#include "actors/fence.hpp"
#include "actors/job/job_state.hpp"
#include "actors/kept_message.hpp"
#include "actors/mesh/mesh_actor.hpp"
#include "actors/router/router_actor.hpp"
#include "actors/warm_up/engine_warmer.hpp"

namespace tandem {

class node_metrics;
class tracer;

using executor_pool_inside = executor_pool_actor::extend_with<cache_asker>::
    extend_with<member_listener>::extend_with<engine_warmer_actor>::extend<
        // From the embedding client's thread: the vector of a lookup's goal; null: there is none.
        caf::reacts_to<embed_atom, std::uint64_t, embedding>,
        // This node's own shards; after a restart of one too.
        caf::reacts_to<wire_atom, std::uint32_t, cache_shard_actor>,
        // From weight_sync, as planners are asked: jobs with attempts here, by weight version.
        caf::replies_to<pin_atom, tmsg::wtpin>::with<tmsg::wtoutcm>,
        // To itself: the engine of this name may have time to be warmed now.
        caf::reacts_to<warm_atom, std::string>,
        // The router was started anew.
        caf::reacts_to<wire_atom, router_actor>,
        // From a thread of the user's checks.
        caf::reacts_to<done_atom, std::uint64_t, command_verdict>,
        // Of an engine, by the number of its flight; or it has ended without a reply.
        caf::reacts_to<done_atom, std::uint64_t, tmsg::attres>,
        caf::reacts_to<done_atom, std::uint64_t, caf::error>>;

/// Numbers of attempts that no job makes: what is computed beside what was served, and a judge's
/// reading of what was delivered.
inline constexpr std::uint32_t refresh_bit = 0x4000'0000;
inline constexpr std::uint32_t judge_sample_bit = 0x8000'0000;

/// What the pool shares with the node beyond its own life.
struct executor_pool_services {
  /// Null: no tenant has a budget.
  std::shared_ptr<tenant_ledger> tenants;
  /// How much longer each model's prompts can be than an attempt's messages.
  std::map<std::string, prompt_growth, std::less<>> growth;
  /// Of this node.
  std::uint64_t incarnation = 0;
  std::string node;
  /// Of goals; null: near ones are found by their words.
  std::shared_ptr<embedding_client> embeddings;
  /// Null: nothing is counted.
  std::shared_ptr<node_metrics> metrics;
  /// Null: nothing is traced.
  std::shared_ptr<tracer> trace;
  /// Of the hashes of prompts; 0: a random one.
  std::uint64_t seed = 0;
};

struct executor_pool_state {
  static constexpr const char* name = "executor_pool";
  using pointer = executor_pool_inside::stateful_pointer<executor_pool_state>;
  using clock = std::chrono::steady_clock;

  enum class timer_kind : std::uint8_t { deadline, hedge, lookup };
  struct timer {
    fence_key fence;
    timer_kind kind;
  };
  using timers_by_time = std::multimap<clock::time_point, timer>;

  /// One call under way at an engine. Settled when its reply comes, whoever still waits for it.
  struct flight {
    fence_key fence;
    std::string tenant;
    kept_message<schema::Decision> decision;
    engine_actor engine;
    clock::time_point started;
    budget reserved;
    schema::Purpose purpose = schema::Purpose::UNKNOWN;
    std::uint32_t prompt_bytes = 0;
    /// What was replayed there for such calls.
    std::vector<engine_warmer::awaited> warmed;
  };

  enum class stage : std::uint8_t { answering, judging, checking };

  /// What the caches know of one call.
  struct cached_call {
    enum class place : std::uint8_t {
      /// Not looked up yet.
      none,
      asking,
      /// Another computes it.
      waiting,
      /// A small model puts a near plan into its words.
      adapting,
      /// Others may wait for this one.
      leading,
      /// Computed for itself, and kept.
      alone,
      over,
    };
    place at = place::none;
    bool served = false;
    bool timer_set = false;
    std::uint64_t id = 0;
    attempt_key key;
    tmsg::decisn decision;
    engine_actor engine;
    /// Its node's incarnation; none: there is no shard.
    std::uint64_t shard = 0;
    cache_shard_actor owner;
    std::string node;
    /// Why it was not served.
    std::string reason;
    /// Of a near plan that this one is to be compared with: its text and label.
    std::string near_text;
    std::uint64_t near_label = 0;
    /// The near plan that is being adapted.
    tmsg::cachrep near;
    /// Of a plan's goal.
    embedding vector;
    /// What waits for it.
    tmsg::cachqry query;
    timers_by_time::iterator timer;
  };
  struct lookup {
    fence_key fence;
    stage at = stage::answering;
  };

  /// One attempt, from its arrival to its reply.
  struct work {
    kept_message<schema::Attempt> attempt;
    /// What engines are asked: the attempt itself, or its judge's call.
    kept_message<schema::Attempt> call;
    chunk_sink sink;
    caf::typed_response_promise<tmsg::attres> promise;
    stage at = stage::answering;
    /// Flights under way, two at most (the second is a copy), and decisions that are asked for.
    std::array<std::uint64_t, 2> call_ids{};
    std::uint32_t calls = 0;
    std::uint32_t routing = 0;
    bool won = false;
    bool hedged = false;
    /// Why its engines were told to stop; empty: they were not.
    errc stopped = errc::unknown;
    std::string stop_reason;
    /// The good reply, or the last failure.
    tmsg::attres result;
    /// The good reply while it is being verified.
    tmsg::attres answer;
    /// Of all calls but those of `result` and `answer`.
    usage_totals others;
    /// Engines that this attempt does not go to again, and why the first of them refused it.
    std::vector<std::string> avoided;
    std::vector<std::string> refusals;
    std::uint64_t retry_after_ms = 0;
    timers_by_time::iterator deadline;
    timers_by_time::iterator hedge;
    bool hedge_set = false;
    /// Of the answer, and of its judge's call.
    std::array<cached_call, 2> cached;
    /// Models whose version it holds for its job, while answering or judging.
    struct hold {
      std::string model;
      stage at;
    };
    std::vector<hold> holds;
    /// The job that it holds them for; none: it is nobody's.
    std::optional<job_pins::job> pinned_for;
    /// Decisions that would have brought its job a second version.
    std::uint32_t misrouted = 0;
    /// The shard is asked whether others wait for what is to be cancelled.
    bool leaving = false;
    /// Nobody waits for it here; others do.
    bool orphan = false;
    /// Its span: of whom, and since when (Unix nanoseconds).
    std::uint64_t span_parent = 0;
    std::uint64_t arrived_ns = 0;
  };

  executor_pool_config config;
  executor_pool_services services;
  router_actor router;
  using line = fair_line<fence_key>;
  line waiting;
  std::unordered_map<fence_key, work> attempts;
  std::unordered_map<std::uint64_t, flight> flights;
  attempt_port engines;
  std::uint64_t next_flight = 1;
  std::unordered_map<std::uint64_t, fence_key> checks;
  std::uint64_t next_check = 1;
  std::size_t in_flight = 0;
  bool admitting = false;
  hedge_policy hedging;
  job_pins pins;
  std::unique_ptr<command_runner> commands;
  timers_by_time timers;
  /// When the one timer that is set will fire.
  clock::time_point timer_at = clock::time_point::max();
  std::uint64_t handled = 0;
  answer_cache answers;
  /// By their ids: asked, and not over.
  std::unordered_map<std::uint64_t, lookup> lookups;
  std::uint64_t next_lookup = 1;
  std::uint64_t cache_hits = 0;
  adapting_rule adapting;
  /// This node's own shards, by number.
  std::vector<caf::actor> own_shards;
  /// The other nodes, by their incarnations.
  struct peer {
    std::string name;
    cache_reporter supervisor;
  };
  std::map<std::uint64_t, peer> peers;
  /// Nodes that are gone without having left, and since when: until one of their name is back, or
  /// for an hour. Many at most.
  std::map<std::string, clock::time_point> lost;
  static constexpr std::size_t lost_max = 256;
  /// Null until the pool has begun.
  std::unique_ptr<engine_warmer> warmer;
  /// This node's engines, by name.
  struct warm_place {
    engine_actor handle;
    tmsg::engstat status;
    std::string life;
  };
  std::unordered_map<std::string, warm_place> warm_places;
  /// Of other nodes' attempts, by their fences: what was replayed for them.
  std::unordered_map<fence_key, std::vector<engine_warmer::awaited>> guests_warmed;
  std::uint32_t warm_calls = 0;
  double warm_look_s = 0;
  /// While a call is noted.
  std::vector<std::uint64_t> chain;
  std::vector<prompt_part> warm_parts;

  executor_pool_state() = default;
  executor_pool_state(const executor_pool_state&) = delete;
  executor_pool_state& operator=(const executor_pool_state&) = delete;
  /// CAF does not answer for a promise that dies with its actor: whoever waits is told here.
  ~executor_pool_state();

  // executor_pool.cpp: admission, time, the end.
  void take(pointer self, const tmsg::attempt& attempt, const chunk_sink& sink,
            caf::typed_response_promise<tmsg::attres> promise);
  void begin(pointer self, const fence_key& fence);
  void reply(pointer self, const fence_key& fence, tmsg::attres result);
  void fail(pointer self, const fence_key& fence, errc code, std::string_view message);
  void cancel(pointer self, const fence_key& fence, std::string_view reason);
  void stop(pointer self, const fence_key& fence, errc code, std::string reason);
  void set_timer(pointer self);
  void expire(pointer self);

  // attempt_trace.cpp
  /// The attempt as engines get it: below a span of the pool's.
  void begin_trace(work& of) const;
  void record_trace(const work& done, schema::AttemptResult::Reader result) const;

  // attempt_flow.cpp: route -> engine, elsewhere when it refuses, twice when it is slow.
  void route(pointer self, const fence_key& fence, bool second);
  /// No engine has a part in it.
  void choose_way(pointer self, const fence_key& fence);
  void to_engine(pointer self, const fence_key& fence, const tmsg::rtqry& query,
                 const tmsg::decisn& decision, const engine_actor& engine, bool second);
  void send_to(pointer self, const fence_key& fence, const tmsg::decisn& decision,
               const engine_actor& engine, bool second);
  void no_route(pointer self, const fence_key& fence, const caf::error& err);
  void on_reply(pointer self, std::uint64_t id, const tmsg::attres& result);
  /// Its engine has ended.
  void on_no_reply(pointer self, std::uint64_t id, const caf::error& err);
  void on_refusal(pointer self, work& of, const fence_key& fence,
                  schema::AttemptResult::Reader result);
  void cancel_calls(pointer self, const fence_key& fence, std::string_view reason);
  void settle(pointer self, const flight& done, schema::AttemptResult::Reader result);
  void calls_over(pointer self, const fence_key& fence);
  void hedge(pointer self, const fence_key& fence);
  /// Reserves the call's most for its tenant; the attempt with its allowance where there is one.
  [[nodiscard]] caf::expected<kept_message<schema::Attempt>> reserve(
      const work& of, schema::Decision::Reader decision, budget& reserved) const;

  // pinned_versions.cpp: one weight version of a model for one job.
  /// Those that the attempt brings, and those that its job holds here.
  void write_pins(schema::RouteQuery::Builder query, const work& of) const;
  /// The job uses the decision's version from now on. False: it uses another one.
  [[nodiscard]] bool take_pin(work& of, schema::RouteQuery::Reader query,
                              schema::Decision::Reader made);
  /// `used`: its job gets what came of it.
  void release_pins(work& of, stage at, bool used);
  [[nodiscard]] tmsg::wtoutcm count_pins(schema::WeightPin::Reader question) const;
  void enter_pins(work& of);
  /// With its last word.
  void leave_pins(work& of, schema::AttemptResult::Reader result);

  // cached_answers.cpp: what need not be computed.
  [[nodiscard]] static cached_call& cached_of(work& of);
  /// True: it goes on by itself, served or when the shard has answered.
  [[nodiscard]] bool look_up(pointer self, work& of, const fence_key& fence,
                             const tmsg::decisn& decision, const engine_actor& engine);
  void on_embedding(pointer self, std::uint64_t id, const embedding& vector);
  void on_cache_reply(pointer self, const tmsg::cachrep& reply);
  void serve(pointer self, work& of, const fence_key& fence, schema::CacheEntry::Reader entry,
             std::uint8_t level);
  void send_label(pointer self, const attempt_key& key, schema::Decision::Reader decision,
                  std::string_view tenant, std::uint64_t label, bool wrong);
  void go_on_alone(pointer self, const fence_key& fence, std::string reason);
  /// Beside what is served. `compare`: with a near plan, under this label; 0: to be kept.
  void compute_anew(pointer self, const work& of, std::string compare = {},
                    std::uint64_t label = 0);
  /// A good and verified reply to `call`.
  void keep(pointer self, cached_call& cached, schema::Attempt::Reader call,
            schema::AttemptResult::Reader result);
  /// The attempt ends: whoever waits for it is told.
  void abandon(pointer self, work& of);
  void end_lookup(cached_call& cached);
  void end_cached(cached_call& cached);
  void send_leave(pointer self, const cached_call& cached, bool failed);
  /// The engine's share of the load that was counted for a decision.
  void give_back(pointer self, const tmsg::decisn& decision);
  /// Instead of a cancel, where others may wait for the same; false: nobody can.
  [[nodiscard]] bool leave_softly(pointer self, const fence_key& fence, std::string_view reason);
  void leave_to_others(pointer self, const fence_key& fence);
  void on_shards(pointer self, std::uint64_t incarnation, std::string_view node,
                 const std::vector<caf::actor>& shards);
  /// It has led to a wrong answer.
  void forget_answer(pointer self, const cache_key& key);
  void on_plan_reward(pointer self, schema::Reward::Reader reward);

  // near_answers.cpp: the plan of a goal in other words.
  void serve_near(pointer self, work& of, const fence_key& fence, const tmsg::cachrep& reply);
  [[nodiscard]] bool is_to_adapt(const cached_call& cached);
  void adapt(pointer self, work& of, const fence_key& fence, const tmsg::cachrep& reply);
  /// Empty result: there is none.
  void on_adapted(pointer self, const fence_key& fence, std::uint64_t id,
                  const tmsg::attres& result);
  /// `adapted`: its text; empty: as it is, for this reason.
  void serve_plan(pointer self, work& of, const fence_key& fence, schema::CacheReply::Reader reply,
                  std::string_view adapted, std::string_view how);

  // warming.cpp: prefixes for engines whose cache is cold.
  void start_warming(std::uint64_t seed);
  [[nodiscard]] static double warm_now(pointer self);
  /// Remembers what a call begins with that is sent to an engine, and warms what will follow it.
  /// This pool's, or another node's at this node's engine. What was replayed there for such calls.
  [[nodiscard]] std::vector<engine_warmer::awaited> note_call(pointer self,
                                                              schema::Attempt::Reader call,
                                                              schema::Decision::Reader decision,
                                                              std::string_view engine);
  void note_use(const flight& done, schema::AttemptResult::Reader result);
  void note_guest(pointer self, const std::string& engine, schema::Attempt::Reader call,
                  schema::Decision::Reader decision);
  void note_guest_use(const std::string& engine, schema::AttemptResult::Reader result);
  void on_engine(pointer self, const tmsg::engstat& status, const engine_actor& engine);
  void warm_next(pointer self, const std::string& name);
  /// To an engine that waits for it: there is nothing more to warm it with.
  void tell_warm(pointer self, const std::string& name);
  void on_warmed(pointer self, const std::string& name, const std::string& life,
                 const tmsg::attempt& sent, const tmsg::decisn& decision,
                 const tmsg::attres& result);
  void write_warm(pointer self, schema::WarmCounts::Builder out);

  // cache_command.cpp
  void command(pointer self, const tmsg::cachcmd& command,
               caf::typed_response_promise<tmsg::cachrpt> promise);

  // verification.cpp: from an answer to a verdict.
  void verify(pointer self, const fence_key& fence);
  void ask_judge(pointer self, const fence_key& fence);
  void on_verdict(pointer self, const fence_key& fence);
  void run_command(pointer self, const fence_key& fence);
  /// A sample of answers is read by a judge after it was delivered.
  void sample_judge(pointer self, schema::Attempt::Reader attempt,
                    schema::AttemptResult::Reader answer);
  void on_checked(pointer self, const fence_key& fence, std::string_view misfit,
                  errc code = errc::invalid_output);
};

/// A reply without a call.
[[nodiscard]] tmsg::attres failed_attempt(schema::Fence::Reader fence, errc code,
                                          std::string_view message);

[[nodiscard]] executor_pool_inside::behavior_type executor_pool_behavior(
    executor_pool_state::pointer self, const executor_pool_config& config, router_actor router,
    executor_pool_services services);

}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::command_verdict)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::embedding)
