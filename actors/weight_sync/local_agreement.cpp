#include "actors/weight_sync/weight_agreement.hpp"

#include <utility>

#include "schema/errc.hpp"

namespace tandem {
namespace {

// A model's name may have any byte but this one.
constexpr char separator = '\x1f';
constexpr std::string_view version_prefix = "version";
constexpr std::string_view wanted_prefix = "wanted";
constexpr std::string_view roll_prefix = "roll";

std::string joined(std::string_view kind, const std::string& model) {
  return std::string{kind} + separator + model;
}

/// False: not one of ours.
bool take(std::string_view& name, std::string_view kind) {
  if (name.substr(0, kind.size()) != kind || name.size() <= kind.size() ||
      name[kind.size()] != separator)
    return false;
  name.remove_prefix(kind.size() + 1);
  return true;
}

caf::error take_record(weight_book& facts, std::string_view name, std::string_view bytes) {
  if (take(name, version_prefix)) {
    auto version = decode_version(bytes);
    return version ? facts.add(*version) : version.error();
  }
  if (take(name, wanted_prefix)) {
    auto wanted = decode_wanted(bytes);
    if (!wanted) return wanted.error();
    facts.want(std::string{name}, *wanted);
  } else if (take(name, roll_prefix)) {
    auto roll = decode_roll(bytes);
    if (!roll) return roll.error();
    facts.note(*roll);
  }
  return caf::none;
}

class local_agreement : public weight_agreement {
 public:
  explicit local_agreement(std::shared_ptr<storage::weight_store> store)
      : store_{std::move(store)} {}

  caf::expected<weight_book> read() override {
    std::vector<std::string> remarks;
    auto facts = read_facts(*store_, remarks);
    if (facts && !remarks.empty()) return make_error(errc::corrupted, remarks.front());
    return facts;
  }

  caf::error add(const weight_version& version) override {
    auto facts = read();
    if (!facts) return std::move(facts.error());
    if (auto err = facts->add(version)) return err;
    auto reader = version.read();
    return store_->write(
        {{version_name(reader->getModel(), reader->getVersion()), encode(version)}});
  }

  caf::error remove(const std::string& model, const std::string& version) override {
    return store_->write({{version_name(model, version), std::nullopt}});
  }

  caf::error write(const roll_record& roll, const roll_mark& replaces,
                   const std::optional<wanted_version>& wanted) override {
    auto facts = read();
    if (!facts) return std::move(facts.error());
    const auto* now = facts->roll(roll.model);
    auto mark = now == nullptr ? roll_mark{} : mark_of(*now);
    if (mark != replaces)
      return make_error(errc::conflict, "another update of model '" + roll.model + "' is known");
    std::vector<storage::weight_change> changes{{roll_name(roll.model), encode(roll)}};
    if (wanted) changes.push_back({wanted_name(roll.model), encode(*wanted)});
    return store_->write(changes);
  }

  [[nodiscard]] bool is_shared() const override { return false; }

 private:
  std::shared_ptr<storage::weight_store> store_;
};

}  // namespace

std::string version_name(const std::string& model, const std::string& version) {
  return joined(version_prefix, model) + separator + version;
}

std::string wanted_name(const std::string& model) {
  return joined(wanted_prefix, model);
}

std::string roll_name(const std::string& model) {
  return joined(roll_prefix, model);
}

caf::expected<weight_book> read_facts(const storage::weight_store& store,
                                      std::vector<std::string>& remarks) {
  auto records = store.load();
  if (!records) return std::move(records.error());
  weight_book facts;
  for (const auto& [name, bytes] : *records)
    if (auto err = take_record(facts, name, bytes))
      remarks.push_back("what is kept of weights under '" + name +
                        "' cannot be read: " + message_of(err));
  return facts;
}

std::unique_ptr<weight_agreement> make_local_agreement(
    std::shared_ptr<storage::weight_store> store) {
  return std::make_unique<local_agreement>(std::move(store));
}

}  // namespace tandem
