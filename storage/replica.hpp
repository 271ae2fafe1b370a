#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include "schema/ids.hpp"
#include "storage/journal.hpp"
#include "storage/replication.hpp"

namespace tandem::storage {

/// A copy of a journal that lives elsewhere: applies what that one commits. The folder is a
/// journal's with a mark, so that it is not opened as a journal by mistake. One thread.
class replica {
 public:
  /// An existing folder, a copy or a journal (which then becomes a copy). `not_found` when there is
  /// none: begin with a snapshot; `conflict` when it holds another journal than `expected`; and
  /// what journal::open() answers.
  [[nodiscard]] static caf::expected<std::unique_ptr<replica>> open(const journal_options& options,
                                                                    journal_id expected);
  ~replica();

  [[nodiscard]] log_position position() const;
  /// The name of this copy, see copy_folder.hpp.
  [[nodiscard]] std::uint64_t copy() const;
  /// The highest epoch that it has heard of: writes of lower ones are refused from now on.
  [[nodiscard]] std::uint64_t known_epoch() const;
  void learn_epoch(std::uint64_t epoch);

  /// What applying came to.
  struct outcome {
    /// accept: all were applied or are there already. Else what stopped it; those before it are
    /// applied.
    verdict stopped = verdict::accept;
    /// `malformed_message`: a write is not fit to be applied, the copy is as before; otherwise the
    /// disk failed, and it applies nothing more until it is opened again.
    caf::error failure;
  };
  /// Consecutive writes in one batch with one sync, sent by the primary of `epoch`.
  [[nodiscard]] outcome apply(std::span<const replica_write> writes, std::uint64_t epoch,
                              durability level);

  /// Takes the mark away and opens the folder as the journal that it copied.
  [[nodiscard]] static caf::expected<std::unique_ptr<journal>> promote(
      std::unique_ptr<replica> copy);

 private:
  replica(std::unique_ptr<journal::state> state, std::uint64_t copy);

  [[nodiscard]] caf::error write_files(const replica_write& write, durability level);

  std::unique_ptr<journal::state> state_;
  std::uint64_t copy_ = 0;
  std::uint64_t known_epoch_ = 0;
  caf::error failed_;
};

}  // namespace tandem::storage
