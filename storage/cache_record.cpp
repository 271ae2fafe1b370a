#include "storage/cache_record.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "storage/keys.hpp"

namespace tandem::storage {

namespace {

void append_u16(std::string& to, std::size_t value) {
  to.push_back(static_cast<char>(value >> 8 & 0xFF));
  to.push_back(static_cast<char>(value & 0xFF));
}

/// Takes fields off the front; once one does not fit, nothing does.
class field_reader {
 public:
  explicit field_reader(std::string_view bytes) : left_(bytes) {}

  std::string_view bytes(std::size_t size) {
    if (size > left_.size()) {
      is_good_ = false;
      left_ = {};
      return {};
    }
    const auto taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }
  std::uint64_t u64() {
    const auto from = bytes(sizeof(std::uint64_t));
    return from.empty() ? 0 : keys::read_u64(from);
  }
  std::uint32_t u32() {
    const auto from = bytes(sizeof(std::uint32_t));
    return from.empty() ? 0 : keys::read_u32(from);
  }
  std::size_t u16() {
    const auto from = bytes(2);
    if (from.empty()) return 0;
    return static_cast<std::size_t>(static_cast<unsigned char>(from[0])) << 8 |
           static_cast<unsigned char>(from[1]);
  }
  [[nodiscard]] bool is_good() const { return is_good_; }
  [[nodiscard]] std::string_view left() const { return left_; }

 private:
  std::string_view left_;
  bool is_good_ = true;
};

std::string_view chars_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string cache_content(const stored_item& of) {
  const auto words = chars_of(of.item.value.bytes());
  const auto& [tenant, model, weight_version] = of.facts;
  std::string out;
  out.reserve(32 + tenant.size() + model.size() + weight_version.size() + words.size());
  keys::append_u64(out, of.item.created_ms);
  keys::append_u64(out, of.item.expires_ms);
  keys::append_u32(out, of.item.compute_us);
  for (const auto* name : {&tenant, &model, &weight_version}) append_u16(out, name->size());
  return out.append(tenant).append(model).append(weight_version).append(words);
}

std::optional<cache_content_view> read_cache_content(std::string_view content) {
  field_reader in(content);
  cache_content_view view;
  view.created_ms = in.u64();
  view.expires_ms = in.u64();
  view.compute_us = in.u32();
  const auto tenant = in.u16();
  const auto model = in.u16();
  const auto weight_version = in.u16();
  view.tenant = in.bytes(tenant);
  view.model = in.bytes(model);
  view.weight_version = in.bytes(weight_version);
  view.words = in.left();
  if (!in.is_good() || view.words.empty() || view.words.size() % sizeof(capnp::word) != 0)
    return std::nullopt;
  return view;
}

std::optional<message_words> words_from(std::string_view bytes,
                                        const std::optional<capnp::StructSchema>& schema) {
  const auto size = bytes.size() / sizeof(capnp::word);
  auto words = std::make_shared_for_overwrite<capnp::word[]>(size);
  std::memcpy(words.get(), bytes.data(), size * sizeof(capnp::word));
  message_words result(std::move(words), size);
  if (schema && result.check(*schema, record_limits)) return std::nullopt;
  return result;
}

std::string hot_content(std::span<const cache_key> keys) {
  std::string out;
  out.reserve(keys.size() * sizeof(cache_key));
  for (const auto& key : keys)
    out.append(reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size());
  return out;
}

std::vector<cache_key> read_hot_content(std::string_view content) {
  std::vector<cache_key> keys(content.size() / sizeof(cache_key));
  for (auto& key : keys) {
    std::memcpy(key.bytes.data(), content.data(), key.bytes.size());
    content.remove_prefix(key.bytes.size());
  }
  return keys;
}

std::string purge_content(std::span<const purge_rule> rules) {
  std::string out;
  for (const auto& rule : rules) {
    keys::append_u64(out, rule.at_ms);
    for (const auto* name : {&rule.tier, &rule.tenant, &rule.model, &rule.weight_version}) {
      append_u16(out, name->size());
      out.append(*name);
    }
  }
  return out;
}

std::optional<std::vector<purge_rule>> read_purge_content(std::string_view content) {
  std::vector<purge_rule> rules;
  field_reader in(content);
  while (in.is_good() && !in.left().empty()) {
    auto& rule = rules.emplace_back();
    rule.at_ms = in.u64();
    for (auto* name : {&rule.tier, &rule.tenant, &rule.model, &rule.weight_version})
      *name = in.bytes(in.u16());
  }
  if (!in.is_good()) return std::nullopt;
  return rules;
}

}  // namespace tandem::storage
