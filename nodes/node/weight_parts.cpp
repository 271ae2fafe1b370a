#include "nodes/node/weight_parts.hpp"

#include <spdlog/spdlog.h>

namespace tandem {
namespace {

/// Null: nothing can be kept about weights, and why is said.
std::shared_ptr<storage::weight_store> open_weight_store(const std::filesystem::path& folder) {
  auto opened = storage::weight_store::open(folder);
  if (opened) return std::move(*opened);
  spdlog::warn("weights: no versions can be kept or served why=\"{}\"", message_of(opened.error()));
  return nullptr;
}

}  // namespace

std::optional<weight_sync_start> weight_parts(const node_parts& parts) {
  const auto& config = parts.config;
  auto folder = config.weights.folder.empty() ? config.data / "weights" : config.weights.folder;
  auto store = open_weight_store(folder / "known");
  if (!store) return std::nullopt;
  auto versions = version_store::open(folder, {.bytes_max = config.weights.disk_max,
                                               .free_bytes_min = config.weights.disk_free_min});
  if (!versions) {
    spdlog::warn("weights: no versions can be kept or served why=\"{}\"",
                 message_of(versions.error()));
    return std::nullopt;
  }
  weight_sync_start start{
      .config = config.weights,
      .node = config.name,
      .incarnation = parts.incarnation,
      .has_cluster = !config.cluster.join.empty(),
      .versions = std::move(*versions),
      .store = store,
      .serving = parts.serving,
      .tls = parts.tls,
      .host = parts.host,
      .engines = [registry = parts.registry] { return registry->all(); },
  };
  if (start.config.host.empty()) start.config.host = config.listen.host;
  if (parts.etcd)
    start.agreement = make_etcd_agreement(parts.etcd, config.cluster.name, store);
  else
    start.agreement = make_local_agreement(store);
  // Engines start with what they served last.
  std::vector<std::string> remarks;
  if (auto facts = read_facts(*store, remarks))
    for (const auto& [model, wanted] : facts->wanted())
      if (const auto* version = facts->find(model, wanted.version)) {
        auto path = start.versions->path_of(manifest_of(*version->read()));
        parts.serving->set(model, wanted.version, path ? *path : std::filesystem::path{});
        parts.serving->wait_for_others(start.has_cluster || parts.etcd);
      }
  return start;
}

}  // namespace tandem
