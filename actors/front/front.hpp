#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/front/book_file.hpp"
#include "actors/front/front_actor.hpp"
#include "actors/front/front_config.hpp"
#include "actors/front/job_pages.hpp"
#include "actors/front/journal_book.hpp"
#include "actors/front/peer_link.hpp"

namespace tandem {

struct front_start {
  /// This node's name and address, for texts.
  std::string node;
  std::string address;
  /// The journal of this node's data folder; 0: none. `own_is_new`: no job was ever in it.
  journal_birth own;
  bool own_is_new = false;
  /// As load_book() has read it. Outlives the actor, so that one that is started anew goes on.
  std::shared_ptr<journal_book> book = std::make_shared<journal_book>();
  /// Where the book is kept; empty: nowhere.
  std::filesystem::path file;
  /// Keeps it there; null: one is spawned.
  book_writer_actor writer;
};

/// Of a submission, so that it fits into a message to another node together with all journals that
/// are known: CAF drops a larger one where it arrives, without an answer.
inline constexpr std::size_t submit_bytes_max =
    message_limits{}.words_max * sizeof(capnp::word) - journal_book::journals_max * 16 - 4096;

using front_inside = front_actor::extend<
    // To itself: a list has waited long enough.
    caf::reacts_to<expire_atom, std::uint64_t>>;

struct front_state {
  static constexpr const char* name = "front";
  using pointer = front_inside::stateful_pointer<front_state>;
  template <class T>
  using promise = caf::typed_response_promise<T>;
  using key_done = std::function<void(const caf::expected<tmsg::keyrep>&)>;

  /// Another node, while it lives.
  struct peer {
    std::string name;
    std::string address;
    bool plans = false;
    /// Alive and not draining.
    bool takes_work = false;
    std::vector<std::uint64_t> journals;
    caf::actor front;
    peer_link_actor link;
  };
  struct key_round;
  struct list_round;
  struct cost_round;
  struct purge_round;

  front_config config;
  front_start start;
  bool draining = false;
  /// Open on this node.
  std::map<std::uint64_t, planner_actor> planners;
  /// By incarnation.
  std::map<std::uint64_t, peer> peers;
  /// Incarnation of each journal's home; journals of this node are in `planners`.
  std::map<std::uint64_t, std::uint64_t> homes;
  std::size_t turn = 0;
  std::uint64_t handled = 0;

  /// What this actor itself has promised: failed when it ends.
  std::uint64_t next_pending = 1;
  std::unordered_map<std::uint64_t, std::function<void(const caf::error&)>> pending;
  std::size_t keys_under_way = 0;
  std::map<std::uint64_t, std::shared_ptr<list_round>> lists;
  std::map<std::uint64_t, std::shared_ptr<cost_round>> costs;
  std::size_t purges = 0;

  /// The book as it is now, and the newest that is durable.
  std::uint64_t book_version = 0;
  std::uint64_t saved_version = 0;
  bool saving = false;
  std::vector<std::function<void(const caf::error&)>> after_save;

  front_state() = default;
  front_state(const front_state&) = delete;
  front_state& operator=(const front_state&) = delete;
  ~front_state();

  // front.cpp: who is there, and where a request belongs.
  void on_member(pointer self, const tmsg::member& member, const peer_handles& handles);
  void drop_peer(pointer self, std::uint64_t incarnation);
  void find_homes();
  [[nodiscard]] const planner_actor* local(std::uint64_t journal) const;
  [[nodiscard]] const peer* home(std::uint64_t journal) const;
  /// Why a journal that is open nowhere cannot be asked.
  [[nodiscard]] caf::error no_home(std::uint64_t journal) const;
  /// `journal k3fwq2xm (node c, last at 10.0.0.3:7420)`
  [[nodiscard]] std::string place_of(std::uint64_t journal) const;
  caf::result<tmsg::submitd> submit(pointer self, const tmsg::submit& request);
  /// Something promised by this actor itself. Whoever keeps the promise erases it first.
  std::uint64_t add_pending(std::function<void(const caf::error&)> fail);

  // front.cpp: the book on the disk.
  void changed(pointer self);
  void save(pointer self);
  /// Calls `then` as soon as the whole book is durable, or with the error.
  void when_saved(pointer self, std::function<void(const caf::error&)> then);

  // front_keys.cpp: client keys.
  caf::result<tmsg::submitd> submit_key(pointer self, const tmsg::submit& request);
  void send_key(pointer self, const tmsg::submit& request, std::uint64_t call,
                promise<tmsg::submitd> promise, unsigned tries);
  caf::result<tmsg::keyrep> submit_key_here(pointer self, const tmsg::keyqry& query);
  caf::result<tmsg::keyrep> find_key_here(pointer self, const tmsg::keyqry& query);
  void accept_key(pointer self, std::uint64_t journal, const tmsg::submit& request, key_done done);
  bool learn(pointer self, capnp::List<schema::KnownJournal>::Reader journals);

  // front_lists.cpp: what goes to all journals.
  caf::result<tmsg::joblist> list(pointer self, const tmsg::jobqry& query);
  void finish_list(std::uint64_t call);
  caf::result<tmsg::purged> purge_older(pointer self, const tmsg::purge& request);
  /// All that are known, alive or not.
  [[nodiscard]] std::set<std::uint64_t> all_journals() const;
  [[nodiscard]] std::size_t rounds() const { return lists.size() + costs.size() + purges; }

  // front_costs.cpp: one part of what all journals say was spent.
  caf::result<tmsg::costrep> cost(pointer self, const tmsg::costqry& query);
  void finish_cost(std::uint64_t call);

  // front_pins.cpp
  [[nodiscard]] caf::result<tmsg::wtoutcm> count_pins(pointer self, const tmsg::wtpin& question);
};

[[nodiscard]] front_inside::behavior_type front_behavior(front_state::pointer self,
                                                         const front_config& config,
                                                         front_start start);

}  // namespace tandem
