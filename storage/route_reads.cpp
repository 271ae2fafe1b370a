#include <algorithm>

#include "schema/errc.hpp"
#include "schema/ids.hpp"
#include "schema/text.hpp"
#include "storage/route_store_state.hpp"
#include "storage/storage_error.hpp"

namespace tandem::storage {

namespace {

constexpr std::size_t asides_said_max = 100;
constexpr std::size_t statistics_max = 65'536;
constexpr std::size_t states_max = 65'536;
constexpr std::size_t load_bytes_max = 64u << 20;
constexpr std::size_t sequence_bytes = sizeof(std::uint64_t);

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// A key may be anything: shown as hexadecimal digits where it is no text.
std::string shown(std::string_view name) {
  const bool is_plain = std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7F;
  });
  if (is_plain) return "'" + std::string(cut(name, 80)) + "'";
  std::string text = "0x";
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : name.substr(0, 40)) {
    text.push_back(digits[static_cast<unsigned char>(c) >> 4]);
    text.push_back(digits[static_cast<unsigned char>(c) & 0xF]);
  }
  return text;
}

std::string name_of_statistics(std::string_view key) {
  constexpr std::size_t model_at = 1 + sizeof(std::uint64_t) + sizeof(std::uint16_t);
  if (key.size() < model_at) return "statistics";
  return "the statistics of arm " + shown(key.substr(model_at)) + " from " +
         to_string(journal_id{keys::read_u64(key.substr(1))});
}

}  // namespace

std::string name_of_key(std::string_view key) {
  if (key.empty()) return "a record without a key";
  switch (static_cast<keys::tag>(key[0])) {
    case keys::tag::arm_statistics:
      return name_of_statistics(key);
    case keys::tag::decision:
      return "decision " + std::to_string(keys::number_of(keys::tag::decision, key).value_or(0));
    case keys::tag::route_setting:
      return "the setting";
    case keys::tag::route_change:
      return "change " + std::to_string(keys::number_of(keys::tag::route_change, key).value_or(0)) +
             " of the setting";
    case keys::tag::route_state:
      return "the state " + shown(key.substr(1));
    default:
      return "the record " + shown(key);
  }
}

void aside_list::add(std::string sentence) {
  if (std::find(sentences_.begin(), sentences_.end(), sentence) != sentences_.end()) return;
  if (sentences_.size() + 1 < asides_said_max)
    sentences_.push_back(std::move(sentence));
  else
    ++more_;
}

std::vector<std::string> aside_list::sentences() const {
  auto result = sentences_;
  if (more_ != 0) result.push_back("and " + std::to_string(more_) + " more");
  return result;
}

caf::error route_store::state::failure(const rocksdb::Status& status,
                                       std::string_view operation) const {
  return to_error(status, operation, folder);
}

caf::error route_store::state::check_open() const {
  if (db) return {};
  return make_error(errc::storage_failed, "what the router learned is closed since a write to " +
                                              folder +
                                              " failed; it is opened again with the next write");
}

std::optional<std::string_view> route_store::state::open_or_note(std::string_view key,
                                                                 std::string_view value,
                                                                 const std::string& what) const {
  const auto opened = open_record(key, value);
  if (opened.is == opened_record::kind::good) return opened.content;
  if (opened.is == opened_record::kind::later)
    asides.add(what + " was written by a later version (format " + std::to_string(opened.version) +
               ") and is not used");
  else
    asides.add(what + " is damaged (its checksum is wrong) and is not used");
  return std::nullopt;
}

void route_store::state::read_kind(
    route_family which, keys::tag kind, bool backwards,
    const std::function<bool(std::string_view, std::string_view)>& visit) const {
  const auto begin = keys::single(kind);
  const auto end = keys::end_of(kind);
  const rocksdb::Slice begin_slice(begin);
  const rocksdb::Slice end_slice(end);
  rocksdb::ReadOptions read;
  read.iterate_lower_bound = &begin_slice;
  read.iterate_upper_bound = &end_slice;
  const std::unique_ptr<rocksdb::Iterator> row(db->NewIterator(read, of(which)));
  for (backwards ? row->SeekToLast() : row->SeekToFirst(); row->Valid();
       backwards ? row->Prev() : row->Next()) {
    const auto key = row->key().ToStringView();
    const auto content = open_or_note(key, row->value().ToStringView(), name_of_key(key));
    if (content && !visit(key, *content)) return;
  }
  if (!row->status().ok())
    asides.add("some records of kind " + name_of_key(begin) +
               " cannot be read: " + row->status().ToString());
}

caf::expected<tmsg::decrec> route_store::state::read_decision(std::uint64_t id) const {
  const auto key = keys::numbered(keys::tag::decision, id);
  const auto name = name_of_key(key);
  std::string value;
  const auto status = db->Get(rocksdb::ReadOptions(), of(route_family::decisions), key, &value);
  if (status.IsNotFound())
    return make_error(errc::not_found, "there is no " + name + " among those that are kept");
  if (!status.ok()) {
    asides.add(name + " cannot be read: " + status.ToString());
    return failure(status, "reading " + name);
  }
  const auto content = open_or_note(key, value, name);
  if (!content || content->size() < sequence_bytes)
    return make_error(errc::corrupted,
                      name + " is damaged, or from a later version: it is set aside");
  auto parsed = tmsg::decrec::parse(bytes_of(content->substr(sequence_bytes)));
  if (parsed) return parsed;
  asides.add(name + " is unreadable (" + message_of(parsed.error()) + ") and is not used");
  return make_error(errc::corrupted, name + " is unreadable: " + message_of(parsed.error()));
}

std::optional<std::uint64_t> route_store::state::sequence_of(std::uint64_t id) const {
  const auto key = keys::numbered(keys::tag::decision, id);
  std::string value;
  if (!db->Get(rocksdb::ReadOptions(), of(route_family::decisions), key, &value).ok())
    return std::nullopt;
  const auto opened = open_record(key, value);
  if (opened.content.size() < sequence_bytes) return std::nullopt;
  return keys::read_u64(opened.content);
}

namespace {

/// Parses into `out`; what is no message is named.
template <class Message>
void parse_into(std::vector<Message>& out, std::string_view key, std::string_view content,
                aside_list& asides) {
  auto parsed = Message::parse(bytes_of(content));
  if (parsed)
    out.push_back(std::move(*parsed));
  else
    asides.add(name_of_key(key) + " is unreadable (" + message_of(parsed.error()) +
               ") and is not used");
}

}  // namespace

caf::expected<tmsg::decrec> route_store::decision(std::uint64_t id) const {
  const std::lock_guard lock(state_->mutex);
  if (auto err = state_->check_open()) return err;
  return state_->read_decision(id);
}

caf::expected<route_page> route_store::decisions_after(std::uint64_t after, std::size_t limit,
                                                       std::size_t bytes_max) const {
  const std::lock_guard lock(state_->mutex);
  if (auto err = state_->check_open()) return err;
  auto sequence = state_->first_sequence;
  if (after != 0)
    if (const auto place = state_->sequence_of(after)) sequence = std::max(sequence, *place + 1);
  route_page page;
  std::size_t bytes = 0;
  for (; sequence < state_->next_sequence; ++sequence) {
    std::string value;
    const auto status =
        state_->db->Get(rocksdb::ReadOptions(), state_->of(route_family::decisions),
                        keys::numbered(keys::tag::decision_order, sequence), &value);
    if (status.IsNotFound()) continue;
    if (!status.ok()) return state_->failure(status, "reading decisions");
    const auto id = keys::parse_number_value(value);
    if (!id || state_->sequence_of(*id) != sequence) {
      // Names what is damaged.
      if (id) (void)state_->read_decision(*id);
      continue;
    }
    auto decision = state_->read_decision(*id);
    if (!decision) continue;
    bytes += decision->bytes().size();
    const auto full = page.decisions.size() >= limit || bytes > bytes_max;
    page.more = full && !page.decisions.empty();
    if (page.more) return page;
    page.decisions.push_back(std::move(*decision));
  }
  return page;
}

caf::expected<std::vector<tmsg::rtchg>> route_store::changes(std::size_t limit) const {
  const std::lock_guard lock(state_->mutex);
  if (auto err = state_->check_open()) return err;
  std::vector<tmsg::rtchg> result;
  if (limit == 0) return result;
  state_->read_kind(route_family::meta, keys::tag::route_change, true,
                    [&](std::string_view key, std::string_view content) {
                      parse_into(result, key, content, state_->asides);
                      return result.size() < limit;
                    });
  return result;
}

route_memory route_store::load(std::size_t decisions_max) const {
  const std::lock_guard lock(state_->mutex);
  route_memory memory;
  if (!state_->db) return memory;
  auto& asides = state_->asides;
  state_->read_kind(route_family::statistics, keys::tag::arm_statistics, false,
                    [&](std::string_view key, std::string_view content) {
                      parse_into(memory.statistics, key, content, asides);
                      if (memory.statistics.size() < statistics_max) return true;
                      asides.add("statistics beyond the first 65,536 are not used");
                      return false;
                    });
  std::vector<tmsg::rtset> settings;
  state_->read_kind(route_family::meta, keys::tag::route_setting, false,
                    [&](std::string_view key, std::string_view content) {
                      parse_into(settings, key, content, asides);
                      return false;
                    });
  if (!settings.empty()) memory.setting = std::move(settings.front());
  state_->read_kind(route_family::meta, keys::tag::route_state, false,
                    [&](std::string_view key, std::string_view content) {
                      memory.states.push_back({std::string(key.substr(1)), std::string(content)});
                      return memory.states.size() < states_max;
                    });
  std::size_t bytes = 0;
  for (auto sequence = state_->next_sequence; sequence-- > state_->first_sequence;) {
    if (memory.decisions.size() >= decisions_max) break;
    std::string value;
    const auto status =
        state_->db->Get(rocksdb::ReadOptions(), state_->of(route_family::decisions),
                        keys::numbered(keys::tag::decision_order, sequence), &value);
    const auto id = status.ok() ? keys::parse_number_value(value) : std::nullopt;
    if (!id) continue;
    auto decision = state_->read_decision(*id);
    if (!decision || state_->sequence_of(*id) != sequence) continue;
    bytes += decision->bytes().size();
    if (bytes > load_bytes_max) break;
    memory.decisions.push_back(std::move(*decision));
  }
  memory.set_aside = asides.sentences();
  return memory;
}

}  // namespace tandem::storage
