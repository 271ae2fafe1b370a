#pragma once

#include <memory>

#include "actors/replication/copy_register.hpp"
#include "actors/replication/journal_register.hpp"

namespace tandem {

/// What a primary's committer asks, of the journal's record in etcd.
class register_copies final : public copy_register {
 public:
  explicit register_copies(std::shared_ptr<journal_register> record) : record_{std::move(record)} {}

  void add(std::uint64_t epoch, const agreed_copy& copy, callback done) override;
  void remove(std::uint64_t epoch, const agreed_copy& copy, callback done) override;

 private:
  std::shared_ptr<journal_register> record_;
};

/// What an outcome of the record means for the set of copies.
[[nodiscard]] replica_set::outcome outcome_for_set(register_outcome outcome) noexcept;

}  // namespace tandem
