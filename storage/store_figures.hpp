#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::storage {

/// What RocksDB says of one database now. Asking takes some 20 us.
struct store_figures {
  /// Estimated, of all families.
  std::uint64_t keys = 0;
  std::uint64_t live_bytes = 0;
  /// Write buffers, blocks in the cache, readers of tables.
  std::uint64_t memory_bytes = 0;
  std::uint64_t pending_compaction_bytes = 0;
  /// Failed flushes and compactions since it was opened.
  std::uint64_t background_errors = 0;
  /// Writes are slowed down or stopped.
  bool stalled = false;
};

/// The databases of a node, for whoever shows their figures. Any thread.
class store_list {
 public:
  struct line {
    /// `journal`, `routing`, `cache`; several databases may have one name.
    std::string_view name;
    store_figures figures;
  };

  /// A store that is closed drops out. `name` outlives the list.
  template <class Store>
  void add(std::string_view name, const std::shared_ptr<Store>& store) {
    std::weak_ptr<Store> weak = store;
    std::lock_guard lock{mutex_};
    std::erase_if(entries_, [](const auto& each) { return each.is_closed(); });
    entries_.push_back({.name = name,
                        .is_closed = [weak] { return weak.expired(); },
                        .ask =
                            [weak] {
                              auto open = weak.lock();
                              return open ? open->database() : store_figures{};
                            }});
  }

  [[nodiscard]] std::vector<line> figures() const {
    std::lock_guard lock{mutex_};
    std::vector<line> lines;
    for (const auto& each : entries_)
      if (!each.is_closed()) lines.push_back({each.name, each.ask()});
    return lines;
  }

 private:
  struct entry {
    std::string_view name;
    std::function<bool()> is_closed;
    std::function<store_figures()> ask;
  };

  mutable std::mutex mutex_;
  std::vector<entry> entries_;
};

}  // namespace tandem::storage
