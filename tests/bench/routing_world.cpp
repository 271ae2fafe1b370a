#include "tests/bench/routing_world.hpp"

#include <algorithm>

namespace tandem::bench {
namespace {

constexpr std::size_t topic_words = 40;
constexpr std::size_t common_words = 80;
constexpr std::array<std::string_view, world_topics> kinds{"extract", "translate", "code", "write"};

std::string word(std::mt19937_64& random) {
  std::string text;
  for (auto letters = 4 + below(random, 5); letters > 0; --letters)
    text += static_cast<char>('a' + below(random, 26));
  return text;
}

}  // namespace

world::world(std::uint64_t seed, double cost_price)
    : arms{{"large", "large", 1.0, {.92, .90, .88, .90}},
           {"middle", "middle", .6, {.90, .85, .74, .80}},
           {"small-a", "small", .05, {.88, .40, .30, .70}},
           {"small-b", "small", .03, {.35, .85, .40, .35}}},
      cost_price_{cost_price} {
  std::mt19937_64 random{seed * 7919 + 17};
  for (auto& a : arms)
    for (auto& q : a.quality) q = std::clamp(q + 0.06 * (uniform(random) - 0.5), 0.0, 1.0);
  for (std::size_t i = 0; i < common_words; ++i) common_.push_back(word(random));
  for (auto& topic : words_)
    for (std::size_t i = 0; i < topic_words; ++i) topic.push_back(word(random));
}

world::prompt world::draw(std::mt19937_64& random) const {
  prompt p;
  p.topic = below(random, world_topics);
  p.kind = kinds[p.topic];
  for (auto words = 12 + below(random, 13); words > 0; --words) {
    const auto& from = uniform(random) < 0.4 ? words_[p.topic] : common_;
    p.text += from[below(random, from.size())];
    p.text += ' ';
  }
  return p;
}

decision_facts world::prompt::facts() {
  view_ = text;
  decision_facts facts;
  facts.purpose = schema::Purpose::STEP;
  facts.kind = kind;
  facts.texts = {&view_, 1};
  return facts;
}

double world::best(std::size_t topic) const {
  double most = -1e9;
  for (const auto& a : arms)
    if (a.there) most = std::max(most, value(a, topic));
  return most;
}

double world::best_mean() const {
  double sum = 0;
  for (std::size_t t = 0; t < world_topics; ++t) sum += best(t);
  return sum / static_cast<double>(world_topics);
}

double world::best_fixed() const {
  double most = -1e9;
  for (const auto& a : arms) {
    if (!a.there) continue;
    double sum = 0;
    for (std::size_t t = 0; t < world_topics; ++t) sum += value(a, t);
    most = std::max(most, sum / static_cast<double>(world_topics));
  }
  return most;
}

offer offer_of(const world& w) {
  offer o;
  for (std::size_t i = 0; i < w.arms.size(); ++i) {
    if (!w.arms[i].there) continue;
    o.arms.push_back({w.arms[i].model, w.arms[i].tier, w.arms[i].cost});
    o.places.push_back(i);
  }
  return o;
}

}  // namespace tandem::bench
