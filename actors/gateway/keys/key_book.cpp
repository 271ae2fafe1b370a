#include "actors/gateway/keys/key_book.hpp"

#include <cstring>
#include <utility>

#include "actors/budget.hpp"
#include "actors/gateway/keys/key_text.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t name_bytes_max = 256;
constexpr std::int32_t priority_limit = 100;

caf::error wrong(const std::string& text) {
  return make_error(errc::invalid_argument, text);
}

caf::error check_text(const char* what, capnp::Text::Reader text, bool may_be_empty) {
  auto content = view(text);
  if (content.empty() && !may_be_empty) return wrong(std::string{what} + " is empty");
  if (content.size() > name_bytes_max)
    return wrong(std::string{what} + " is longer than " + std::to_string(name_bytes_max) +
                 " bytes");
  while (!content.empty()) {
    auto next = decode_utf8(content);
    if (is_control(next.point)) return wrong(std::string{what} + " has control characters");
    content.remove_prefix(next.bytes);
  }
  return caf::none;
}

caf::error check_model(capnp::Text::Reader text) {
  if (auto err = check_text("the name of a model", text, false)) return err;
  auto star = view(text).find('*');
  if (star != std::string_view::npos && star + 1 != text.size())
    return wrong("'" + std::string{view(text)} +
                 "': a * may only be the last character of a model's name");
  return caf::none;
}

/// What makes one entry of an id greater than another, but for the bytes.
std::pair<bool, std::uint64_t> rank(schema::ApiKey::Reader entry) {
  return {entry.getRevokedAtMs() != 0, entry.getChangedAtMs()};
}

/// One form for what says the same, however it came.
kj::Array<capnp::word> canonical(schema::ApiKey::Reader entry) {
  return capnp::canonicalize(entry);
}

bool is_greater(schema::ApiKey::Reader left, schema::ApiKey::Reader right) {
  if (rank(left) != rank(right)) return rank(left) > rank(right);
  auto a = canonical(left);
  auto b = canonical(right);
  auto view_of = [](const kj::Array<capnp::word>& words) {
    return std::string_view{reinterpret_cast<const char*>(words.begin()),
                            words.size() * sizeof(capnp::word)};
  };
  return view_of(a) > view_of(b);
}

std::pair<std::uint64_t, std::string> age(schema::ApiKey::Reader entry) {
  return {entry.getCreatedAtMs(), std::string{view(entry.getId())}};
}

key_entry copy_of(schema::ApiKey::Reader entry) {
  message_builder<schema::ApiKey> out;
  out.copy(entry);
  return out.finish();
}

}  // namespace

caf::error check_key_wish(schema::ApiKey::Reader wish) {
  if (auto err = check_text("the key's name", wish.getName(), false)) return err;
  if (auto err = check_text("the tenant", wish.getTenant(), false)) return err;
  auto bytes = wish.getName().size() + wish.getTenant().size();
  if (wish.getModels().size() > key_book::models_max)
    return wrong("a key names at most " + std::to_string(key_book::models_max) +
                 " models; end a name with * for all that begin so");
  for (auto model : wish.getModels()) {
    if (auto err = check_model(model)) return err;
    bytes += model.size();
  }
  if (bytes > key_book::texts_bytes_max)
    return wrong("the names of a key's models are longer than " +
                 std::to_string(key_book::texts_bytes_max) + " bytes together");
  if (wish.getBudget().getCostNanousd() < 0) return wrong("a key's budget is below 0");
  if (wish.getPriorityMax() < -priority_limit || wish.getPriorityMax() > priority_limit)
    return wrong("a key's highest priority is not within -100 and 100");
  if (wish.getBudgetPeriodMs() != 0 && !read_budget(wish.getBudget()).limited())
    return wrong("a budget's period needs a budget, in tokens or dollars");
  return caf::none;
}

caf::error check_key_entry(schema::ApiKey::Reader entry) {
  if (!is_key_id(view(entry.getId()))) return wrong("no id of a key");
  if (entry.getHash().size() != key_hash_bytes{}.size()) return wrong("no hash of a key");
  if (entry.getCreatedAtMs() == 0 || entry.getChangedAtMs() < entry.getCreatedAtMs())
    return wrong("a key's times contradict each other");
  return check_key_wish(entry);
}

caf::expected<bool> key_book::take(schema::ApiKey::Reader entry) {
  if (auto err = check_key_entry(entry)) return err;
  auto id = view(entry.getId());
  if (auto known = entries_.find(id); known != entries_.end()) {
    if (!is_greater(entry, *known->second.read())) return false;
    known->second = copy_of(entry);
    return true;
  }
  if (is_full()) {
    auto youngest = entries_.begin();
    for (auto each = entries_.begin(); each != entries_.end(); ++each)
      if (age(*each->second.read()) > age(*youngest->second.read())) youngest = each;
    if (age(entry) > age(*youngest->second.read()))
      return make_error(errc::overloaded,
                        std::to_string(keys_max) +
                            " keys are known, and no more are kept; only expired ones make room, "
                            "so give keys an end: `tandem keys create --expires 90d`");
    entries_.erase(youngest);
  }
  entries_.emplace(std::string{id}, copy_of(entry));
  return true;
}

std::size_t key_book::forget_expired(std::uint64_t before_unix_ms) {
  return std::erase_if(entries_, [&](const auto& each) {
    auto expires = each.second.read()->getExpiresAtMs();
    return expires != 0 && expires < before_unix_ms;
  });
}

const key_entry* key_book::find(std::string_view id) const {
  auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace tandem
