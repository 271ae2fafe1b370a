#include <future>
#include <utility>

#include "actors/etcd/etcd_client.hpp"
#include "actors/weight_sync/weight_agreement.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// The client answers every call within its own deadline.
etcd_result wait_for(const std::function<void(etcd_callback)>& ask) {
  auto answer = std::make_shared<std::promise<etcd_result>>();
  auto reply = answer->get_future();
  ask([answer](etcd_result got) { answer->set_value(std::move(got)); });
  return reply.get();
}

constexpr std::string_view version_part = "versions/";
constexpr std::string_view wanted_part = "wanted/";
constexpr std::string_view roll_part = "rolls/";
constexpr std::uint32_t page = 500;

class etcd_agreement : public weight_agreement {
 public:
  etcd_agreement(std::shared_ptr<etcd_client> etcd, const std::string& cluster,
                 std::shared_ptr<storage::weight_store> store)
      : etcd_{std::move(etcd)},
        prefix_{"/tandem/" + cluster + "/weights/"},
        store_{std::move(store)} {}

  caf::expected<weight_book> read() override {
    weight_book facts;
    std::vector<storage::weight_change> seen;
    etcd_range_query query{.key = prefix_, .range_end = etcd_prefix_end(prefix_), .limit = page};
    for (;;) {
      auto got = wait_for([&](auto done) { etcd_->range(query, std::move(done)); });
      if (!got.ok()) return got.error();
      if (got.reply.ranges.empty()) break;
      const auto& range = got.reply.ranges.front();
      for (const auto& entry : range.entries)
        if (auto err = take(facts, entry, seen)) return err;
      if (!range.has_more || range.entries.empty()) break;
      query.key = range.entries.back().key + '\0';
    }
    if (auto err = store_->write(seen)) return err;
    return facts;
  }

  caf::error add(const weight_version& version) override {
    auto reader = version.read();
    std::string model{view(reader->getModel())};
    std::string name{view(reader->getVersion())};
    auto key = prefix_ + std::string{version_part} + model + "/" + name;
    etcd_txn txn{
        .compares = {{.key = key, .what = etcd_compare::target::create_revision}},
        .success = {{.what = etcd_operation::kind::put, .key = key, .value = encode(version)}}};
    auto got = wait_for([&](auto done) { etcd_->txn(txn, std::move(done)); });
    if (got.ok() && got.reply.succeeded)
      return store_->write({{version_name(model, name), encode(version)}});
    if (!got.ok() && got.failure != etcd_failure::unknown_fate) return got.error();
    // It is there, perhaps by us.
    auto facts = read();
    if (!facts) return std::move(facts.error());
    if (facts->find(model, name) == nullptr)
      return make_error(errc::unavailable,
                        "etcd did not say whether it took version '" + name + "'; try again");
    return facts->add(version);
  }

  caf::error remove(const std::string& model, const std::string& version) override {
    auto key = prefix_ + std::string{version_part} + model + "/" + version;
    auto got = wait_for([&](auto done) { etcd_->erase(key, std::move(done)); });
    if (!got.ok()) return got.error();
    return store_->write({{version_name(model, version), std::nullopt}});
  }

  caf::error write(const roll_record& roll, const roll_mark& replaces,
                   const std::optional<wanted_version>& wanted) override {
    auto key = prefix_ + std::string{roll_part} + roll.model;
    auto now = wait_for([&](auto done) { etcd_->range({.key = key}, std::move(done)); });
    if (!now.ok()) return now.error();
    std::int64_t revision = 0;
    roll_mark mark;
    if (!now.reply.ranges.empty() && !now.reply.ranges.front().entries.empty()) {
      const auto& entry = now.reply.ranges.front().entries.front();
      auto there = decode_roll(entry.value);
      if (!there) return std::move(there.error());
      // Our own write, whose answer was lost. Two that take over at once choose the same numbers,
      // and what we write may have changed since: only equal bytes are the same write.
      auto is_ours = there->id == roll.id && there->coordinator == roll.coordinator &&
                     there->incarnation == roll.incarnation;
      if (is_ours && entry.value == encode(roll)) return keep(roll, wanted);
      revision = entry.mod_revision;
      mark = is_ours ? replaces : roll_mark{there->id, there->epoch, there->sequence};
    }
    if (mark != replaces)
      return make_error(errc::conflict,
                        "another node goes on with an update of model '" + roll.model + "'");
    etcd_txn txn{
        .compares = {{.key = key, .revision = revision}},
        .success = {{.what = etcd_operation::kind::put, .key = key, .value = encode(roll)}}};
    if (wanted)
      txn.success.push_back({.what = etcd_operation::kind::put,
                             .key = prefix_ + std::string{wanted_part} + roll.model,
                             .value = encode(*wanted)});
    auto got = wait_for([&](auto done) { etcd_->txn(txn, std::move(done)); });
    if (!got.ok()) return got.error();
    if (!got.reply.succeeded)
      return make_error(errc::conflict,
                        "another node goes on with an update of model '" + roll.model + "'");
    return keep(roll, wanted);
  }

  [[nodiscard]] bool is_shared() const override { return true; }

 private:
  caf::error keep(const roll_record& roll, const std::optional<wanted_version>& wanted) {
    std::vector<storage::weight_change> changes{{roll_name(roll.model), encode(roll)}};
    if (wanted) changes.push_back({wanted_name(roll.model), encode(*wanted)});
    return store_->write(changes);
  }

  caf::error take(weight_book& facts, const etcd_key_value& entry,
                  std::vector<storage::weight_change>& seen) {
    auto name = std::string_view{entry.key}.substr(prefix_.size());
    if (name.substr(0, version_part.size()) == version_part) {
      auto version = decode_version(entry.value);
      if (!version) return std::move(version.error());
      auto reader = version->read();
      seen.push_back({version_name(reader->getModel(), reader->getVersion()), entry.value});
      return facts.add(*version);
    }
    if (name.substr(0, wanted_part.size()) == wanted_part) {
      std::string model{name.substr(wanted_part.size())};
      auto wanted = decode_wanted(entry.value);
      if (!wanted) return std::move(wanted.error());
      facts.want(model, *wanted);
      seen.push_back({wanted_name(model), entry.value});
    } else if (name.substr(0, roll_part.size()) == roll_part) {
      auto roll = decode_roll(entry.value);
      if (!roll) return std::move(roll.error());
      facts.note(*roll);
      seen.push_back({roll_name(roll->model), entry.value});
    }
    return caf::none;
  }

  std::shared_ptr<etcd_client> etcd_;
  std::string prefix_;
  std::shared_ptr<storage::weight_store> store_;
};

}  // namespace

std::unique_ptr<weight_agreement> make_etcd_agreement(
    std::shared_ptr<etcd_client> etcd, const std::string& cluster,
    std::shared_ptr<storage::weight_store> store) {
  return std::make_unique<etcd_agreement>(std::move(etcd), cluster, std::move(store));
}

}  // namespace tandem
