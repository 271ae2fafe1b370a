// Caches of three nodes through schedules by seed: shards are killed and come back, nodes disagree
// on who is there, engines fail, cut their answers and change weights, callers leave, entries are
// poisoned, clocks jump, tenants ask what others have asked, prompts have ten megabytes. Whatever
// happens, each call is answered once, with what the engine of its node would say for this tenant,
// this prompt and weights that were there while it was under way.
//   TANDEM_FAULT_SEED=N     one seed alone
//   TANDEM_FAULT_SEEDS=N    the first N, 200 by default

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>

#include "actors/cache_shard/cache_entry.hpp"
#include "actors/clock.hpp"
#include "schema/text.hpp"
#include "tests/actor/cache/cache_cluster.hpp"

namespace tandem::testing {
namespace {

using namespace std::chrono_literals;

struct asked_call {
  std::size_t at = 0;
  std::uint32_t number = 0;
  cached_wish what;
  /// Its node's weights while it was under way.
  std::set<std::string> weights;
  bool cancelled = false;
};

/// The machine's clock, for as long as it lives: it stands still, and jumps.
class jumping_clock {
 public:
  explicit jumping_clock(std::chrono::steady_clock::duration from) : now_{from} {
    virtual_now = &now_;
  }
  jumping_clock(const jumping_clock&) = delete;
  jumping_clock& operator=(const jumping_clock&) = delete;
  ~jumping_clock() { virtual_now = nullptr; }

  void jump(std::chrono::steady_clock::duration by) { now_ += by; }

 private:
  std::chrono::steady_clock::time_point now_;
};

class run_of_seed {
 public:
  explicit run_of_seed(std::uint64_t seed)
      : random_{seed}, wall_{std::chrono::hours{1'000}}, nodes_{3, small_config()} {
    nodes_.introduce_all();
  }
  run_of_seed(const run_of_seed&) = delete;
  run_of_seed& operator=(const run_of_seed&) = delete;

  void run(int steps) {
    for (int i = 0; i < steps; ++i) step();
    settle();
  }

  /// Empty: all is well.
  [[nodiscard]] std::string complaint() {
    for (const auto& call : calls_) {
      auto where = "call " + std::to_string(call.number) + " at node " + std::to_string(call.at) +
                   " (" + call.what.tenant + ", " + call.what.prompt.substr(0, 40) + ")";
      if (!nodes_.answered(call.number)) return where + " was never answered";
      auto result = nodes_.result(call.number).read();
      if (result->getError().getCode() != schema::Errc::UNKNOWN) {
        if (call.cancelled || code_is_allowed(result->getError().getCode())) continue;
        return where + " failed: " + std::string{view(result->getError().getMessage())};
      }
      auto said = std::string{view(result->getText())};
      if (result->getFinish() == schema::Finish::LENGTH) {
        if (nodes_.level_of(call.number) != 0) return where + " got what was cut for another";
        continue;
      }
      auto right = std::any_of(call.weights.begin(), call.weights.end(), [&](const auto& weights) {
        return said == cache_cluster::answer(call.what.tenant, call.what.prompt, weights);
      });
      if (!right) return where + " got '" + said + "'";
    }
    return {};
  }
  [[nodiscard]] std::uint64_t served() {
    std::uint64_t count = 0;
    for (const auto& call : calls_)
      if (nodes_.answered(call.number) && nodes_.level_of(call.number) != 0) ++count;
    return count;
  }

 private:
  static cache_config small_config() {
    auto config = one_tier();
    // So that entries are evicted, and tables are full.
    config.tiers[0].memory_bytes = 1u << 20;
    config.waiting_max = 20;
    return config;
  }

  static bool code_is_allowed(schema::Errc code) {
    return code == schema::Errc::ENGINE_FAILED || code == schema::Errc::DEADLINE_EXCEEDED;
  }

  std::size_t pick(std::size_t below) {
    return std::uniform_int_distribution<std::size_t>{0, below - 1}(random_);
  }
  std::size_t node() { return pick(nodes_.size()); }

  void ask() {
    static const std::vector<std::string> tenants{"", "a", "b"};
    asked_call call{.at = node()};
    call.what.tenant = tenants[pick(tenants.size())];
    call.what.prompt = "p" + std::to_string(pick(6));
    // A tenant that tries to look like another.
    if (pick(10) == 0) call.what.prompt = "a|" + call.what.prompt;
    if (pick(500) == 0) call.what.prompt.append(10'000'000, 'x');
    if (pick(8) == 0) call.what.check = call.what.prompt;
    if (pick(12) == 0) call.what.cache = schema::CacheUse::REFRESH;
    call.weights.insert(nodes_[call.at].engine.weights);
    call.number = nodes_.ask(call.at, call.what);
    calls_.push_back(std::move(call));
  }

  void cancel() {
    if (calls_.empty()) return;
    auto& call = calls_[calls_.size() - 1 - pick(std::min<std::size_t>(calls_.size(), 10))];
    call.cancelled = true;
    nodes_.cancel(call.at, call.number);
  }

  void change_weights() {
    auto at = node();
    auto weights = std::to_string(1 + pick(3));
    nodes_.set_weights(at, weights);
    for (auto& call : calls_)
      if (call.at == at && !nodes_.answered(call.number)) call.weights.insert(weights);
  }

  void poison() {
    if (calls_.empty()) return;
    const auto& victim = calls_[pick(calls_.size())];
    if (!nodes_.answered(victim.number)) return;
    auto result = nodes_.result(victim.number).read();
    auto key = result->getCache().getKey();
    if (key.size() == 0) return;
    auto at = node();
    if (!nodes_[at].shard) return;
    entry_facts facts{.key = read_key(key),
                      .tier = "small",
                      .tenant = victim.what.tenant,
                      .model = "tiny",
                      .weight_version = "1",
                      .purpose = schema::Purpose::STEP,
                      .created_ms = unix_ms(),
                      .expires_ms = unix_ms() + 60'000};
    message_builder<schema::AttemptResult> wrong;
    wrong->setText("poison");
    wrong->setModel("tiny");
    wrong->setFinish(schema::Finish::STOP);
    auto entry = make_entry(facts, wrong->asReader());
    message_builder<schema::CacheEntry> out;
    out.copy(*entry.read());
    switch (pick(4)) {
      case 0:  // a flipped bit
        out->setCrc(out->getCrc() ^ 1u);
        break;
      case 1:  // cut short
        out->getResult().setText("pois");
        break;
      case 2:  // of another, sound for it
        out->getScope().setTenant("z");
        break;
      default:  // a key that is none
        out->setKey({key.begin(), 7});
        break;
    }
    nodes_.fill(at, out.finish());
  }

  void change_membership() {
    auto of = node();
    auto other = node();
    if (of == other) return;
    if (pick(2) == 0)
      nodes_.lose(of, other);
    else if (nodes_[other].shard)
      nodes_.introduce(of, other);
  }

  void change_shard() {
    auto at = node();
    if (nodes_[at].shard) {
      nodes_.kill_shard(at);
      return;
    }
    nodes_.restart_shard(at);
    for (std::size_t other = 0; other < nodes_.size(); ++other)
      if (other != at) nodes_.introduce(other, at);
  }

  void step() {
    auto what = pick(100);
    if (what < 50)
      ask();
    else if (what < 58)
      cancel();
    else if (what < 66)
      nodes_[node()].engine.holds = pick(2) == 0;
    else if (what < 74)
      nodes_.release(node());
    else if (what < 78)
      nodes_[node()].engine.fails += 1;
    else if (what < 81)
      nodes_[node()].engine.cuts += 1;
    else if (what < 85)
      change_weights();
    else if (what < 89)
      poison();
    else if (what < 93)
      change_membership();
    else if (what < 96)
      change_shard();
    else if (what < 98)
      wall_.jump(std::chrono::minutes{static_cast<long>(pick(120)) - 60});
    else
      nodes_.pass(std::chrono::milliseconds{pick(500)});
    if (pick(3) == 0) nodes_.run();
  }

  /// Everybody is told to go on; what waits has its deadline.
  void settle() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) nodes_[i].engine.holds = false;
    for (int round = 0; round < 8; ++round) {
      for (std::size_t i = 0; i < nodes_.size(); ++i) nodes_.release(i);
      nodes_.pass(15s);
    }
  }

  std::mt19937_64 random_;
  jumping_clock wall_;
  cache_cluster nodes_;
  std::vector<asked_call> calls_;
};

std::uint64_t number_in(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(CacheFaults, EveryCallIsAnsweredOnceWithItsOwnAnswer) {
  auto only = number_in("TANDEM_FAULT_SEED", 0);
  auto seeds = only != 0 ? 1 : number_in("TANDEM_FAULT_SEEDS", 200);
  std::uint64_t served = 0;
  for (std::uint64_t i = 0; i < seeds; ++i) {
    auto seed = only != 0 ? only : i + 1;
    run_of_seed run{seed};
    run.run(120);
    auto complaint = run.complaint();
    ASSERT_EQ(complaint, "") << "TANDEM_FAULT_SEED=" << seed;
    served += run.served();
  }
  // Otherwise nothing was tried.
  EXPECT_GT(served, seeds);
}

}  // namespace
}  // namespace tandem::testing
