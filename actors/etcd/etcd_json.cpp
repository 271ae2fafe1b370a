#include "actors/etcd/etcd_json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <simdjson.h>

namespace tandem {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto values = [] {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < digits.size(); ++i)
    table[static_cast<unsigned char>(digits[i])] = static_cast<std::int8_t>(i);
  return table;
}();

std::string base64_text(std::string_view bytes) {
  return "\"" + to_base64(bytes) + "\"";
}

std::string number(std::int64_t value) {
  return "\"" + std::to_string(value) + "\"";
}

/// Any text as a JSON string.
std::string escaped(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string compare_json(const etcd_compare& compare) {
  using target = etcd_compare::target;
  std::string out = R"({"result":"EQUAL","key":)" + base64_text(compare.key);
  switch (compare.what) {
    case target::create_revision:
      return out + R"(,"target":"CREATE","create_revision":)" + number(compare.revision) + "}";
    case target::mod_revision:
      return out + R"(,"target":"MOD","mod_revision":)" + number(compare.revision) + "}";
    case target::value:
      return out + R"(,"target":"VALUE","value":)" + base64_text(compare.value) + "}";
  }
  return out + "}";
}

std::string operation_json(const etcd_operation& operation) {
  using kind = etcd_operation::kind;
  switch (operation.what) {
    case kind::put:
      return R"({"request_put":)" + put_json(operation.key, operation.value, operation.lease) + "}";
    case kind::erase:
      return R"({"request_delete_range":)" + erase_json(operation.key) + "}";
    case kind::range:
      break;
  }
  return R"({"request_range":{"key":)" + base64_text(operation.key) + "}}";
}

template <class List, class Function>
std::string list_json(const List& list, Function function) {
  std::string out = "[";
  for (const auto& item : list) {
    if (out.size() > 1) out += ',';
    out += function(item);
  }
  return out + "]";
}

/// 64-bit numbers come as strings; what is 0 is left out. False: it is there and no number.
template <class Int>
bool get_number(const object& fields, std::string_view key, Int& out) {
  element value;
  if (fields[key].get(value) != simdjson::SUCCESS) return true;
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) {
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
    return failure == std::errc{} && end == text.data() + text.size() && !text.empty();
  }
  std::int64_t plain = 0;
  if (value.get(plain) != simdjson::SUCCESS || plain < 0) return false;
  out = static_cast<Int>(plain);
  return true;
}

bool get_flag(const object& fields, std::string_view key, bool& out) {
  element value;
  if (fields[key].get(value) != simdjson::SUCCESS) return true;
  return value.get(out) == simdjson::SUCCESS;
}

bool get_text(const object& fields, std::string_view key, std::string& out) {
  constexpr std::size_t text_bytes_max = 4096;
  element value;
  std::string_view text;
  if (fields[key].get(value) != simdjson::SUCCESS) return true;
  if (value.get(text) != simdjson::SUCCESS || text.size() > text_bytes_max) return false;
  out = text;
  return true;
}

bool get_bytes(const object& fields, std::string_view key, std::string& out) {
  element value;
  std::string_view text;
  if (fields[key].get(value) != simdjson::SUCCESS) return true;
  if (value.get(text) != simdjson::SUCCESS) return false;
  auto bytes = from_base64(text);
  if (!bytes) return false;
  out = std::move(*bytes);
  return true;
}

bool get_header(const object& fields, etcd_header& out) {
  object header;
  return fields["header"].get(header) == simdjson::SUCCESS &&
         get_number(header, "cluster_id", out.cluster_id) &&
         get_number(header, "member_id", out.member_id) &&
         get_number(header, "revision", out.revision) && out.revision >= 0;
}

bool get_entry(const object& fields, etcd_key_value& out) {
  return get_bytes(fields, "key", out.key) && get_bytes(fields, "value", out.value) &&
         get_number(fields, "create_revision", out.create_revision) &&
         get_number(fields, "mod_revision", out.mod_revision) &&
         get_number(fields, "lease", out.lease);
}

bool get_range(const object& fields, etcd_range& out) {
  array entries;
  if (!get_flag(fields, "more", out.has_more)) return false;
  if (fields["kvs"].get(entries) != simdjson::SUCCESS) return true;
  for (auto item : entries) {
    object entry;
    if (out.entries.size() == etcd_entries_max || item.get(entry) != simdjson::SUCCESS ||
        !get_entry(entry, out.entries.emplace_back()))
      return false;
  }
  return true;
}

bool get_responses(const object& fields, std::vector<etcd_range>& out) {
  constexpr std::size_t ranges_max = 128;
  array responses;
  if (fields["responses"].get(responses) != simdjson::SUCCESS) return true;
  for (auto item : responses) {
    object response;
    object range;
    if (item.get(response) != simdjson::SUCCESS) return false;
    if (response["response_range"].get(range) != simdjson::SUCCESS) continue;
    if (out.size() == ranges_max || !get_range(range, out.emplace_back())) return false;
  }
  return true;
}

bool get_reply(object fields, etcd_reply& out) {
  object inner;
  if (fields["result"].get(inner) == simdjson::SUCCESS) fields = inner;
  std::int64_t ttl = 0;
  constexpr std::int64_t ttl_max = 10'000'000;
  if (!get_header(fields, out.header) || !get_flag(fields, "succeeded", out.succeeded) ||
      !get_responses(fields, out.ranges) || !get_number(fields, "ID", out.lease) ||
      !get_number(fields, "TTL", ttl) || ttl > ttl_max || !get_text(fields, "token", out.token) ||
      !get_number(fields, "leader", out.leader) || !get_text(fields, "version", out.version))
    return false;
  // A lease that is gone: also below 0.
  out.ttl = std::chrono::seconds{std::max<std::int64_t>(ttl, 0)};
  // Of a range alone.
  if (fields["responses"].error() == simdjson::SUCCESS) return true;
  return get_range(fields, out.ranges.emplace_back());
}

/// Calls `function` with the root object; what it returns, or false.
template <class Function>
bool with_root(std::string_view json, Function function) {
  simdjson::dom::parser parser;
  object root;
  return parser.parse(json.data(), json.size()).get(root) == simdjson::SUCCESS && function(root);
}

bool get_events(const object& fields, std::vector<etcd_event>& out) {
  array events;
  if (fields["events"].get(events) != simdjson::SUCCESS) return true;
  for (auto item : events) {
    object event;
    object entry;
    std::string type;
    if (out.size() == etcd_events_max || item.get(event) != simdjson::SUCCESS ||
        event["kv"].get(entry) != simdjson::SUCCESS || !get_text(event, "type", type))
      return false;
    auto& next = out.emplace_back();
    next.is_erased = type == "DELETE";
    if (!get_entry(entry, next.entry) || next.entry.mod_revision <= 0) return false;
  }
  return true;
}

}  // namespace

std::string etcd_prefix_end(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  // All keys from here on.
  if (prefix.empty()) return std::string(1, '\0');
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    auto left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < left ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += k <= left ? digits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  auto padding = text.ends_with("==") ? 2u : text.ends_with("=") ? 1u : 0u;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto is_padding = i >= text.size() - padding;
    auto value = is_padding ? 0 : values[static_cast<unsigned char>(text[i])];
    if (value < 0) return std::nullopt;
    group = group << 6 | static_cast<std::uint32_t>(value);
    if (i % 4 != 3) continue;
    out += static_cast<char>(group >> 16 & 255);
    out += static_cast<char>(group >> 8 & 255);
    out += static_cast<char>(group & 255);
  }
  out.resize(out.size() - padding);
  return out;
}

std::string range_json(const etcd_range_query& query) {
  auto out = R"({"key":)" + base64_text(query.key);
  if (!query.range_end.empty()) out += R"(,"range_end":)" + base64_text(query.range_end);
  if (query.serializable) out += R"(,"serializable":true)";
  return out + R"(,"limit":)" + number(query.limit) + "}";
}

std::string put_json(std::string_view key, std::string_view value, std::int64_t lease) {
  auto out = R"({"key":)" + base64_text(key) + R"(,"value":)" + base64_text(value);
  if (lease != 0) out += R"(,"lease":)" + number(lease);
  return out + "}";
}

std::string erase_json(std::string_view key) {
  return R"({"key":)" + base64_text(key) + "}";
}

std::string txn_json(const etcd_txn& txn) {
  return R"({"compare":)" + list_json(txn.compares, compare_json) + R"(,"success":)" +
         list_json(txn.success, operation_json) + R"(,"failure":)" +
         list_json(txn.failure, operation_json) + "}";
}

std::string grant_json(std::chrono::seconds ttl) {
  return R"({"TTL":)" + number(ttl.count()) + "}";
}

std::string lease_json(std::int64_t id) {
  return R"({"ID":)" + number(id) + "}";
}

std::string login_json(std::string_view user, std::string_view password) {
  return R"({"name":)" + escaped(user) + R"(,"password":)" + escaped(password) + "}";
}

std::string watch_json(std::string_view key, std::string_view range_end,
                       std::int64_t from_revision) {
  auto out = R"({"create_request":{"key":)" + base64_text(key);
  if (!range_end.empty()) out += R"(,"range_end":)" + base64_text(range_end);
  return out + R"(,"progress_notify":true,"start_revision":)" + number(from_revision) + "}}";
}

std::optional<etcd_reply> read_reply(std::string_view json) {
  etcd_reply out;
  if (!with_root(json, [&](const object& root) { return get_reply(root, out); }))
    return std::nullopt;
  return out;
}

std::optional<etcd_refusal> read_refusal(std::string_view json) {
  constexpr std::size_t message_bytes_max = 300;
  etcd_refusal out;
  auto read = [&](object root) {
    object inner;
    // Within a stream.
    if (root["error"].get(inner) == simdjson::SUCCESS) root = inner;
    std::int64_t code = 2;
    std::string_view message;
    if (root["code"].get(code) != simdjson::SUCCESS &&
        root["grpc_code"].get(code) != simdjson::SUCCESS)
      code = 2;
    if (root["message"].get(message) != simdjson::SUCCESS &&
        root["error"].get(message) != simdjson::SUCCESS)
      return false;
    out.code = code >= 0 && code <= 16 ? static_cast<int>(code) : 2;
    out.message = message.substr(0, message_bytes_max);
    std::replace_if(
        out.message.begin(), out.message.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return true;
  };
  if (!with_root(json, read)) return std::nullopt;
  return out;
}

std::optional<etcd_watch_message> read_watch_message(std::string_view json) {
  etcd_watch_message out;
  auto read = [&](const object& root) {
    object result;
    return root["result"].get(result) == simdjson::SUCCESS && get_header(result, out.header) &&
           get_flag(result, "created", out.is_created) &&
           get_flag(result, "canceled", out.is_cancelled) &&
           get_number(result, "compact_revision", out.compact_revision) &&
           get_events(result, out.events);
  };
  if (!with_root(json, read)) return std::nullopt;
  return out;
}

}  // namespace tandem
