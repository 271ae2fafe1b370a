#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <caf/error.hpp>

#include "actors/replication/register_run.hpp"

namespace tandem {

class etcd_client;

struct register_reply {
  register_outcome outcome = register_outcome::unavailable;
  /// As far as it was seen.
  register_view view;
  /// What happened and how to mend it; empty with `done`.
  std::string text;

  [[nodiscard]] bool ok() const { return outcome == register_outcome::done; }
  /// `conflict` for fenced and held, `unavailable` for unknown; none when done.
  [[nodiscard]] caf::error error() const;
};

struct register_options {
  /// The highest epoch that this node's own storage knows of: a record of a lower one means that
  /// etcd was put back.
  std::uint64_t known_epoch = 0;
  /// Compare-and-swaps of one operation before it ends as `unknown` or `unavailable`.
  std::uint32_t tries_max = 8;
  /// A watch reads the record at least as often, should etcd's stream have stalled.
  std::chrono::milliseconds check_interval{2000};
};

/// The record of one journal in etcd, as one node sees and changes it. Every change is a
/// compare-and-swap on the version last read; decisions come from linearizable reads only. Callable
/// from any thread; callbacks come on the HTTP loop's thread, must not block, and every one is
/// called exactly once (but for a watch's). For actors: etcd_mail.hpp.
class journal_register {
 public:
  using callback = std::function<void(register_reply)>;

  journal_register(std::shared_ptr<etcd_client> etcd, std::string cluster, journal_id journal,
                   journal_holder self, register_options options = register_options{});
  journal_register(const journal_register&) = delete;
  journal_register& operator=(const journal_register&) = delete;
  /// Operations under way end on their own; the watch ends.
  ~journal_register();

  /// `lease`: an etcd lease (etcd_lease::id) for operations that make the caller primary (`create`,
  /// `take_over`, `hold`); 0 with the others. Of one register, one operation is at work at a time,
  /// others wait (at most 64, more are refused as `unavailable`).
  void perform(register_operation operation, std::int64_t lease, callback done);
  /// Linearizable.
  void read(callback done);

  /// Somebody has looked at an etcd that was put back: what it says from now on counts, whatever
  /// this register saw before. See also etcd_client::acknowledge().
  void acknowledge();

  /// Calls `changed` with the state now and after each change, until the next watch() or the end;
  /// `done` views only. Trouble goes to `trouble` (an etcd that cannot be reached, or `corrupted`)
  /// once until it is over. One a register; replaces the former.
  void watch(std::function<void(const register_view&)> changed,
             std::function<void(const register_reply&)> trouble);

 private:
  class core;
  std::shared_ptr<core> core_;
};

}  // namespace tandem
