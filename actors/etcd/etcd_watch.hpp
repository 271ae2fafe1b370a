#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "actors/etcd/etcd_types.hpp"

namespace tandem {

class etcd_client;

/// Follows a key or a range of keys. Tells the whole state, first as it is and then
/// after each change (several at once may be told as one); never an older one. Goes on after a
/// broken stream where it was, reads anew what was compacted meanwhile, and looks with a
/// linearizable read of its own at least every `check_interval`, since a stream that stalls looks
/// like one without news. Callbacks come on the HTTP loop's thread and must not block.
class etcd_watch {
 public:
  struct options {
    std::string key;
    /// As in etcd_range_query.
    std::string range_end;
    std::chrono::milliseconds check_interval{2000};
    /// With more keys it ends in trouble (`refused`) until there are fewer.
    std::uint32_t keys_max = 256;
  };
  struct listener {
    std::function<void(const etcd_range& state, std::int64_t revision)> changed;
    /// It cannot look; told once until it can again.
    std::function<void(const etcd_result&)> trouble;
    /// It can again.
    std::function<void()> recovered;
  };

  etcd_watch(std::shared_ptr<etcd_client> etcd, options what, listener tell);
  etcd_watch(const etcd_watch&) = delete;
  etcd_watch& operator=(const etcd_watch&) = delete;
  /// Soon nothing is told any more.
  ~etcd_watch();

 private:
  class follower;
  std::shared_ptr<follower> follower_;
};

}  // namespace tandem
