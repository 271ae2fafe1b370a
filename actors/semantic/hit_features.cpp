#include "actors/semantic/hit_features.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace tandem {
namespace {

double content_overlap(const goal_facts& asked, const goal_facts& kept) {
  auto a = asked.sequence;
  auto k = kept.sequence;
  std::sort(a.begin(), a.end());
  std::sort(k.begin(), k.end());
  a.erase(std::unique(a.begin(), a.end()), a.end());
  k.erase(std::unique(k.begin(), k.end()), k.end());
  return overlap_of(a, k);
}

std::vector<std::string> in_order(const goal_facts& facts) {
  std::vector<std::string> out;
  std::set<std::string> seen;
  for (const auto& n : facts.numbers)
    if (!n.loose)
      if (auto text = to_string(n); seen.insert(text).second) out.push_back(std::move(text));
  return out;
}

/// The share of neighbouring pairs that come in the same order; 1 with fewer than two.
double order_agreement(const goal_facts& asked, const goal_facts& kept) {
  auto a = in_order(asked);
  auto k = in_order(kept);
  std::vector<std::ptrdiff_t> places;
  for (const auto& text : a)
    if (auto found = std::find(k.begin(), k.end(), text); found != k.end())
      places.push_back(found - k.begin());
  if (places.size() < 2) return 1;
  std::size_t same = 0;
  for (std::size_t i = 1; i < places.size(); ++i) same += places[i] > places[i - 1] ? 1 : 0;
  return static_cast<double>(same) / static_cast<double>(places.size() - 1);
}

double shared_evidence(const goal_facts& asked, const goal_facts& kept) {
  auto numbers = in_order(asked).size();
  auto names = std::count_if(asked.names.begin(), asked.names.end(), [&](const auto& name) {
    return std::find(kept.names.begin(), kept.names.end(), name) != kept.names.end();
  });
  auto shared = numbers + static_cast<std::size_t>(names) + asked.literals.size();
  return std::min(1., static_cast<double>(shared) / 4);
}

double length_ratio(const goal_facts& asked, const goal_facts& kept) {
  auto [less, more] = std::minmax(asked.words.size(), kept.words.size());
  return more == 0 ? 1 : static_cast<double>(less) / static_cast<double>(more);
}

}  // namespace

hit_features features_of(double similarity, double margin, const goal_facts& asked,
                         const goal_facts& kept) {
  auto unit = [](double v) { return static_cast<float>(std::clamp(v, 0., 1.)); };
  return {{unit(similarity), unit(content_overlap(asked, kept)), unit(shared_evidence(asked, kept)),
           unit(order_agreement(asked, kept)), unit(length_ratio(asked, kept)), unit(margin)}};
}

}  // namespace tandem
