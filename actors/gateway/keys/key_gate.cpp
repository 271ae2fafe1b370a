#include "actors/gateway/keys/key_gate.hpp"

#include <mutex>
#include <utility>

#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr const char* how_to_send =
    "send a key as `Authorization: Bearer KEY`; `tandem keys create` makes one";

key_limits read_limits(schema::ApiKey::Reader entry) {
  return {.requests_per_min = entry.getRequestsPerMin(),
          .tokens_per_min = entry.getTokensPerMin(),
          .concurrency = entry.getConcurrency(),
          .spend = read_budget(entry.getBudget()),
          .period_ms = entry.getBudgetPeriodMs(),
          .created_at_ms = entry.getCreatedAtMs()};
}

caf::error refused(const std::string& text) {
  return make_error(errc::not_authenticated, text);
}

}  // namespace

key_gate::key_gate() {
  auto open = std::make_shared<key_holder>();
  open->name = "without a key";
  open->is_admin = true;
  open->priority_max = 100;
  open->meter = std::make_shared<key_meter>(key_limits{});
  open_ = std::move(open);
}

key_gate::holder_ptr key_gate::find(std::string_view id) const {
  const std::shared_lock lock{mutex_};
  auto found = holders_.find(id);
  return found == holders_.end() ? nullptr : found->second;
}

caf::expected<key_gate::holder_ptr> key_gate::authenticate(std::string_view authorization,
                                                           std::uint64_t now_ms) {
  auto text = key_in_header(authorization);
  if (text.empty())
    return refused(std::string{"there is no API key in this request; "} + how_to_send);
  auto id = id_in_key(text);
  if (!id) return refused(std::string{"this is no valid API key; "} + how_to_send);
  auto hash = hash_key(text);
  auto holder = find(*id);
  // An unknown id is compared too, so that time does not tell it from a known one.
  auto is_right = same_hash(hash, holder ? holder->hash : key_hash_bytes{});
  if (!holder || !is_right) return refused(std::string{"this is no valid API key; "} + how_to_send);
  if (holder->revoked_at_ms != 0) {
    holder->meter->count_refused();
    return refused("this API key has been revoked; ask for a new one");
  }
  if (holder->expires_at_ms != 0 && now_ms >= holder->expires_at_ms) {
    holder->meter->count_refused();
    return refused("this API key has expired; ask for a new one");
  }
  return holder;
}

key_admission key_gate::admit(const key_holder& holder, std::uint64_t now_ms,
                              const budget& estimate) {
  return holder.meter->admit(now_ms, estimate);
}

void key_gate::set(schema::ApiKey::Reader entry, const key_use& before) {
  auto fresh = std::make_shared<key_holder>(read_holder(entry));
  auto limits = read_limits(entry);
  const std::unique_lock lock{mutex_};
  auto& place = holders_[fresh->id];
  if (place) {
    fresh->meter = place->meter;
    fresh->meter->change(limits);
  } else {
    fresh->meter = std::make_shared<key_meter>(limits, before);
  }
  if (fresh->revoked_at_ms != 0) fresh->meter->revoke();
  place = std::move(fresh);
}

void key_gate::forget(std::string_view id) {
  const std::unique_lock lock{mutex_};
  auto found = holders_.find(id);
  if (found == holders_.end()) return;
  found->second->meter->revoke();
  holders_.erase(found);
}

std::map<std::string, key_use> key_gate::uses(std::uint64_t now_ms) const {
  std::map<std::string, key_use> out;
  const std::shared_lock lock{mutex_};
  for (const auto& [id, holder] : holders_) {
    auto use = holder->meter->use(now_ms);
    if (use.requests != 0 || use.refused != 0) out.emplace(id, use);
  }
  return out;
}

key_use key_gate::use(std::string_view id, std::uint64_t now_ms) const {
  auto holder = find(id);
  return holder ? holder->meter->use(now_ms) : key_use{};
}

std::uint64_t key_gate::changes() const {
  std::uint64_t sum = 0;
  const std::shared_lock lock{mutex_};
  for (const auto& [id, holder] : holders_) sum += holder->meter->changes();
  return sum;
}

std::size_t key_gate::size() const {
  const std::shared_lock lock{mutex_};
  return holders_.size();
}

std::vector<std::string> key_gate::ids() const {
  std::vector<std::string> out;
  const std::shared_lock lock{mutex_};
  for (const auto& [id, holder] : holders_) out.push_back(id);
  return out;
}

}  // namespace tandem
