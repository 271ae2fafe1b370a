#include "nodes/node/node_replication.hpp"

#include <atomic>
#include <future>
#include <utility>

#include <spdlog/spdlog.h>

#include "actors/etcd/etcd_client.hpp"
#include "actors/etcd/etcd_lease.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

constexpr std::chrono::seconds lease_wait{15};
constexpr std::chrono::seconds release_wait{2};
/// Of deciding whose the journal is, should others change the record meanwhile.
constexpr int home_tries = 5;

/// Registers answer every call.
register_reply wait_for(const std::function<void(journal_register::callback)>& ask) {
  auto answer = std::make_shared<std::promise<register_reply>>();
  auto reply = answer->get_future();
  ask([answer](register_reply got) { answer->set_value(std::move(got)); });
  return reply.get();
}

caf::error in_words(const register_reply& reply) {
  return make_error(code_of(reply.error()),
                    "etcd does not let this node open its journal: " + reply.text);
}

}  // namespace

node_replication::node_replication(const node_config& config, std::uint64_t incarnation)
    : config_{config},
      incarnation_{incarnation},
      address_{config.cluster.advertise.empty() ? to_string(config.listen)
                                                : config.cluster.advertise} {}

node_replication::~node_replication() = default;

caf::expected<std::shared_ptr<node_replication>> node_replication::open(
    const node_config& config, std::uint64_t incarnation, const std::shared_ptr<http_loop>& loop) {
  std::shared_ptr<node_replication> made{new node_replication{config, incarnation}};
  auto etcd = etcd_client::open(config.etcd, loop);
  if (!etcd) return std::move(etcd.error());
  made->etcd_ = std::move(*etcd);
  auto granted = std::make_shared<std::promise<void>>();
  auto is_granted = granted->get_future();
  auto told = std::make_shared<std::atomic_flag>();
  made->lease_ = std::make_unique<etcd_lease>(
      made->etcd_, config.replication.lease,
      etcd_lease::listener{.granted =
                               [granted, told](std::int64_t) {
                                 if (!told->test_and_set()) granted->set_value();
                               },
                           .lost =
                               [](std::int64_t, const std::string& why) {
                                 spdlog::warn("the lease in etcd is not certainly held why=\"{}\"",
                                              why);
                               }});
  if (is_granted.wait_for(lease_wait) != std::future_status::ready)
    return make_error(errc::unavailable,
                      "etcd at " + config.etcd.endpoints.front() +
                          " grants no lease, and a journal with copies is not opened without; see "
                          "that etcd runs and that etcd.endpoints names it");
  std::error_code failed;
  std::filesystem::create_directories(made->copies_folder(), failed);
  if (failed)
    return make_error(
        errc::storage_failed,
        "cannot make the folder " + made->copies_folder().string() + ": " + failed.message());
  return made;
}

std::filesystem::path node_replication::copies_folder() const {
  return config_.data / "copies";
}

std::shared_ptr<journal_register> node_replication::open_register(journal_id journal,
                                                                  const journal_copy& copy,
                                                                  std::uint64_t known_epoch) const {
  return std::make_shared<journal_register>(
      etcd_, config_.cluster.name, journal,
      journal_holder{.copy = copy, .incarnation = incarnation_, .address = address_},
      register_options{.known_epoch = known_epoch});
}

std::int64_t node_replication::lease() const {
  return lease_->is_held() ? lease_->id() : 0;
}

void node_replication::release() {
  auto released = std::make_shared<std::promise<void>>();
  auto done = released->get_future();
  lease_->release([released] { released->set_value(); });
  done.wait_for(release_wait);
}

caf::expected<std::shared_ptr<storage::journal>> node_replication::open_home(
    const storage::journal_options& options) {
  const auto& wanted = config_.replication;
  for (int i = 0; i < home_tries; ++i) {
    auto opened = storage::journal::open(options);
    if (!opened) return std::move(opened.error());
    std::shared_ptr<storage::journal> store{std::move(*opened)};
    auto copy = store->copy();
    if (!copy) return std::move(copy.error());
    home_ = {
        .journal = store->id(),
        .folder = options.folder,
        .self = {config_.name, *copy},
        .record = {},
        .agreement = open_register(store->id(), {config_.name, *copy}, store->position().epoch)};
    auto& agreement = *home_.agreement;
    auto seen = wait_for([&](auto done) { agreement.read(std::move(done)); });
    if (!seen.ok()) return in_words(seen);
    const auto decision = decide_home(seen.view, home_.self);
    if (decision == home_decision::follow) {
      auto place = copies_folder() / to_string(store->id());
      spdlog::warn(
          "the journal of this data folder goes on elsewhere; it is kept as a copy, and a "
          "new one begins journal={} folder={}",
          to_string(store->id()), place.string());
      home_ = {};
      store.reset();
      std::error_code failed;
      std::filesystem::rename(options.folder, place, failed);
      if (failed)
        return make_error(errc::storage_failed,
                          "cannot move the journal that goes on elsewhere to " + place.string() +
                              ": " + failed.message());
      continue;
    }
    auto operation = decision == home_decision::create
                         ? register_operation{register_create{wanted.copies, wanted.min_in_sync}}
                         : register_operation{register_take_over{}};
    auto led = wait_for([&](auto done) { agreement.perform(operation, lease(), std::move(done)); });
    // Another one was quicker: look again.
    if (led.outcome == register_outcome::held || led.outcome == register_outcome::fenced) continue;
    if (!led.ok()) return in_words(led);
    home_.record = *led.view.record;
    if (home_.record.copies != wanted.copies || home_.record.min_in_sync != wanted.min_in_sync) {
      auto resized = wait_for([&](auto done) {
        agreement.perform(register_resize{home_.record.epoch, wanted.copies, wanted.min_in_sync}, 0,
                          std::move(done));
      });
      if (resized.ok())
        home_.record = *resized.view.record;
      else
        spdlog::warn("the numbers of copies stay as they were why=\"{}\"", resized.text);
    }
    return store;
  }
  return make_error(errc::unavailable,
                    "whose the journal of this data folder is changes all the time in etcd");
}

}  // namespace tandem
