#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include "actors/weight_sync/roll_record.hpp"
#include "actors/weights/weight_manifest.hpp"
#include "schema/message.hpp"

namespace tandem {

using weight_version = message<schema::WeightVersion>;

/// What is agreed on about weights, or known of it here.
class weight_book {
 public:
  using key = std::pair<std::string, std::string>;

  /// `conflict`: the version has other bytes here.
  [[nodiscard]] caf::error add(const weight_version& version);
  void remove(const std::string& model, const std::string& version);
  /// False: a newer one is known, or the same.
  bool want(const std::string& model, const wanted_version& wanted);
  /// The newest of each model, by epoch, then sequence. False: it is not newer.
  bool note(const roll_record& roll);

  /// Null: there is none.
  [[nodiscard]] const weight_version* find(std::string_view model, std::string_view version) const;
  /// Of one model, or of all when it is empty; by model, then number.
  [[nodiscard]] std::vector<weight_version> versions(std::string_view model) const;
  /// Null: there is none.
  [[nodiscard]] const weight_version* newest(std::string_view model) const;
  [[nodiscard]] std::uint32_t next_number(std::string_view model) const;
  [[nodiscard]] const wanted_version* wanted(std::string_view model) const;
  [[nodiscard]] const std::map<std::string, wanted_version>& wanted() const { return wanted_; }
  [[nodiscard]] const roll_record* roll(std::string_view model) const;
  [[nodiscard]] const std::map<std::string, roll_record, std::less<>>& rolls() const {
    return rolls_;
  }
  /// Above every epoch that is known of the model.
  [[nodiscard]] std::uint64_t next_epoch(std::string_view model) const;

 private:
  std::map<key, weight_version> versions_;
  std::map<std::string, wanted_version> wanted_;
  std::map<std::string, roll_record, std::less<>> rolls_;
};

[[nodiscard]] weight_hash manifest_of(schema::WeightVersion::Reader version);
/// Whether a model's name and an epoch from outside are within bounds.
[[nodiscard]] bool is_sound(std::string_view model, std::uint64_t epoch);
/// What is wrong with a version from outside; empty: nothing.
[[nodiscard]] std::string why_bad(schema::WeightVersion::Reader version);
[[nodiscard]] message<schema::WeightRoll> to_message(const roll_record& roll);

/// As they are kept, on the disk and in etcd.
[[nodiscard]] std::string encode(const weight_version& version);
[[nodiscard]] std::string encode(const roll_record& roll);
[[nodiscard]] std::string encode(const wanted_version& wanted);
[[nodiscard]] caf::expected<weight_version> decode_version(std::string_view bytes);
[[nodiscard]] caf::expected<roll_record> decode_roll(std::string_view bytes);
[[nodiscard]] caf::expected<wanted_version> decode_wanted(std::string_view bytes);

}  // namespace tandem
