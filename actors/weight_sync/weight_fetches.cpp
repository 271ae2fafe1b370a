#include <algorithm>
#include <cstring>

#include <spdlog/spdlog.h>
#include <caf/send.hpp>

#include "actors/clock.hpp"
#include "actors/weight_sync/weight_sync.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::uint64_t fetch_again_ms = 5000;
// Whoever has it may be on its way back.
constexpr std::uint64_t fetch_patience_ms = 60'000;
// As many as a manifest may have: a file's last chunk may be short.
constexpr std::size_t all_chunks_bytes = (65'536 + manifest_files_max) / 8;

weight_hash hash_from(capnp::Data::Reader bytes) {
  weight_hash out{};
  if (bytes.size() == out.size()) std::memcpy(out.data(), bytes.begin(), out.size());
  return out;
}

}  // namespace

std::vector<chunk_peer> weight_sync_state::holders(const weight_hash& manifest) const {
  std::vector<chunk_peer> out;
  for (const auto& [id, each] : peers) {
    if (each.news.empty()) continue;
    auto news = each.news.read();
    if (news->getUrl().size() == 0) continue;
    chunk_peer peer{.node = each.node, .url = std::string{view(news->getUrl())}};
    auto has = false;
    for (auto holding : news->getHoldings()) {
      auto hash = hash_from(holding.getManifest());
      if (holding.getComplete()) peer.complete.push_back(hash);
      if (hash != manifest) continue;
      has = true;
      auto have = holding.getHave();
      // Of all of it, however many chunks that is.
      peer.have = holding.getComplete() ? std::vector<std::uint8_t>(all_chunks_bytes, 0xFF)
                                        : std::vector<std::uint8_t>{have.begin(), have.end()};
    }
    if (has) out.push_back(std::move(peer));
  }
  return out;
}

void weight_sync_state::tell_fetches() {
  for (auto& [manifest, each] : fetches)
    if (each.mover) each.mover->peers(holders(manifest));
}

void weight_sync_state::bring(pointer self, const weight_version& version, std::uint64_t order,
                              std::optional<report_promise> waiting) {
  auto reader = version.read();
  auto manifest = manifest_of(*reader);
  auto& at = fetches[manifest];
  at.version = version;
  if (order != 0) at.orders.push_back(order);
  if (waiting) at.waiting.push_back(*waiting);
  if (start.versions->is_complete(manifest)) {
    at.complete = true;
    at.error.clear();
    return end_fetch(self, at, caf::none);
  }
  at.complete = false;
  if (at.mover || unix_ms() < at.retry_at_ms) return;
  at.error.clear();
  if (!start.tls)
    return end_fetch(
        self, at,
        make_error(errc::unavailable, "this node has no network, so it cannot fetch version '" +
                                          std::string{view(reader->getVersion())} + "'"));
  version_fetch_options options{.cert_file = start.tls->certificate,
                                .key_file = start.tls->key,
                                .ca_file = start.tls->ca,
                                .bytes_per_s = start.config.download_rate,
                                .deltas = start.config.differences};
  auto me = caf::actor_cast<caf::actor_addr>(self);
  auto post = [me] {
    if (auto target = caf::actor_cast<weight_sync_inside>(me))
      caf::anon_send(target, wake_atom_v, std::uint64_t{1});
  };
  version_fetch::events events{
      .on_progress =
          [letters = letters, manifest, post](const fetch_progress& progress) {
            {
              std::lock_guard lock{letters->mutex};
              letters->fetches[manifest].first = progress;
            }
            post();
          },
      .on_end =
          [letters = letters, manifest, post](const caf::error& err,
                                              const fetch_progress& progress) {
            {
              std::lock_guard lock{letters->mutex};
              letters->fetches[manifest] = {progress, err};
            }
            post();
          }};
  at.mover = std::make_unique<version_fetch>(start.versions, manifest, options, start.incarnation,
                                             std::move(events));
  at.moved_at_ms = unix_ms();
  at.mover->peers(holders(manifest));
  touch();
}

void weight_sync_state::look_after_fetches(pointer self) {
  auto now = unix_ms();
  for (auto& [manifest, each] : fetches) {
    auto waited_for = !each.orders.empty() || !each.waiting.empty();
    if (each.mover && now > each.moved_at_ms + fetch_patience_ms && holders(manifest).empty()) {
      each.mover.reset();
      end_fetch(self, each,
                make_error(errc::unavailable, "no node that is there has this version"));
    } else if (!each.mover && !each.complete && waited_for && now >= each.retry_at_ms) {
      auto version = each.version;
      bring(self, version, 0, std::nullopt);
    }
  }
}

void weight_sync_state::read_letters(pointer self) {
  decltype(letters->fetches) came;
  decltype(letters->added) read;
  {
    std::lock_guard lock{letters->mutex};
    came.swap(letters->fetches);
    read.swap(letters->added);
  }
  for (auto& [manifest, letter] : came) {
    auto found = fetches.find(manifest);
    if (found == fetches.end()) continue;
    found->second.progress = letter.first;
    found->second.moved_at_ms = unix_ms();
    touch();
    if (!letter.second) continue;
    found->second.mover.reset();
    end_fetch(self, found->second, *letter.second);
  }
  for (auto& [id, result] : read) added(self, id, std::move(result));
}

void weight_sync_state::end_fetch(pointer self, fetch& of, const caf::error& err) {
  auto version = of.version.read();
  of.complete = !err;
  of.error = err ? message_of(err) : std::string{};
  if (err) {
    of.retry_at_ms = unix_ms() + fetch_again_ms;
    last_error = of.error;
    spdlog::warn("weights: not fetched model={} version={} why=\"{}\"", view(version->getModel()),
                 view(version->getVersion()), of.error);
  } else {
    serve_from_folder();
  }
  touch();
  for (auto& promise : std::exchange(of.waiting, {})) {
    if (err)
      promise.deliver(err);
    else
      promise.deliver(report(view(version->getModel()),
                             "version '" + std::string{view(version->getVersion())} + "' is here"));
  }
  for (auto id : std::exchange(of.orders, {})) {
    auto order = waiting_orders.find(id);
    if (order == waiting_orders.end()) continue;
    auto told = order->second;
    waiting_orders.erase(order);
    if (err || told.read()->getAction() == schema::OrderAction::FETCH)
      outcome(self, told, err);
    else
      change_engine(self, told);
  }
}

void weight_sync_state::serve_from_folder() {
  for (const auto& [model, wanted] : facts.wanted()) {
    const auto* version = facts.find(model, wanted.version);
    // What they were started with, before anybody named it.
    if (version == nullptr) {
      start.serving->erase(model);
      continue;
    }
    auto path = start.versions->path_of(manifest_of(*version->read()));
    start.serving->set(model, wanted.version, path ? *path : std::filesystem::path{});
  }
}

void weight_sync_state::keep_few() {
  std::set<weight_hash> used;
  for (const auto& [model, wanted] : facts.wanted())
    if (const auto* version = facts.find(model, wanted.version))
      used.insert(manifest_of(*version->read()));
  for (const auto& [model, roll] : facts.rolls()) {
    if (roll.is_over()) continue;
    for (const auto& name : {roll.version, roll.before})
      if (const auto* version = facts.find(model, name)) used.insert(manifest_of(*version->read()));
    for (const auto& engine : roll.engines)
      if (const auto* version = facts.find(model, engine.before))
        used.insert(manifest_of(*version->read()));
  }
  for (const auto& [name, each] : engines)
    if (!each.status.empty())
      if (const auto* version = facts.find(view(each.status.read()->getModel()),
                                           view(each.status.read()->getWeightVersion())))
        used.insert(manifest_of(*version->read()));
  for (const auto& [manifest, each] : fetches)
    if (!each.complete) used.insert(manifest);
  std::map<std::string, std::uint32_t> kept;
  auto all = facts.versions({});
  for (auto version = all.rbegin(); version != all.rend(); ++version) {
    auto reader = version->read();
    auto manifest = manifest_of(*reader);
    if (!start.versions->is_complete(manifest) || used.contains(manifest)) continue;
    std::string model{view(reader->getModel())};
    if (++kept[model] <= start.config.keep) continue;
    if (auto err = start.versions->remove(manifest)) last_error = message_of(err);
    spdlog::info("weights: dropped model={} version={} kept={}", model, view(reader->getVersion()),
                 start.config.keep);
  }
}

}  // namespace tandem
