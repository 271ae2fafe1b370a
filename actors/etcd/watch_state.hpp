#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "actors/etcd/etcd_json.hpp"
#include "actors/etcd/etcd_types.hpp"

namespace tandem {

/// What a watch knows of its range: reads and events put together. Both carry revisions, so that
/// the order in which they arrive does not matter.
class watch_state {
 public:
  /// Everything up to here is in it; 0: nothing was read yet.
  [[nodiscard]] std::int64_t revision() const { return revision_; }

  /// A read of the whole range at `revision`. True: it is news.
  bool take(const etcd_range& range, std::int64_t revision) {
    if (revision < revision_) return false;
    std::map<std::string, etcd_key_value> next;
    for (const auto& entry : range.entries) next.emplace(entry.key, entry);
    auto is_news = revision_ == 0 || next != entries_;
    revision_ = revision;
    entries_ = std::move(next);
    return is_news;
  }
  /// The events of one message. True: some are news.
  bool take(const etcd_watch_message& message) {
    auto before = revision_;
    auto is_news = false;
    for (const auto& event : message.events) {
      const auto& entry = event.entry;
      if (entry.mod_revision <= before) continue;
      is_news = true;
      revision_ = std::max(revision_, entry.mod_revision);
      if (event.is_erased)
        entries_.erase(entry.key);
      else
        entries_[entry.key] = entry;
    }
    return is_news;
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] etcd_range range() const {
    etcd_range out;
    for (const auto& [key, entry] : entries_) out.entries.push_back(entry);
    return out;
  }
  void clear() {
    revision_ = 0;
    entries_.clear();
  }

 private:
  std::int64_t revision_ = 0;
  std::map<std::string, etcd_key_value> entries_;
};

}  // namespace tandem
