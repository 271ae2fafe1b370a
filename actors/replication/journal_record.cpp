#include "actors/replication/journal_record.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <simdjson.h>

#include "schema/errc.hpp"

namespace tandem {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t name_bytes_max = 63;
constexpr std::size_t address_bytes_max = 300;
constexpr std::uint64_t format = 1;

/// Nothing that JSON would have to escape or that would split a lease's text.
bool is_plain(std::string_view text, std::size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

std::string copy_json(const journal_copy& copy) {
  return "\"node\":\"" + copy.node + "\",\"replica\":" + std::to_string(copy.replica);
}

bool get_number(const object& fields, std::string_view key, std::uint64_t& out) {
  return fields[key].get(out) == simdjson::SUCCESS;
}

bool get_count(const object& fields, std::string_view key, std::uint32_t& out) {
  std::uint64_t number = 0;
  if (!get_number(fields, key, number) || number > std::numeric_limits<std::uint32_t>::max())
    return false;
  out = static_cast<std::uint32_t>(number);
  return true;
}

bool get_text(const object& fields, std::string_view key, std::size_t bytes_max, std::string& out) {
  std::string_view text;
  if (fields[key].get(text) != simdjson::SUCCESS || text.size() > bytes_max) return false;
  out = text;
  return true;
}

bool get_copy(const object& fields, journal_copy& out) {
  return get_text(fields, "node", name_bytes_max, out.node) &&
         get_number(fields, "replica", out.replica);
}

bool get_primary(const element& value, std::optional<journal_holder>& out) {
  if (value.is_null()) return true;
  object fields;
  auto& holder = out.emplace();
  return value.get(fields) == simdjson::SUCCESS && get_copy(fields, holder.copy) &&
         get_number(fields, "incarnation", holder.incarnation) &&
         get_text(fields, "address", address_bytes_max, holder.address);
}

bool get_in_sync(const simdjson::dom::array& list, std::vector<journal_copy>& out) {
  for (auto item : list) {
    object fields;
    if (out.size() == journal_copies_max || item.get(fields) != simdjson::SUCCESS ||
        !get_copy(fields, out.emplace_back()))
      return false;
  }
  return true;
}

bool get_record(const element& root, journal_record& out) {
  object fields;
  element primary;
  simdjson::dom::array in_sync;
  return root.get(fields) == simdjson::SUCCESS && get_number(fields, "epoch", out.epoch) &&
         get_count(fields, "copies", out.copies) &&
         get_count(fields, "min_in_sync", out.min_in_sync) &&
         fields["primary"].get(primary) == simdjson::SUCCESS && get_primary(primary, out.primary) &&
         fields["in_sync"].get(in_sync) == simdjson::SUCCESS && get_in_sync(in_sync, out.in_sync);
}

}  // namespace

bool journal_record::has(const journal_copy& copy) const {
  return std::find(in_sync.begin(), in_sync.end(), copy) != in_sync.end();
}

bool journal_record::is_led_by(const journal_holder& holder) const {
  return primary && primary->copy == holder.copy && primary->incarnation == holder.incarnation;
}

std::string problem_of(const journal_record& record) {
  if (record.epoch == 0) return "its epoch is 0";
  if (record.copies == 0 || record.copies > journal_copies_max)
    return "copies must be 1 to " + std::to_string(journal_copies_max);
  if (record.min_in_sync == 0 || record.min_in_sync > record.copies)
    return "min_in_sync must be 1 to copies";
  if (record.in_sync.empty() || record.in_sync.size() > record.copies)
    return "in_sync must have 1 to `copies` members";
  for (auto copy = record.in_sync.begin(); copy != record.in_sync.end(); ++copy) {
    if (!is_plain(copy->node, name_bytes_max)) return "a node's name is empty, too long or odd";
    if (std::any_of(record.in_sync.begin(), copy,
                    [copy](const auto& other) { return other.node == copy->node; }))
      return "in_sync has a node twice";
  }
  if (!record.primary) return {};
  if (!record.has(record.primary->copy)) return "its primary is not in sync";
  if (!is_plain(record.primary->address, address_bytes_max))
    return "the primary's address is empty, too long or odd";
  return {};
}

std::string to_text(const journal_record& record) {
  std::string out = "{\"format\":" + std::to_string(format);
  out += ",\"epoch\":" + std::to_string(record.epoch) + ",\"primary\":";
  if (record.primary)
    out += "{" + copy_json(record.primary->copy) +
           ",\"incarnation\":" + std::to_string(record.primary->incarnation) + ",\"address\":\"" +
           record.primary->address + "\"}";
  else
    out += "null";
  out += ",\"in_sync\":[";
  for (std::size_t i = 0; i < record.in_sync.size(); ++i)
    out += (i > 0 ? ",{" : "{") + copy_json(record.in_sync[i]) + "}";
  out += "],\"copies\":" + std::to_string(record.copies);
  return out + ",\"min_in_sync\":" + std::to_string(record.min_in_sync) + "}";
}

caf::expected<journal_record> parse_journal_record(std::string_view text) {
  auto wrong = [](std::string what) {
    return make_error(errc::corrupted, "the record of a journal in etcd: " + std::move(what));
  };
  if (text.size() > journal_record_bytes_max)
    return wrong("it is larger than " + std::to_string(journal_record_bytes_max) + " bytes");
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS)
    return wrong("it is no JSON");
  std::uint64_t written = 0;
  if (root["format"].get(written) != simdjson::SUCCESS) return wrong("it names no format");
  if (written != format)
    return wrong("it is of format " + std::to_string(written) + ", and this release knows " +
                 std::to_string(format) + "; update this node");
  journal_record out;
  if (!get_record(root, out)) return wrong("a field is missing or not what it should be");
  if (auto problem = problem_of(out); !problem.empty()) return wrong(std::move(problem));
  return out;
}

std::string journal_key(std::string_view cluster, journal_id journal) {
  return "/tandem/" + std::string{cluster} + "/journals/" + to_string(journal);
}

std::string journal_lease_key(std::string_view cluster, journal_id journal) {
  return journal_key(cluster, journal) + "/lease";
}

std::string lease_text(const journal_holder& holder, std::int64_t lease) {
  return holder.copy.node + " " + std::to_string(holder.copy.replica) + " " +
         std::to_string(holder.incarnation) + " " + std::to_string(lease);
}

bool is_lease_of(std::string_view lease_text, const journal_copy& copy) {
  return lease_text.starts_with(copy.node + " " + std::to_string(copy.replica) + " ");
}

}  // namespace tandem
