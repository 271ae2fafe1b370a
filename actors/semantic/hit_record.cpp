#include <algorithm>
#include <bit>
#include <cmath>

#include "actors/semantic/goal_hash.hpp"
#include "actors/semantic/hit_bound.hpp"

namespace tandem {
namespace {

/// magic, version, count of features, count of labels (all four bytes, little-endian), then a label
/// each: a byte a feature and one that says wrong; then the checksum of all before it.
constexpr std::uint32_t magic = 0x74686274;
constexpr std::uint32_t version = 1;
constexpr std::size_t header_size = 16;
constexpr std::size_t checksum_size = 8;
constexpr std::size_t label_size = hit_feature_count + 1;

void put(std::string& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
}

std::uint64_t get(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

}  // namespace

std::string hit_bound::save() const {
  std::string out;
  out.reserve(header_size + labels_.size() * label_size + checksum_size);
  put(out, magic, 4);
  put(out, version, 4);
  put(out, hit_feature_count, 4);
  put(out, labels_.size(), 4);
  bool full = labels_.size() == config_.labels_kept;
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    const auto& label = labels_[full ? (next_ + i) % labels_.size() : i];
    for (float v : label.features.values) put(out, static_cast<unsigned>(std::lround(v * 255)), 1);
    put(out, label.wrong ? 1 : 0, 1);
  }
  put(out, goal_hash(out), checksum_size);
  return out;
}

std::optional<std::string> hit_bound::restore(std::string_view record) {
  if (record.size() < header_size + checksum_size) return "the record is cut short";
  auto body = record.substr(0, record.size() - checksum_size);
  if (get(record.substr(0, 4)) != magic) return "this is no record of a hit bound";
  if (get(record.substr(4, 4)) != version) return "the record is of another version";
  if (get(record.substr(8, 4)) != hit_feature_count) return "the record has other features";
  if (get(record.substr(body.size())) != goal_hash(body)) return "the record is damaged";
  auto count = get(record.substr(12, 4));
  if (body.size() - header_size != count * label_size) return "the record's length is wrong";
  std::vector<hit_label> labels;
  auto first = count > config_.labels_kept ? count - config_.labels_kept : 0;
  for (auto i = first; i < count; ++i) {
    auto bytes = body.substr(header_size + i * label_size, label_size);
    hit_label label;
    for (std::size_t f = 0; f < hit_feature_count; ++f)
      label.features.values[f] = static_cast<float>(static_cast<unsigned char>(bytes[f])) / 255.F;
    auto wrong = static_cast<unsigned char>(bytes[hit_feature_count]);
    if (wrong > 1) return "the record has a label that is neither right nor wrong";
    label.wrong = wrong == 1;
    labels.push_back(label);
  }
  labels_ = std::move(labels);
  next_ = labels_.size() % config_.labels_kept;
  refit();
  return std::nullopt;
}

}  // namespace tandem
