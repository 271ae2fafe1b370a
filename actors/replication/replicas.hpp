#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/replication/copy_plan.hpp"
#include "actors/replication/journal_register.hpp"
#include "actors/replication/replicas_actor.hpp"
#include "actors/replication/replicated_journal_actor.hpp"
#include "storage/journal.hpp"

namespace tandem {

/// A journal that this node is the primary of, as its record in etcd says.
struct led_journal {
  journal_id journal;
  std::filesystem::path folder;
  journal_copy self;
  journal_record record;
  std::shared_ptr<journal_register> agreement;
  /// When it was made (Unix ms), as its home has told; 0: not known.
  std::uint64_t birth_ms = 0;
};

struct replicas_start {
  std::string node;
  /// Copies lie in folders of it that are named by their journals.
  std::filesystem::path folder;
  /// Of each copy; without the folder.
  storage::journal_options storage;
  storage::durability durability = storage::durability::sync;
  /// When journals were made (Unix ms), as far as it is known.
  std::map<std::uint64_t, std::uint64_t> births;
  /// Led from the start.
  std::vector<led_journal> led;
  /// This node's view of a journal's record; the replica is 0 where it only watches.
  std::function<std::shared_ptr<journal_register>(journal_id, journal_copy)> open_register;
  /// The node's lease in etcd; 0: none is held now.
  std::function<std::int64_t()> lease;
  /// Opens the copy's folder as the journal that it is from now on, and starts its actors. Blocks.
  std::function<caf::error(const led_journal&)> host;
  /// Between two looks at everything.
  std::chrono::milliseconds tick{300};
  /// See takeover_delay().
  std::chrono::milliseconds takeover_step{400};
  /// After a take-over that came to nothing.
  std::chrono::milliseconds takeover_retry{2000};
  /// Copies of other nodes' journals; more are not kept.
  std::size_t copies_max = 1024;
};

using replicas_inside = replicas_actor::extend<
    // From a register: how a journal's record is now.
    caf::reacts_to<view_atom, std::uint64_t, register_view>,
    // What came of taking a journal over; and of holding one under another lease.
    caf::reacts_to<done_atom, std::uint64_t, register_reply>,
    caf::reacts_to<open_atom, std::uint64_t, std::int64_t, register_reply>,
    // To itself: looks at everything.
    caf::reacts_to<wake_atom>>;

/// Spawn it detached: it opens journals.
struct replicas_state {
  static constexpr const char* name = "replicas";
  using pointer = replicas_inside::stateful_pointer<replicas_state>;
  using clock = std::chrono::steady_clock;

  struct other_node {
    replicas_actor replicas;
    bool takes_new = false;
  };
  /// This node is its primary.
  struct led {
    led_journal what;
    caf::actor committer;
    std::optional<register_view> view;
    /// That its record was last held with; 0: the one that it was taken with.
    std::int64_t held_with = 0;
    bool holding = false;
  };
  /// This node keeps a copy.
  struct kept {
    replica_writer_actor writer;
    std::shared_ptr<journal_register> watch;
    std::optional<register_view> view;
    /// Who asked last, and waits for the record to be seen.
    caf::actor primary;
    std::uint64_t epoch = 0;
    /// Since when nobody holds the lease.
    std::optional<clock::time_point> vacant_since;
    clock::time_point not_before;
    /// While it is being taken over.
    std::optional<led_journal> candidate;
    bool taking_over = false;
  };

  replicas_start start;
  std::map<std::string, other_node> others;
  std::map<std::uint64_t, led> leads;
  std::map<std::uint64_t, kept> keeps;
  std::uint64_t takeovers = 0;
  std::string last_error;

  replicas_state() = default;
  replicas_state(const replicas_state&) = delete;
  replicas_state& operator=(const replicas_state&) = delete;
  ~replicas_state();

  void begin(pointer self);
  void lead(pointer self, led_journal what);
  void keep(pointer self, std::uint64_t journal);
  void open_writer(pointer self, std::uint64_t journal, kept& one);
  void follow(pointer self, kept& one);
  void on_member(pointer self, const tmsg::member& member, const peer_handles& handles);
  void on_view(pointer self, std::uint64_t journal, const register_view& view);
  void look_at_led(pointer self, std::uint64_t journal, led& one);
  void look_at_kept(pointer self, std::uint64_t journal, kept& one);
  void take_over(pointer self, std::uint64_t journal, kept& one);
  void on_copy_closed(pointer self, std::uint64_t journal, std::uint64_t replica);
  void on_taken(pointer self, std::uint64_t journal, const register_reply& reply);
  void on_held(pointer self, std::uint64_t journal, std::int64_t lease,
               const register_reply& reply);
  /// Not taken over after all: it follows again.
  void give_back(pointer self, std::uint64_t journal, const std::string& why);
};

[[nodiscard]] replicas_inside::behavior_type replicas_behavior(replicas_state::pointer self,
                                                               replicas_start start);

}  // namespace tandem

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::register_view)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::register_reply)
