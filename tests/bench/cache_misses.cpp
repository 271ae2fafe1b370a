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

namespace {

struct miss_ratios {
  double entries = 0;
  double ours = 0;
  double reference = 0;
  double lru = 0;
};

miss_ratios ratios_of(std::size_t room, const std::vector<std::uint64_t>& trace) {
  const auto ours = replay(cache_policy::frequency_lru, room, trace);
  return {.entries = ours.entries,
          .ours = ours.misses,
          .reference = replay_reference(static_cast<std::size_t>(ours.entries), trace),
          .lru = replay(cache_policy::semantic_lru, room, trace).misses};
}

/// Over the size of the cache, at one skew.
panel drawing_of(bool scans) {
  const auto trace = make_trace(0.9, scans);
  line ours{.name = "frequency_lru"}, reference{.name = "reference S3-FIFO", .dashed = true},
      lru{.name = "LRU"};
  for (const std::size_t kib : {256, 512, 1'024, 2'048, 5'120, 10'240}) {
    const auto at = ratios_of(kib << 10, trace);
    const auto share = 100 * at.entries / static_cast<double>(objects);
    for (auto [to, misses] : {std::pair{&ours, at.ours}, std::pair{&reference, at.reference},
                              std::pair{&lru, at.lru}}) {
      to->x.push_back(share);
      to->y.push_back(misses);
    }
  }
  return {.title = scans ? "with scans" : "without scans",
          .x_label = "size, percent of the objects",
          .y_label = "misses",
          .lines = {ours, reference, lru},
          .y_from_zero = true};
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
        const auto at = ratios_of(room, trace);
        results.documents.notes.push_back(
            "Zipf " + rounded(alpha, 1) + (scans ? " with scans, " : ", ") +
            rounded(at.entries, 0) + " of " + std::to_string(objects) +
            " objects: misses frequency_lru " + rounded(at.ours, 4) + ", reference S3-FIFO " +
            rounded(at.reference, 4) + ", LRU " + rounded(at.lru, 4) + ".");
        worst_reference =
            std::max({worst_reference, at.ours / at.reference, at.reference / at.ours});
        worst_lru = std::max(worst_lru, at.ours / at.lru);
      }
    }
  }
  const std::string regime =
      "Zipf .8, .9 and 1 over 200,000 objects, with and without scans, a hundredth and a tenth of "
      "them kept; the worst";
  results.must("miss_over_reference", worst_reference, "miss_over_reference_max",
               "frequency_lru: misses over those of a reference S3-FIFO", regime);
  results.must("miss_over_lru", worst_lru, "miss_over_lru_max",
               "frequency_lru: misses over those of LRU", regime);
  results.documents.plots.push_back(
      {.name = "misses.svg",
       .text = "Misses over the size of the cache, Zipf .9 over 200,000 objects.",
       .drawing = {.title = "What frequency_lru misses",
                   .panels = {drawing_of(false), drawing_of(true)}}});
}

}  // namespace tandem::bench
