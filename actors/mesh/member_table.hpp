#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <caf/expected.hpp>

#include "actors/mesh/cluster_config.hpp"
#include "schema/types.hpp"

namespace tandem {

/// One reading of both clocks. What is decided is decided by the first; the second is only shown.
struct moment {
  std::chrono::steady_clock::time_point at;
  std::uint64_t wall_ms = 0;
};

/// What the listeners of a node are told: a member, as it is now.
struct member_change {
  std::uint64_t incarnation = 0;
  schema::MemberState state = schema::MemberState::UNKNOWN;
  tmsg::member member;
};

using member_changes = std::vector<member_change>;

/// A node that should be connected to.
struct dial_wish {
  std::string address;
  /// The other side is to begin; after this, we do.
  std::chrono::steady_clock::time_point not_before;
};

/// Which nodes there are, as one of them sees it. What it hears itself decides; what others say of
/// third nodes is a hint, whom to connect to and whose journals wait. A node is `unknown` as long
/// as it is only heard of.
///
/// A session with a node begins with a Hello, of either side, and ends when one side gives the
/// other up. Sessions are counted, and both sides begin the one after the last that either gave up
/// (`Member.losses`): so both lose the same ones, even if one of them noticed nothing.
///
/// All that grows is bounded by `members_max`.
class member_table {
 public:
  using clock = std::chrono::steady_clock;

  /// `own`: its name, incarnation, protocol and address are what others must not share.
  member_table(const cluster_config& config, const tmsg::member& own);

  [[nodiscard]] const tmsg::member& own() const { return own_; }
  [[nodiscard]] std::uint64_t own_incarnation() const { return own_incarnation_; }
  /// What changes in a node while it runs: address, journals, draining, certificate. Name and
  /// incarnation stay. False: nothing changed.
  bool set_own(schema::Member::Reader member);

  struct meeting {
    std::uint64_t incarnation = 0;
    /// Nobody had said that it exists: others may not know it either.
    bool is_news = false;
    member_changes changes;
  };
  /// A node said Hello, or answered ours. `other_handles`: it has other actors than before, so what
  /// the old ones were asked is lost. Errors: `conflict` (cluster, protocol, name; both sides are
  /// named), `unavailable` (the same journal was heard of a moment ago from elsewhere: try again),
  /// `overloaded` (`members_max`), `invalid_argument` (nonsense).
  [[nodiscard]] caf::expected<meeting> meet(schema::Hello::Reader hello, bool other_handles,
                                            moment now);
  /// It gave a sign of life. Nothing happens unless there is a session with it.
  [[nodiscard]] member_changes heard(std::uint64_t incarnation, moment now);
  /// The connection to it is lost.
  [[nodiscard]] member_changes lose(std::uint64_t incarnation, moment now);
  /// It says good-bye (state `left`) or anything new of itself.
  [[nodiscard]] member_changes told(schema::Member::Reader member, moment now);
  /// A list of a node that there is a session with, itself first; else nothing happens.
  [[nodiscard]] member_changes learn(capnp::List<schema::Member>::Reader members, moment now);
  /// Whatever time alone brings. Call it at `next_deadline()`.
  [[nodiscard]] member_changes tick(moment now);
  [[nodiscard]] clock::time_point next_deadline() const;

  [[nodiscard]] bool in_session(std::uint64_t incarnation) const;
  /// Sorted; valid until anything changes.
  [[nodiscard]] std::vector<std::string_view> addresses_in_session() const;
  /// Whom there is a session with at this address.
  [[nodiscard]] std::optional<std::uint64_t> session_at(std::string_view address) const;
  [[nodiscard]] std::vector<std::uint64_t> sessions() const;
  [[nodiscard]] std::size_t size() const { return records_.size(); }
  [[nodiscard]] std::vector<dial_wish> wishes() const;

  /// To say to another node.
  [[nodiscard]] tmsg::hello hello(moment now) const;
  /// All members, this node first.
  [[nodiscard]] tmsg::memlist members(moment now) const;
  /// This node and at most one other, to tell of it.
  [[nodiscard]] tmsg::memlist news(std::optional<std::uint64_t> incarnation, moment now) const;

 private:
  struct record {
    std::string name;
    std::string address;
    std::vector<std::uint64_t> journals;
    /// As it said it, without what is said of it by others.
    tmsg::member facts;
    schema::MemberState state = schema::MemberState::UNKNOWN;
    std::uint64_t since_ms = 0;
    /// `gone` or `left` since.
    clock::time_point ended;
    /// By us; of a node that we only heard of, as others say.
    clock::time_point heard;
    clock::time_point learned;
    std::uint32_t session = 0;
    std::uint32_t losses = 0;
    bool is_met = false;
    /// Another node has its name now.
    bool is_replaced = false;

    [[nodiscard]] bool in_session() const {
      return state == schema::MemberState::ALIVE || state == schema::MemberState::SUSPECT;
    }
    [[nodiscard]] bool has_ended() const {
      return state == schema::MemberState::GONE || state == schema::MemberState::LEFT;
    }
  };
  using records = std::map<std::uint64_t, record>;

  [[nodiscard]] caf::error check_hello(schema::Hello::Reader hello) const;
  [[nodiscard]] caf::error replace_namesake(schema::Member::Reader member, moment now,
                                            member_changes& changes);
  void set_facts(record& of, schema::Member::Reader member) const;
  /// False: it said nothing new.
  bool renew_facts(record& of, schema::Member::Reader member) const;
  void enter(record& of, schema::MemberState state, moment now);
  void end_session(records::iterator of, schema::MemberState state, moment now,
                   member_changes& changes);
  void tell(records::const_iterator of, moment now, member_changes& changes) const;
  void hint(schema::Member::Reader member, moment now, member_changes& changes,
            std::size_t& evictions_left);
  /// Open here or on a node that there is a session with; sorted.
  [[nodiscard]] std::vector<std::uint64_t> journals_in_session() const;
  [[nodiscard]] static bool is_last_home(const record& of,
                                         const std::vector<std::uint64_t>& journals_in_session);
  /// Others of its name are not dialed any more, and forgotten unless journals of theirs wait.
  void retire_namesakes(std::uint64_t incarnation);
  void retire(std::uint64_t incarnation);
  /// Makes room for one more. False: everything there is counts more.
  bool make_room(bool for_met);
  /// Those that there are sessions with first; no more than one message carries.
  [[nodiscard]] std::vector<const record*> to_tell() const;
  void write(schema::Member::Builder out, const record& of, moment now) const;

  cluster_config config_;
  tmsg::member own_;
  std::uint64_t own_incarnation_;
  std::string own_name_;
  std::string own_address_;
  std::uint32_t own_protocol_;
  std::set<std::uint64_t> own_journals_;
  records records_;
  /// Earlier starts of nodes that are back: never again.
  std::set<std::uint64_t> retired_;
  std::deque<std::uint64_t> retired_order_;
};

}  // namespace tandem
