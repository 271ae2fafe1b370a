#include "actors/cache_shard/near_plans.hpp"

#include <cstring>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include "actors/semantic/semantic_plans.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t looked_after_at_once = 256;

semantic_config settings(const cache_config& config, std::size_t bytes_max, std::uint64_t ttl_ms,
                         std::uint64_t seed) {
  semantic_config out;
  out.bound.max_error = config.max_error;
  out.entries_max = config.plans_max;
  out.bytes_max = bytes_max;
  out.ttl_ms = static_cast<std::int64_t>(ttl_ms);
  out.seed = seed;
  return out;
}

/// The texts of a goal, for as long as a question to semantic_plans lasts.
class question {
 public:
  question(schema::PlanGoal::Reader goal, schema::CacheScope::Reader scope) {
    for (auto each : goal.getArguments()) arguments_.emplace_back(view(each));
    for (auto each : goal.getEmbedding()) embedding_.push_back(each);
    asked_.scope = {std::string{view(scope.getTenant())}, std::to_string(goal.getPlace())};
    asked_.goal = view(goal.getText());
    asked_.tool_arguments = arguments_;
    asked_.embedding = embedding_;
  }
  question(const question&) = delete;
  question& operator=(const question&) = delete;

  [[nodiscard]] const semantic_question& asked() const { return asked_; }

 private:
  std::vector<std::string> arguments_;
  std::vector<float> embedding_;
  semantic_question asked_;
};

std::int64_t signed_ms(std::uint64_t now_ms) {
  return static_cast<std::int64_t>(now_ms);
}

}  // namespace

near_plans::near_plans(const cache_config& config, std::size_t bytes_max, std::uint64_t ttl_ms,
                       std::uint64_t seed)
    : plans_{std::make_unique<semantic_plans>(settings(config, bytes_max, ttl_ms, seed))} {}

near_plans::near_plans(near_plans&&) noexcept = default;
near_plans& near_plans::operator=(near_plans&&) noexcept = default;
near_plans::~near_plans() = default;

near_plans::found near_plans::look(schema::CacheQuery::Reader query, std::uint64_t now_ms) {
  question of{query.getPlan(), query.getScope()};
  auto answer = plans_->look(of.asked(), signed_ms(now_ms));
  found out;
  out.why = answer.why;
  if (answer.decision == semantic_decision::miss || answer.payload.size() != sizeof out.key.bytes)
    return out;
  std::memcpy(out.key.bytes.data(), answer.payload.data(), answer.payload.size());
  out.what = answer.decision == semantic_decision::hit ? verdict::serve : verdict::compare;
  out.entry = answer.entry;
  out.label = answer.label;
  out.similarity = answer.similarity;
  return out;
}

void near_plans::store(schema::CacheEntry::Reader entry, std::uint64_t now_ms) {
  question of{entry.getGoal(), entry.getScope()};
  auto key = entry.getKey();
  (void)plans_->store(of.asked(),
                      std::string{reinterpret_cast<const char*>(key.begin()), key.size()},
                      signed_ms(now_ms));
}

void near_plans::hear(schema::PlanLabel::Reader label, std::uint64_t now_ms) {
  if (label.getLabel() != 0)
    (void)plans_->label(label.getLabel(), label.getWrong(), signed_ms(now_ms));
  if (label.getEnded())
    plans_->outcome(view(label.getScope().getTenant()), label.getEntry(), !label.getWrong(),
                    signed_ms(now_ms));
}

void near_plans::forget(std::uint64_t entry) {
  (void)plans_->forget(entry);
}

void near_plans::look_after(std::uint64_t now_ms) {
  (void)plans_->expire(signed_ms(now_ms), looked_after_at_once);
  (void)plans_->maintain(looked_after_at_once);
}

void near_plans::write(schema::NearCounts::Builder out, std::uint64_t now_ms) {
  auto now = plans_->statistics(signed_ms(now_ms));
  out.setServed(now.counts.hits);
  out.setServedRight(now.counts.hit_outcomes_ok);
  out.setServedWrong(now.counts.hit_outcomes_failed);
  out.setExplored(now.counts.explored);
  out.setRefused(
      std::accumulate(now.counts.refused.begin(), now.counts.refused.end(), std::uint64_t{0}));
  out.setTenantsOff(now.tenants_off);
  out.setEntries(now.entries);
  out.setBytes(now.bytes);
}

}  // namespace tandem
