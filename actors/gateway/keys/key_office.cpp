#include "actors/gateway/keys/key_office.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "actors/gateway/keys/sealed_file.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// Of one message: below what CAF carries well, see DESIGN.
constexpr std::size_t news_bytes_max = 200 * 1024;
constexpr std::size_t file_bytes_max = record_limits.words_max * sizeof(capnp::word);
/// An expired key is shown for so long, and forgotten only where there is no room.
constexpr std::uint64_t expired_kept_ms = std::uint64_t{30} * 24 * 3600 * 1000;

sealed_file book_file(const std::filesystem::path& folder) {
  return {folder / "keys", "tandem keys 1",
          "put a copy back (another node's `keys` will do), or remove it: this node then gets the "
          "keys from the others, and has none if it is alone"};
}
sealed_file use_file(const std::filesystem::path& folder) {
  return {folder / "keys.use", "tandem key uses 1",
          "remove it: budgets of the period under way then begin again"};
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span{text.data(), text.size()});
}

tmsg::keynews make_news(std::span<const key_entry* const> entries) {
  message_builder<schema::KeyNews> out;
  auto list = out->initKeys(static_cast<unsigned>(entries.size()));
  for (unsigned i = 0; i < list.size(); ++i) list.setWithCaveats(i, *entries[i]->read());
  return out.finish();
}

/// In messages that are small enough.
std::vector<tmsg::keynews> split_news(std::span<const key_entry* const> entries) {
  std::vector<tmsg::keynews> out;
  std::size_t first = 0;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto size = entries[i]->bytes().size();
    if (i > first && bytes + size > news_bytes_max) {
      out.push_back(make_news(entries.subspan(first, i - first)));
      first = i;
      bytes = 0;
    }
    bytes += size;
  }
  if (first < entries.size()) out.push_back(make_news(entries.subspan(first)));
  return out;
}

std::vector<const key_entry*> all_of(const key_book& book) {
  std::vector<const key_entry*> out;
  for (const auto& [id, entry] : book.entries()) out.push_back(&entry);
  return out;
}

caf::expected<key_book> load_book(const sealed_file& file) {
  key_book out;
  auto content = file.read(file_bytes_max);
  if (!content) return std::move(content.error());
  if (!*content) return out;
  auto news = tmsg::keynews::parse(bytes_of(**content), record_limits);
  if (!news) return file.damaged("is damaged: " + message_of(news.error()));
  for (auto entry : news->read()->getKeys())
    if (auto taken = out.take(entry); !taken)
      return file.damaged("has an entry that is none: " + message_of(taken.error()));
  return out;
}

caf::expected<std::map<std::string, key_use>> load_use(const sealed_file& file) {
  std::map<std::string, key_use> out;
  auto content = file.read(file_bytes_max);
  if (!content) return std::move(content.error());
  if (!*content) return out;
  auto report = tmsg::keyrpt::parse(bytes_of(**content), record_limits);
  if (!report) return file.damaged("is damaged: " + message_of(report.error()));
  for (auto each : report->read()->getKeys())
    out[std::string{view(each.getKey().getId())}] = {.requests = each.getRequests(),
                                                     .refused = each.getRefused(),
                                                     .last_used_at_ms = each.getLastUsedAtMs(),
                                                     .spent = read_budget(each.getSpent())};
  return out;
}

void write_use(schema::KeyUse::Builder out, const key_use& use) {
  out.setRequests(use.requests);
  out.setRefused(use.refused);
  out.setLastUsedAtMs(use.last_used_at_ms);
  auto spent = out.initSpent();
  spent.setTokens(use.spent.tokens);
  spent.setCostNanousd(use.spent.cost_nanousd);
}

caf::error no_such_key(std::string_view id) {
  return make_error(errc::not_found,
                    "there is no key '" + std::string{cut(id, 64)} + "'; see `tandem keys list`");
}

}  // namespace

key_office::key_office(std::filesystem::path data_folder)
    : folder_{std::move(data_folder)}, gate_{std::make_shared<key_gate>()} {}

caf::expected<std::unique_ptr<key_office>> key_office::open(
    const std::filesystem::path& data_folder, std::uint64_t now_ms) {
  std::unique_ptr<key_office> out{new key_office{data_folder}};
  auto book = load_book(book_file(data_folder));
  if (!book) return std::move(book.error());
  out->book_ = std::move(*book);
  auto use = load_use(use_file(data_folder));
  if (!use) {
    // Who may call is not in it: a node that starts with fresh counters is better than none.
    auto file = use_file(data_folder).path();
    auto aside = file;
    aside += ".damaged";
    std::error_code failed;
    std::filesystem::rename(file, aside, failed);
    if (failed) return std::move(use.error());
    out->remark_ = "counters of API keys begin anew, and their file is set aside as " +
                   aside.string() + ": " + message_of(use.error());
    use = std::map<std::string, key_use>{};
  }
  for (const auto& [id, entry] : out->book_.entries()) {
    auto before = use->find(id);
    out->gate_->set(*entry.read(), before == use->end() ? key_use{} : before->second);
  }
  out->forget_old(now_ms);
  return out;
}

caf::expected<tmsg::keyrpt> key_office::handle(const tmsg::keycmd& command, std::uint64_t now_ms) {
  auto reader = command.read();
  switch (reader->getAction()) {
    case schema::KeyAction::CREATE:
      return create(reader->getKey(), now_ms);
    case schema::KeyAction::LIST:
      return list(view(reader->getKey().getId()), now_ms);
    case schema::KeyAction::REVOKE:
      return revoke(view(reader->getKey().getId()), now_ms);
    case schema::KeyAction::UNKNOWN:
      break;
  }
  return make_error(errc::invalid_argument, "keys can be created, listed and revoked");
}

caf::expected<tmsg::keyrpt> key_office::create(schema::ApiKey::Reader wish, std::uint64_t now_ms) {
  if (auto err = check_key_wish(wish)) return err;
  if (wish.getExpiresAtMs() != 0 && wish.getExpiresAtMs() <= now_ms)
    return make_error(errc::invalid_argument, "the key would have expired already");
  forget_old(now_ms);
  auto key = make_key();
  if (!key) return std::move(key.error());
  if (book_.find(key->id) != nullptr)
    return make_error(errc::internal, "two keys have the same id; try again");
  message_builder<schema::ApiKey> entry;
  entry.copy(wish);
  entry->setId(key->id);
  entry->setHash({key->hash.data(), key->hash.size()});
  entry->setCreatedAtMs(now_ms);
  entry->setChangedAtMs(now_ms);
  entry->setRevokedAtMs(0);
  auto made = entry.finish();
  if (auto err = keep(*made.read())) return err;
  message_builder<schema::KeyReport> report;
  fill_report(report->initKeys(1)[0], made, now_ms);
  report->setSecret(key->text);
  return report.finish();
}

caf::expected<tmsg::keyrpt> key_office::revoke(std::string_view id, std::uint64_t now_ms) {
  const auto* known = book_.find(id);
  if (known == nullptr) return no_such_key(id);
  if (known->read()->getRevokedAtMs() == 0) {
    message_builder<schema::ApiKey> entry;
    entry.copy(*known->read());
    // This node's clock may be behind that of the node that made it.
    auto at = std::max(now_ms, entry->getChangedAtMs() + 1);
    entry->setRevokedAtMs(at);
    entry->setChangedAtMs(at);
    auto changed = entry.finish();
    if (auto err = keep(*changed.read())) return err;
    known = book_.find(id);
  }
  message_builder<schema::KeyReport> report;
  fill_report(report->initKeys(1)[0], *known, now_ms);
  return report.finish();
}

caf::expected<tmsg::keyrpt> key_office::list(std::string_view after, std::uint64_t now_ms) const {
  const auto& entries = book_.entries();
  auto first = after.empty() ? entries.begin() : entries.upper_bound(after);
  auto last = first;
  unsigned count = 0;
  for (std::size_t bytes = 0; last != entries.end(); ++last, ++count) {
    bytes += last->second.bytes().size() + sizeof(key_use);
    if (count > 0 && bytes > news_bytes_max) break;
  }
  message_builder<schema::KeyReport> report;
  auto list = report->initKeys(count);
  unsigned i = 0;
  for (auto each = first; each != last; ++each) fill_report(list[i++], each->second, now_ms);
  return report.finish();
}

void key_office::fill_report(schema::KeyUse::Builder out, const key_entry& entry,
                             std::uint64_t now_ms) const {
  auto reader = entry.read();
  out.setKey(*reader);
  out.getKey().setHash({});
  write_use(out, gate_->use(view(reader->getId()), now_ms));
}

caf::error key_office::keep(schema::ApiKey::Reader entry) {
  auto next = book_;
  auto taken = next.take(entry);
  if (!taken) return std::move(taken.error());
  // The gate obeys what is on disk: a key that was told to somebody is one after a crash as well.
  if (auto err = save_book(next)) return err;
  book_ = std::move(next);
  gate_->set(entry);
  fresh_.emplace(view(entry.getId()));
  return caf::none;
}

void key_office::forget_old(std::uint64_t now_ms) {
  if (!book_.is_full() || now_ms < expired_kept_ms) return;
  std::vector<std::string> before;
  for (const auto& [id, entry] : book_.entries()) before.push_back(id);
  if (book_.forget_expired(now_ms - expired_kept_ms) == 0) return;
  for (const auto& id : before)
    if (book_.find(id) == nullptr) gate_->forget(id);
}

caf::expected<bool> key_office::take(const tmsg::keynews& news) {
  std::vector<std::string> changed;
  auto reader = news.read();
  for (auto entry : reader->getKeys()) {
    auto taken = book_.take(entry);
    if (taken && *taken) changed.emplace_back(view(entry.getId()));
  }
  if (changed.empty()) return false;
  for (const auto& id : changed)
    if (const auto* entry = book_.find(id)) gate_->set(*entry->read());
  // A full book may have let others go.
  if (gate_->size() > book_.entries().size())
    for (const auto& id : gate_->ids())
      if (book_.find(id) == nullptr) gate_->forget(id);
  fresh_.insert(changed.begin(), changed.end());
  if (auto err = save_book(book_)) return err;
  return true;
}

std::vector<tmsg::keynews> key_office::news() const {
  return split_news(all_of(book_));
}

std::vector<tmsg::keynews> key_office::news_since_last() {
  std::vector<const key_entry*> out;
  for (const auto& id : fresh_)
    if (const auto* entry = book_.find(id)) out.push_back(entry);
  fresh_.clear();
  return split_news(out);
}

caf::error key_office::save_book(const key_book& book) const {
  return book_file(folder_).write(make_news(all_of(book)).bytes());
}

caf::error key_office::save_use(std::uint64_t now_ms) {
  auto changes = gate_->changes();
  if (changes == saved_changes_) return caf::none;
  auto uses = gate_->uses(now_ms);
  message_builder<schema::KeyReport> report;
  auto list = report->initKeys(static_cast<unsigned>(uses.size()));
  unsigned i = 0;
  for (const auto& [id, use] : uses) {
    list[i].initKey().setId(id);
    write_use(list[i++], use);
  }
  if (auto err = use_file(folder_).write(report.finish().bytes())) return err;
  saved_changes_ = changes;
  return caf::none;
}

}  // namespace tandem
