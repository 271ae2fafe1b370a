#include "actors/weight_sync/weight_book.hpp"

#include <algorithm>
#include <cstring>

#include "actors/weight_sync/weight_names.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t model_bytes_max = 256;
constexpr std::uint64_t epoch_max = std::uint64_t{1} << 48;
constexpr std::uint32_t number_max = 1u << 30;
// More is nobody's.
constexpr std::size_t versions_max = 100'000;
constexpr std::size_t models_max = 10'000;

template <class Message>
std::string to_bytes(const Message& of) {
  auto bytes = of.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class Message>
caf::expected<Message> from_bytes(std::string_view bytes) {
  return Message::parse(std::as_bytes(std::span{bytes.data(), bytes.size()}), record_limits);
}

}  // namespace

weight_hash manifest_of(schema::WeightVersion::Reader version) {
  weight_hash out{};
  auto bytes = version.getManifest();
  if (bytes.size() == out.size()) std::memcpy(out.data(), bytes.begin(), out.size());
  return out;
}

bool is_sound(std::string_view model, std::uint64_t epoch) {
  return !model.empty() && model.size() <= model_bytes_max && epoch < epoch_max;
}

std::string why_bad(schema::WeightVersion::Reader version) {
  auto model = view(version.getModel());
  if (model.empty() || model.size() > model_bytes_max) return "it names no model";
  if (auto why = why_no_version(view(version.getVersion())); !why.empty()) return why;
  if (version.getManifest().size() != weight_hash{}.size()) return "its manifest's hash is no hash";
  if (version.getNumber() == 0 || version.getNumber() > number_max)
    return "its number is none that is counted to";
  return {};
}

message<schema::WeightRoll> to_message(const roll_record& roll) {
  message_builder<schema::WeightRoll> out;
  write(roll, *out);
  return out.finish();
}

caf::error weight_book::add(const weight_version& version) {
  auto reader = version.read();
  if (auto why = why_bad(*reader); !why.empty())
    return make_error(errc::malformed_message, "a weight version cannot be used: " + why);
  key at{std::string{view(reader->getModel())}, std::string{view(reader->getVersion())}};
  if (versions_.size() >= versions_max && !versions_.contains(at))
    return make_error(errc::overloaded, "too many weight versions are known");
  auto [found, is_new] = versions_.emplace(at, version);
  if (is_new || manifest_of(*found->second.read()) == manifest_of(*reader)) return caf::none;
  return make_error(errc::conflict,
                    "version '" + at.second + "' of model '" + at.first +
                        "' is known with other bytes, and a version never changes; give these "
                        "another name, as with --version " +
                        next_version(at.second));
}

void weight_book::remove(const std::string& model, const std::string& version) {
  versions_.erase({model, version});
}

bool weight_book::want(const std::string& model, const wanted_version& wanted) {
  if (wanted_.size() >= models_max && !wanted_.contains(model)) return false;
  auto& known = wanted_[model];
  // Two of one epoch: every node takes the same.
  if (std::pair{wanted.epoch, std::string_view{wanted.version}} <=
      std::pair{known.epoch, std::string_view{known.version}})
    return false;
  known = wanted;
  return true;
}

bool weight_book::note(const roll_record& roll) {
  if (rolls_.size() >= models_max && !rolls_.contains(roll.model)) return false;
  auto [found, is_new] = rolls_.try_emplace(roll.model, roll);
  if (is_new) return true;
  auto& known = found->second;
  if (std::pair{roll.epoch, roll.sequence} <= std::pair{known.epoch, known.sequence}) return false;
  known = roll;
  return true;
}

const weight_version* weight_book::find(std::string_view model, std::string_view version) const {
  auto found = versions_.find({std::string{model}, std::string{version}});
  return found == versions_.end() ? nullptr : &found->second;
}

std::vector<weight_version> weight_book::versions(std::string_view model) const {
  std::vector<weight_version> out;
  for (const auto& [at, version] : versions_)
    if (model.empty() || at.first == model) out.push_back(version);
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    auto left = a.read();
    auto right = b.read();
    return std::pair{view(left->getModel()), left->getNumber()} <
           std::pair{view(right->getModel()), right->getNumber()};
  });
  return out;
}

const weight_version* weight_book::newest(std::string_view model) const {
  const weight_version* out = nullptr;
  for (const auto& [at, version] : versions_)
    if (at.first == model &&
        (out == nullptr || out->read()->getNumber() < version.read()->getNumber()))
      out = &version;
  return out;
}

std::uint32_t weight_book::next_number(std::string_view model) const {
  const auto* last = newest(model);
  return last == nullptr ? 1 : last->read()->getNumber() + 1;
}

const wanted_version* weight_book::wanted(std::string_view model) const {
  auto found = wanted_.find(std::string{model});
  return found == wanted_.end() ? nullptr : &found->second;
}

const roll_record* weight_book::roll(std::string_view model) const {
  auto found = rolls_.find(model);
  return found == rolls_.end() ? nullptr : &found->second;
}

std::uint64_t weight_book::next_epoch(std::string_view model) const {
  std::uint64_t highest = 0;
  if (const auto* now = wanted(model)) highest = now->epoch;
  if (const auto* last = roll(model)) highest = std::max(highest, last->epoch);
  return highest + 1;
}

std::string encode(const weight_version& version) {
  return to_bytes(version);
}

std::string encode(const roll_record& roll) {
  return to_bytes(to_message(roll));
}

std::string encode(const wanted_version& wanted) {
  message_builder<schema::WeightWanted> out;
  out->setVersion(wanted.version);
  out->setEpoch(wanted.epoch);
  return to_bytes(out.finish());
}

caf::expected<weight_version> decode_version(std::string_view bytes) {
  return from_bytes<weight_version>(bytes);
}

caf::expected<roll_record> decode_roll(std::string_view bytes) {
  auto message = from_bytes<tandem::message<schema::WeightRoll>>(bytes);
  if (!message) return std::move(message.error());
  return read_roll(*message->read());
}

caf::expected<wanted_version> decode_wanted(std::string_view bytes) {
  auto message = from_bytes<tandem::message<schema::WeightWanted>>(bytes);
  if (!message) return std::move(message.error());
  auto reader = message->read();
  return wanted_version{std::string{view(reader->getVersion())}, reader->getEpoch()};
}

}  // namespace tandem
