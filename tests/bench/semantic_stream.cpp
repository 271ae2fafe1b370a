#include "tests/bench/semantic_stream.hpp"

#include <algorithm>
#include <deque>
#include <numeric>
#include <optional>
#include <random>

namespace tandem::bench {
namespace {

struct asked_question {
  std::string text;
  std::size_t index;
  bool edited;
};

struct due_label {
  std::size_t at;
  std::uint64_t id;
  bool wrong;
};

class stream {
 public:
  stream(const stream_setup& setup, std::uint64_t seed)
      : setup_{setup}, random_{seed}, plans_{with_seed(setup.cache, seed)} {
    for (const auto& q : setup_.questions) texts_.push_back(q.rewording);
  }

  stream_result run() {
    std::vector<std::size_t> order(setup_.questions.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), random_);
    cached_.resize(order.size());
    for (auto i : order) {
      cached_[i] = static_cast<double>(random_() >> 11) * 0x1p-53 < setup_.cached_share;
      if (cached_[i])
        (void)plans_.store(question(setup_.questions[i].original), std::to_string(i), now_);
    }
    auto half = order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2);
    for (auto& q : asked({order.begin(), half})) ask(q, result_.calibration, false);
    for (auto& q : asked({half, order.end()})) ask(q, result_.measured, true);
    return std::move(result_);
  }

 private:
  static semantic_config with_seed(semantic_config config, std::uint64_t seed) {
    config.seed = seed;
    return config;
  }

  semantic_question question(std::string_view goal) const {
    return {.scope = {.tenant = "bench", .key = "plan"}, .goal = goal};
  }

  std::vector<asked_question> asked(const std::vector<std::size_t>& indices) {
    std::vector<asked_question> out;
    for (auto i : indices) out.push_back({texts_[i], i, false});
    auto edits =
        static_cast<std::size_t>(static_cast<double>(indices.size()) * setup_.edited_per_rewording);
    for (std::size_t n = 0, tries = 0; n < edits && tries < 20 * edits && !setup_.edits.empty();
         ++tries) {
      auto i = indices[random_() % indices.size()];
      auto kind = setup_.edits[random_() % setup_.edits.size()];
      if (auto text = edited(texts_[i], kind, texts_, random_)) {
        out.push_back({std::move(*text), i, true});
        ++n;
      }
    }
    std::shuffle(out.begin(), out.end(), random_);
    return out;
  }

  void ask(const asked_question& q, stream_counts& counts, bool measured) {
    ++step_;
    now_ += 1'000;
    std::erase_if(due_, [&](const due_label& d) {
      if (d.at > step_) return false;
      (void)plans_.label(d.id, d.wrong, now_);
      return true;
    });
    auto before = plans_.statistics(now_).counts.refused;
    auto answer = plans_.look(question(q.text), now_);
    bool wrong = q.edited || answer.payload != std::to_string(q.index);
    bool hit = answer.decision == semantic_decision::hit;
    if (answer.label != 0) {
      auto delay = setup_.label_delay_min +
                   random_() % (setup_.label_delay_max - setup_.label_delay_min + 1);
      due_.push_back({step_ + delay, answer.label, wrong});
    }
    counts.hits += hit ? 1 : 0;
    counts.hits_wrong += hit && wrong ? 1 : 0;
    counts.wrong_by_edit += hit && q.edited ? 1 : 0;
    if (q.edited) {
      ++counts.edited_asked;
    } else if (!cached_[q.index]) {
      ++counts.uncached_asked;
    } else {
      ++counts.cached_asked;
      counts.cached_hit += hit && !wrong ? 1 : 0;
      result_.hit_rate.push_back(hit && !wrong ? 1 : 0);
      const auto* bound = plans_.bound_of({.tenant = "bench", .key = "plan"});
      result_.labels.push_back(bound ? static_cast<double>(bound->labels()) : 0);
      auto after = plans_.statistics(now_).counts.refused;
      for (std::size_t g = 0; measured && g < after.size(); ++g)
        result_.refused[g] += after[g] - before[g];
    }
  }

  const stream_setup& setup_;
  std::mt19937_64 random_;
  semantic_plans plans_;
  std::vector<std::string> texts_;
  std::vector<bool> cached_;
  std::vector<due_label> due_;
  std::size_t step_ = 0;
  std::int64_t now_ = 0;
  stream_result result_;
};

}  // namespace

stream_result run_stream(const stream_setup& setup, std::uint64_t seed) {
  return stream{setup, seed}.run();
}

}  // namespace tandem::bench
