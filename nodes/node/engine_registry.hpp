#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/engine/engine.hpp"
#include "actors/weight_sync/local_engine.hpp"

namespace tandem {

/// The engine actors of a node as they are now, and which of them are drained by hand: an engine
/// that is restarted after a crash is drained as before. Any thread.
class engine_registry {
 public:
  void put(const engine_config& config, engine_inside handle) {
    std::lock_guard lock{mutex_};
    engines_.insert_or_assign(config.name,
                              local_engine{config, caf::actor_cast<weight_engine>(handle)});
    handles_.insert_or_assign(config.name, std::move(handle));
  }
  /// As they run now, with the config that they were written down with.
  [[nodiscard]] std::vector<local_engine> all() const {
    std::lock_guard lock{mutex_};
    std::vector<local_engine> out;
    for (const auto& [name, engine] : engines_) out.push_back(engine);
    return out;
  }
  /// Null: there is none, or it was never started.
  [[nodiscard]] engine_inside find(const std::string& name) const {
    std::lock_guard lock{mutex_};
    auto found = handles_.find(name);
    return found == handles_.end() ? engine_inside{} : found->second;
  }
  void erase(const std::string& name) {
    std::lock_guard lock{mutex_};
    handles_.erase(name);
    engines_.erase(name);
    draining_.erase(name);
  }
  void set_draining(const std::string& name, bool is_draining) {
    std::lock_guard lock{mutex_};
    if (is_draining)
      draining_.insert(name);
    else
      draining_.erase(name);
  }
  [[nodiscard]] bool is_draining(const std::string& name) const {
    std::lock_guard lock{mutex_};
    return draining_.contains(name);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, engine_inside> handles_;
  std::map<std::string, local_engine> engines_;
  std::set<std::string> draining_;
};

}  // namespace tandem
