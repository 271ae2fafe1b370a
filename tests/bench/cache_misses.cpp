#include <cstdio>
#include <deque>
#include <list>
#include <unordered_map>

#include "actors/cache/cache_memory.hpp"
#include "tests/bench/cache_bench.hpp"

namespace tandem::bench {
namespace {

/// Algorithm 1 of the S3-FIFO paper, word by word; capacity in entries.
class reference_s3_fifo {
 public:
  explicit reference_s3_fifo(std::size_t capacity) : capacity_(capacity) {}

  bool read(std::uint64_t x) {
    if (const auto found = uses_.find(x); found != uses_.end()) {
      found->second = std::min(found->second + 1, 3);
      return true;
    }
    insert(x);
    return false;
  }

 private:
  void insert(std::uint64_t x) {
    while (small_.size() + main_.size() >= capacity_) evict();
    if (const auto ghost = in_ghosts_.find(x); ghost != in_ghosts_.end()) {
      ghosts_.erase(ghost->second);
      in_ghosts_.erase(ghost);
      main_.push_front(x);
    } else {
      small_.push_front(x);
    }
    uses_[x] = 0;
  }
  void evict() {
    if (10 * small_.size() >= capacity_) {
      evict_small();
    } else {
      evict_main();
    }
  }
  void evict_small() {
    bool evicted = false;
    while (!evicted && !small_.empty()) {
      const auto t = small_.back();
      small_.pop_back();
      if (uses_[t] > 1) {
        uses_[t] = 0;
        main_.push_front(t);
        if (10 * main_.size() > 9 * capacity_) evict_main();
      } else {
        uses_.erase(t);
        ghosts_.push_front(t);
        in_ghosts_[t] = ghosts_.begin();
        if (10 * ghosts_.size() > 9 * capacity_) {
          in_ghosts_.erase(ghosts_.back());
          ghosts_.pop_back();
        }
        evicted = true;
      }
    }
  }
  void evict_main() {
    bool evicted = false;
    while (!evicted && !main_.empty()) {
      const auto t = main_.back();
      main_.pop_back();
      if (uses_[t] > 0) {
        --uses_[t];
        main_.push_front(t);
      } else {
        uses_.erase(t);
        evicted = true;
      }
    }
  }

  std::size_t capacity_;
  std::deque<std::uint64_t> small_, main_;
  std::list<std::uint64_t> ghosts_;
  std::unordered_map<std::uint64_t, std::list<std::uint64_t>::iterator> in_ghosts_;
  std::unordered_map<std::uint64_t, int> uses_;
};

constexpr std::size_t requests = 2'000'000;
constexpr std::size_t objects = 200'000;
constexpr std::size_t scan_every = 50'000;
constexpr std::size_t scan_length = 10'000;

/// Zipf, and every now and then a scan of what nobody asks for again.
std::vector<std::uint64_t> make_trace(double alpha, bool scans) {
  const zipf ranks(objects, alpha);
  std::mt19937_64 random(17);
  std::vector<std::uint64_t> trace;
  std::uint64_t once = objects;
  while (trace.size() < requests) {
    trace.push_back(ranks(random));
    if (!scans || trace.size() % scan_every != 0) continue;
    for (std::size_t i = 0; i < scan_length; ++i) trace.push_back(once++);
  }
  return trace;
}

struct replay_result {
  double misses = 0;
  /// Entries, on average over the second half.
  double entries = 0;
};

replay_result replay(cache_policy policy, std::size_t room,
                     const std::vector<std::uint64_t>& trace) {
  const auto cache = make_cache_memory(policy, room);
  std::mt19937_64 random(1);
  // Ref-counted: one value for all, counted for each.
  const cache_item item{bench_words(64, random), 0, ~std::uint64_t{0}, 0};
  replay_result result;
  for (std::size_t i = 0; i < trace.size(); ++i) {
    const auto key = bench_key(trace[i]);
    if (cache->find(key, 0) == nullptr) {
      ++result.misses;
      cache->put(key, item);
    }
    if (i >= trace.size() / 2) result.entries += static_cast<double>(cache->size());
  }
  result.misses /= static_cast<double>(trace.size());
  result.entries /= static_cast<double>(trace.size() - trace.size() / 2);
  return result;
}

double replay_reference(std::size_t capacity, const std::vector<std::uint64_t>& trace) {
  reference_s3_fifo cache(capacity);
  double misses = 0;
  for (const auto x : trace) misses += cache.read(x) ? 0 : 1;
  return misses / static_cast<double>(trace.size());
}

}  // namespace

void run_miss_ratios(cache_results& results) {
  // About a hundredth and a tenth of the objects.
  constexpr std::size_t rooms[] = {std::size_t{512} << 10, std::size_t{5} << 20};
  double worst_reference = 0, worst_lru = 0;
  for (const bool scans : {false, true}) {
    for (const double alpha : {0.8, 0.9, 1.0}) {
      const auto trace = make_trace(alpha, scans);
      for (const auto room : rooms) {
        const auto ours = replay(cache_policy::frequency_lru, room, trace);
        const auto reference = replay_reference(static_cast<std::size_t>(ours.entries), trace);
        const auto lru = replay(cache_policy::semantic_lru, room, trace);
        std::printf(
            "Zipf %.1f%s, %.0f of %zu objects: misses frequency_lru %.4f, reference S3-FIFO %.4f, "
            "LRU %.4f\n",
            alpha, scans ? " with scans" : "", ours.entries, objects, ours.misses, reference,
            lru.misses);
        worst_reference =
            std::max({worst_reference, ours.misses / reference, reference / ours.misses});
        worst_lru = std::max(worst_lru, ours.misses / lru.misses);
      }
    }
  }
  results.must("miss_over_reference", worst_reference, "miss_over_reference_max");
  results.must("miss_over_lru", worst_lru, "miss_over_lru_max");
}

}  // namespace tandem::bench
