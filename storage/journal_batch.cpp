#include <utility>

#include "storage/journal_batch_state.hpp"
#include "storage/keys.hpp"

namespace tandem::storage {

namespace {

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

journal_batch::journal_batch() : state_(std::make_unique<state>()) {}
journal_batch::~journal_batch() = default;
journal_batch::journal_batch(journal_batch&&) noexcept = default;
journal_batch& journal_batch::operator=(journal_batch&&) noexcept = default;

void journal_batch::put_record(std::uint64_t job, std::uint32_t number,
                               std::span<const std::byte> record) {
  state_->changes.push_back(
      {state::kind::record, number, job, state_->arena.size(), record.size()});
  state_->arena.append(as_text(record));
}

void journal_batch::put_summary(std::uint64_t job, std::span<const std::byte> summary) {
  state_->changes.push_back({state::kind::summary, 0, job, state_->arena.size(), summary.size()});
  state_->arena.append(as_text(summary));
}

void journal_batch::open_job(std::uint64_t job) {
  state_->changes.push_back({state::kind::open, 0, job, 0, 0});
}

void journal_batch::close_job(std::uint64_t job) {
  state_->changes.push_back({state::kind::close, 0, job, 0, 0});
}

void journal_batch::put_client_key(std::string_view tenant, std::string_view key,
                                   std::uint64_t job) {
  state_->changes.push_back({state::kind::client_key, static_cast<std::uint32_t>(tenant.size()),
                             job, state_->arena.size(), tenant.size() + key.size()});
  state_->arena.append(tenant).append(key);
}

void journal_batch::add_spending(std::string_view tenant, std::uint64_t at_ms, std::uint64_t tokens,
                                 std::int64_t cost_nanousd) {
  state_->changes.push_back({state::kind::spending, 0, at_ms / ms_per_hour, state_->arena.size(),
                             2 * sizeof(std::uint64_t) + tenant.size()});
  keys::append_u64(state_->arena, tokens);
  keys::append_u64(state_->arena, static_cast<std::uint64_t>(cost_nanousd));
  state_->arena.append(tenant);
}

void journal_batch::clear() {
  state_->changes.clear();
  state_->arena.clear();
}

std::size_t journal_batch::bytes() const {
  return state_->arena.size() + state_->changes.size() * sizeof(state::change);
}

bool journal_batch::empty() const {
  return state_->changes.empty();
}

}  // namespace tandem::storage
