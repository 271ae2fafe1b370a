#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "actors/replication/replica_set.hpp"

namespace tandem::test {

/// Three nodes with a journal of three copies, in one thread, moved by a seed: messages are lost,
/// late and doubled, disks lose what is unsynced or everything, the register answers late or not at
/// all, leases end at wrong moments. The code under test is replica_set and judge(); all else is a
/// model.
class replication_model {
 public:
  struct faults {
    int message_loss_percent = 10;
    int crash_percent = 2;
    int lost_disk_percent = 20;  // of crashes
    int register_loss_percent = 20;
    /// Leases end though their holders live.
    bool lease_loss = true;
    std::uint32_t min_in_sync = 1;
  };

  replication_model(std::uint64_t seed, faults with);

  /// Does `count` random things.
  void run(int count);
  /// Ends all faults, and waits until a write is acknowledged by every node that is up.
  void heal();

  /// What an invariant says; empty: all hold.
  [[nodiscard]] const std::string& broken() const { return broken_; }
  [[nodiscard]] std::size_t acknowledged() const { return acknowledged_.size(); }
  [[nodiscard]] std::size_t takeovers() const { return at_takeover_.size(); }
  [[nodiscard]] std::size_t removals() const { return removals_; }

 private:
  struct entry {
    storage::log_position at;
    std::uint64_t previous_epoch = 0;
    std::uint64_t value = 0;
    bool operator==(const entry&) const = default;
  };
  using log = std::vector<entry>;

  struct node {
    bool up = true;
    std::uint64_t copy = 0;
    log disk;
    std::size_t synced = 0;
    std::uint64_t known_epoch = 0;
    /// While it is primary.
    std::unique_ptr<replica_set> set;
    /// What was answered to clients in this epoch.
    std::uint64_t answered = 0;
    std::uint64_t run = 0;
  };

  /// The agreed record, as etcd holds it.
  struct record {
    std::uint64_t epoch = 0;
    std::uint64_t primary = 0;
    std::vector<std::uint64_t> in_sync;
    std::uint64_t version = 0;
  };

  using event = std::function<void()>;

  [[nodiscard]] std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  [[nodiscard]] bool chance(int percent) { return static_cast<int>(pick(100)) < percent; }
  [[nodiscard]] static storage::log_position end_of(const node& one);
  void later(event what);
  void send(std::size_t to, event what);
  void check(bool holds, const std::string& what);

  void step();
  [[nodiscard]] bool has_primary() const;
  void client_write(std::size_t at);
  void sync(std::size_t at);
  void crash(std::size_t at);
  void restart(std::size_t at);
  void take_over(std::size_t at);
  void begin_epoch(std::size_t at, const record& seen);
  void ask_changes(std::size_t at);
  void change_record(std::size_t at, replica_set::change what);
  void replicate(std::size_t from, std::size_t to);
  void receive(std::size_t at, std::uint64_t epoch, const log& entries, std::size_t from);
  void install(std::size_t at, std::uint64_t epoch, const log& all, std::size_t from);
  void send_ack(std::size_t from, std::size_t to);
  void answer(std::size_t at);

  std::mt19937_64 random_;
  faults with_;
  std::vector<node> nodes_;
  record record_;
  replica_set::time now_{std::chrono::hours{1}};
  std::vector<event> pending_;
  std::uint64_t next_value_ = 0;
  std::uint64_t next_copy_ = 0;
  std::size_t removals_ = 0;
  std::map<std::uint64_t, log> at_takeover_;
  std::map<std::uint64_t, entry> acknowledged_;
  std::string broken_;
};

}  // namespace tandem::test
