#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/engine/engine_actor.hpp"
#include "actors/mesh/mesh_actor.hpp"
#include "actors/mesh/peer_handles.hpp"
#include "actors/planner/planner.hpp"
#include "actors/router/router_actor.hpp"
#include "actors/system/tls_files.hpp"
#include "actors/weight_sync/local_engine.hpp"
#include "actors/weight_sync/order_book.hpp"
#include "actors/weight_sync/roll_dispatch.hpp"
#include "actors/weight_sync/roll_machine.hpp"
#include "actors/weight_sync/serving_weights.hpp"
#include "actors/weight_sync/weight_agreement.hpp"
#include "actors/weight_sync/weight_config.hpp"
#include "actors/weight_sync/weight_sync_actor.hpp"
#include "actors/weights/chunk_server.hpp"
#include "actors/weights/version_fetch.hpp"
#include "actors/weights/version_store.hpp"

namespace tandem {

/// How a thread that reads files tells its end.
struct added_version {
  caf::error error;
  weight_manifest manifest;
};

/// Who knows which versions running jobs hold: the planner of a journal, and the pool for what is
/// under way.
using pin_asked = caf::typed_actor<caf::replies_to<pin_atom, tmsg::wtpin>::with<tmsg::wtoutcm>>;

using weight_sync_inside = weight_sync_actor::extend<
    // The node's router; and a planner by its journal, 0 for the pool. Again when they are started
    // anew.
    caf::reacts_to<wire_atom, router_actor>, caf::reacts_to<wire_atom, std::uint64_t, pin_asked>,
    caf::reacts_to<member_atom, tmsg::member, peer_handles>,
    // To itself: a timer; and something has happened in a thread of its
    // own.
    caf::reacts_to<wake_atom>, caf::reacts_to<wake_atom, std::uint64_t>,
    // To itself: pins are counted again for the order of that number.
    caf::reacts_to<pin_atom, std::uint64_t>>;

struct weight_sync_start {
  weight_config config;
  std::string node;
  std::uint64_t incarnation = 0;
  /// The cluster's other nodes are waited for at a start.
  bool has_cluster = false;
  std::shared_ptr<version_store> versions;
  std::shared_ptr<weight_agreement> agreement;
  std::shared_ptr<storage::weight_store> store;
  std::shared_ptr<serving_weights> serving;
  /// Nothing: no network, so no chunks to others.
  std::optional<tls_files> tls;
  /// Host that others reach this node by.
  std::string host;
  std::function<std::vector<local_engine>()> engines;
};

struct weight_sync_state {
  static constexpr const char* name = "weight_sync";
  using pointer = weight_sync_inside::stateful_pointer<weight_sync_state>;
  using report_promise = caf::typed_response_promise<tmsg::wtrep>;

  struct peer {
    weight_sync_actor handle;
    std::string node;
    bool alive = true;
    tmsg::wtnews news;
    std::uint64_t number = 0;
  };
  struct seen_engine {
    local_engine engine;
    tmsg::engstat status;
  };
  struct fetch {
    weight_version version;
    std::unique_ptr<version_fetch> mover;
    fetch_progress progress;
    std::string error;
    bool complete = false;
    std::vector<report_promise> waiting;
    /// Who is told of its end: orders.
    std::vector<std::uint64_t> orders;
    std::uint64_t retry_at_ms = 0;
    /// Its last sign of life.
    std::uint64_t moved_at_ms = 0;
  };
  /// Progress of fetches, written by their threads.
  struct mail {
    std::mutex mutex;
    std::map<weight_hash, std::pair<fetch_progress, std::optional<caf::error>>> fetches;
    std::map<std::uint64_t, added_version> added;
  };
  struct adding {
    std::thread reader;
    std::shared_ptr<std::atomic<bool>> stop;
    std::string model;
    std::string version;
    bool force = false;
    report_promise promise;
  };
  struct waiting_status {
    std::string model;
    std::uint64_t sequence = 0;
    std::uint64_t until_ms = 0;
    report_promise promise;
  };
  struct judged_from {
    std::uint64_t requests = 0;
    std::uint64_t failures = 0;
    std::uint64_t busy_us = 0;
  };

  weight_sync_start start;
  std::unique_ptr<chunk_server> server;
  std::string url;
  weight_book facts;
  std::map<std::uint64_t, peer> peers;
  router_actor router;
  std::map<std::uint64_t, pin_asked> pin_keepers;
  struct pin_count {
    tmsg::wtorder order;
    /// Jobs by version: of this round, and the most of both.
    std::map<std::string, std::uint64_t> now;
    std::map<std::string, std::uint64_t> most;
    std::size_t open = 0;
    bool is_second = false;
    caf::error failed;
  };
  /// Between the rounds, by order.
  std::map<std::uint64_t, std::shared_ptr<pin_count>> pin_counts;
  std::map<std::string, seen_engine> engines;
  std::map<weight_hash, fetch> fetches;
  std::map<std::uint64_t, adding> additions;
  std::uint64_t next_addition = 1;
  std::shared_ptr<mail> letters = std::make_shared<mail>();
  std::vector<waiting_status> followers;
  /// Rises with everything that a follower may want to see.
  std::uint64_t sequence = 1;
  std::string last_error;
  std::uint64_t handled = 0;

  // The roll that this node coordinates.
  std::optional<roll_machine> machine;
  roll_mark written;
  std::uint64_t write_again_ms = 0;
  roll_dispatch dispatch;
  std::map<std::string, judged_from> judged;
  std::optional<service_figures> rewards_canary, rewards_others;

  // As a node that carries orders out.
  done_orders done;
  std::map<std::string, order_fence> fences;
  std::map<std::string, std::uint64_t> updating;
  std::map<std::string, std::uint64_t> retry_at_ms;
  /// Orders that wait for a version to be here.
  std::map<std::uint64_t, tmsg::wtorder> waiting_orders;
  /// Of orders to itself; coordinators count upwards from a random number.
  std::uint64_t next_own_order = ~std::uint64_t{0};

  tmsg::wtnews told;
  std::uint64_t news_number = 1;
  bool timer_set = false;
  std::uint64_t looked_at_ms = 0;
  std::size_t asked_engines = 0;
  std::uint64_t started_ms = 0;
  std::uint64_t refreshed_ms = 0;
  bool heard = false;

  weight_sync_state() = default;
  weight_sync_state(const weight_sync_state&) = delete;
  weight_sync_state& operator=(const weight_sync_state&) = delete;
  ~weight_sync_state();

  // weight_sync.cpp
  void begin(pointer self);
  void on_member(pointer self, const tmsg::member& member, const peer_handles& handles);
  void on_news(pointer self, const tmsg::wtnews& news);
  void on_timer(pointer self);
  void set_timer(pointer self);
  /// Asks the engines of this node how they are; react() follows.
  void look(pointer self);
  void react(pointer self);
  void touch() { ++sequence; }

  // weight_news.cpp
  [[nodiscard]] tmsg::wtnews make_news();
  void tell(pointer self);
  void answer_followers(bool all);

  // weight_fetches.cpp
  /// `orders`: whose outcome its end is; `waiting`: whom to answer.
  void bring(pointer self, const weight_version& version, std::uint64_t order,
             std::optional<report_promise> waiting);
  void read_letters(pointer self);
  void end_fetch(pointer self, fetch& of, const caf::error& err);
  [[nodiscard]] std::vector<chunk_peer> holders(const weight_hash& manifest) const;
  void tell_fetches();
  /// Begins those again that failed, and ends those that nobody who is there has.
  void look_after_fetches(pointer self);
  void keep_few();
  void serve_from_folder();

  // weight_orders.cpp
  void on_order(pointer self, const tmsg::wtorder& order);
  void carry_out(pointer self, const tmsg::wtorder& order);
  void change_engine(pointer self, const tmsg::wtorder& order);
  void ask_pins(pointer self, const tmsg::wtorder& order);
  void count_pins(pointer self, const std::shared_ptr<pin_count>& count);
  void end_pins(pointer self, const pin_count& count);
  void outcome(pointer self, const tmsg::wtorder& order, const caf::error& err,
               schema::EnginePhase phase = schema::EnginePhase::UNKNOWN,
               std::string_view version = {});
  void send_outcome(pointer self, std::uint64_t to, const tmsg::wtoutcm& outcome);
  void catch_up(pointer self);
  [[nodiscard]] caf::expected<std::filesystem::path> path_for(const std::string& model,
                                                              const std::string& version,
                                                              const engine_config& engine) const;

  // weight_roll.cpp
  void step(pointer self);
  /// The roll is no longer this node's to go on with.
  void let_go();
  [[nodiscard]] bool write_roll();
  [[nodiscard]] fleet_view look_at_fleet(const std::string& model, const std::string& version);
  void add_figures(const std::string& engine, schema::EngineStatus::Reader status, bool canary,
                   fleet_view& view);
  void ask_rewards(pointer self);
  void send_orders(pointer self, const std::vector<roll_order>& wanted);
  void on_outcome(pointer self, const tmsg::wtoutcm& outcome);
  void take_over(pointer self);
  [[nodiscard]] bool is_rolling(const std::string& model) const;

  // weight_commands.cpp
  void command(pointer self, const tmsg::wtcmd& command, report_promise promise);
  void add(pointer self, schema::WeightCommand::Reader command, report_promise promise);
  void added(pointer self, std::uint64_t id, added_version result);
  void roll(pointer self, schema::WeightCommand::Reader command, report_promise promise);
  [[nodiscard]] caf::error check_roll(const std::string& model, const std::string& version,
                                      const roll_options& options, const fleet_view& view) const;
  void compare(schema::WeightCommand::Reader command, report_promise promise);
  [[nodiscard]] caf::expected<weight_version> known(const std::string& model,
                                                    const std::string& version) const;
  /// Reads what is agreed on; without etcd what is known here.
  [[nodiscard]] caf::error refresh();
  [[nodiscard]] tmsg::wtrep report(std::string_view model, std::string_view done = {});
  void write_version(const weight_version& version, schema::WeightVersionReport::Builder out) const;
};

/// Spawn it detached: it waits for the disk and for etcd. Quits when it cannot listen.
[[nodiscard]] weight_sync_inside::behavior_type weight_sync_behavior(
    weight_sync_state::pointer self, weight_sync_start start);

}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::pin_asked)
