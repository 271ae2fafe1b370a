#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "actors/cache/cache_key.hpp"
#include "actors/cache_shard/cache_config.hpp"
#include "schema/cache.capnp.h"

namespace tandem {

class semantic_plans;

/// The near plans of one shard: goals in other words, by their entries' keys. What may be served is
/// semantic_plans' decision. Times are Unix milliseconds.
class near_plans {
 public:
  /// `bytes_max`: of goals, vectors and links.
  near_plans(const cache_config& config, std::size_t bytes_max, std::uint64_t ttl_ms,
             std::uint64_t seed);
  near_plans(near_plans&&) noexcept;
  near_plans& operator=(near_plans&&) noexcept;
  ~near_plans();

  enum class verdict : std::uint8_t {
    none,
    /// To be computed, and compared with this one.
    compare,
    serve,
  };
  struct found {
    verdict what = verdict::none;
    cache_key key;
    std::uint64_t entry = 0;
    /// 0: nobody asks how it compares.
    std::uint64_t label = 0;
    float similarity = 0;
    /// In one sentence.
    std::string why;
  };
  [[nodiscard]] found look(schema::CacheQuery::Reader query, std::uint64_t now_ms);
  /// A verified plan, by the goal that it has with it.
  void store(schema::CacheEntry::Reader entry, std::uint64_t now_ms);
  void hear(schema::PlanLabel::Reader label, std::uint64_t now_ms);
  /// Its entry is not there any more.
  void forget(std::uint64_t entry);
  /// Some of what can wait.
  void look_after(std::uint64_t now_ms);

  void write(schema::NearCounts::Builder out, std::uint64_t now_ms);

 private:
  std::unique_ptr<semantic_plans> plans_;
};

}  // namespace tandem
