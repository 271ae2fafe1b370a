#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include "actors/gateway/keys/key_book.hpp"
#include "actors/gateway/keys/key_gate.hpp"
#include "schema/types.hpp"

namespace tandem {

/// All that a gateway does about API keys but the sending: the book, its file, the gate, the
/// counters' file. Its functions are for one owner, one at a time; gate() is for all threads. Those
/// that change the book wait for the disk (some milliseconds). Times are Unix milliseconds.
class key_office {
 public:
  /// `DATA/keys` and `DATA/keys.use`, where they are. `corrupted`, `storage_failed`: the text says
  /// what to do with which file. Damaged counters alone are set aside, see remark().
  [[nodiscard]] static caf::expected<std::unique_ptr<key_office>> open(
      const std::filesystem::path& data_folder, std::uint64_t now_ms);
  key_office(const key_office&) = delete;
  key_office& operator=(const key_office&) = delete;

  /// `create`: the report has the secret, this once. `list`: by id, those after `key.id`, as many
  /// as fit into one message; ask again with the last one's id until nothing comes. `revoke`: the
  /// key as it is now; again is no error. What changed is on disk when this returns.
  /// `invalid_argument`, `not_found`, `overloaded` (10,000 keys), `storage_failed` (nothing
  /// changed).
  [[nodiscard]] caf::expected<tmsg::keyrpt> handle(const tmsg::keycmd& command,
                                                   std::uint64_t now_ms);

  /// From another gateway. True: something was new, and is on disk; news_since_last() has it.
  /// Entries that no gateway makes, or that find no room, are left out. `storage_failed`: they are
  /// obeyed until the next start.
  [[nodiscard]] caf::expected<bool> take(const tmsg::keynews& news);

  /// Everything, for a gateway that is met: messages of at most 200 KiB, none when there are no
  /// keys.
  [[nodiscard]] std::vector<tmsg::keynews> news() const;
  /// What has changed here since the last call, whether by a command or by news from others: for
  /// all other gateways. What goes in circles ends, since only what is new is told.
  [[nodiscard]] std::vector<tmsg::keynews> news_since_last();

  [[nodiscard]] const std::shared_ptr<key_gate>& gate() const { return gate_; }

  /// Writes the counters if any has changed; call it once a second, and at the end. What a kill -9
  /// takes is what was counted since: a budget may be overdrawn by a second's spending.
  [[nodiscard]] caf::error save_use(std::uint64_t now_ms);

  [[nodiscard]] std::size_t size() const { return book_.entries().size(); }
  /// For the log at the start; empty: nothing to say.
  [[nodiscard]] const std::string& remark() const { return remark_; }

 private:
  explicit key_office(std::filesystem::path data_folder);

  [[nodiscard]] caf::expected<tmsg::keyrpt> create(schema::ApiKey::Reader wish,
                                                   std::uint64_t now_ms);
  [[nodiscard]] caf::expected<tmsg::keyrpt> revoke(std::string_view id, std::uint64_t now_ms);
  [[nodiscard]] caf::expected<tmsg::keyrpt> list(std::string_view after,
                                                 std::uint64_t now_ms) const;
  /// The book with `entry` in it, on disk; then here.
  [[nodiscard]] caf::error keep(schema::ApiKey::Reader entry);
  void forget_old(std::uint64_t now_ms);
  [[nodiscard]] caf::error save_book(const key_book& book) const;
  void fill_report(schema::KeyUse::Builder out, const key_entry& entry, std::uint64_t now_ms) const;

  std::filesystem::path folder_;
  key_book book_;
  std::shared_ptr<key_gate> gate_;
  /// Changed since news_since_last().
  std::set<std::string> fresh_;
  std::uint64_t saved_changes_ = 0;
  std::string remark_;
};

}  // namespace tandem
