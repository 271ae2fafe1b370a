#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "actors/engine/engine_config.hpp"

namespace tandem {

/// Which weights of this node's folder engines are started with, in place of those of their config:
/// an engine that is started anew after an update comes back with the new ones. Any thread.
class serving_weights {
 public:
  /// `path` empty: they are wanted, and not here.
  void set(const std::string& model, const std::string& version, std::filesystem::path path) {
    std::lock_guard lock{mutex_};
    models_.insert_or_assign(model, weights{version, std::move(path)});
  }
  void erase(const std::string& model) {
    std::lock_guard lock{mutex_};
    models_.erase(model);
  }
  /// While others may know of newer ones, engines take nothing when they start.
  void wait_for_others(bool wait) {
    std::lock_guard lock{mutex_};
    waits_ = wait;
  }
  /// `engine` as it is to be started.
  [[nodiscard]] engine_config apply(engine_config engine) const {
    std::lock_guard lock{mutex_};
    auto found = models_.find(engine.model);
    if (found == models_.end()) return engine;
    const auto& [version, path] = found->second;
    // A server's own word counts; one that says nothing may have come back with any weights.
    engine.awaits_weights = waits_ || path.empty() || engine.kind == "http";
    if (path.empty()) return engine;
    if (engine.kind == "embedded" || engine.kind == "managed") engine.path = path;
    if (engine.kind != "http") engine.weight_version = version;
    return engine;
  }

 private:
  struct weights {
    std::string version;
    std::filesystem::path path;
  };

  mutable std::mutex mutex_;
  std::map<std::string, weights> models_;
  bool waits_ = false;
};

}  // namespace tandem
