#include "tests/bench/routing_fleet.hpp"

#include <cstdio>
#include <cstdlib>

#include "schema/errc.hpp"

namespace tandem::bench {
namespace {

void take(quality_learner& learner, const tmsg::armstat& record, std::uint64_t now_ms) {
  if (auto wrong = learner.take(*record.read(), now_ms)) {
    std::fprintf(stderr, "bench: %s\n", message_of(wrong).c_str());
    std::exit(2);
  }
}

}  // namespace

fleet::fleet(std::size_t size, const bandit_config& config) : members_(size) {
  for (std::size_t i = 0; i < size; ++i) {
    auto own = config;
    own.origin = config.origin + i;
    own.seed = config.seed + 1'000'003 * i;
    members_[i].router = std::make_unique<bandit>(own);
  }
}

void fleet::save(std::size_t place, std::uint64_t now_ms) {
  auto& m = members_[place];
  auto& learner = m.router->learner();
  for (auto arm : learner.take_changed(1024)) {
    message_builder<schema::ArmStatistics> record;
    learner.write(arm, *record, now_ms);
    std::string model{record->asReader().getModel().cStr()};
    m.kept[model] = record.finish();
  }
}

void fleet::tell(std::size_t from, std::size_t to, std::uint64_t now_ms, bool again) {
  for (const auto& [model, record] : members_[from].kept) {
    auto& known = members_[to].known[{from, model}];
    auto sequence = record.read()->getSequence();
    if (known == sequence && !again) continue;
    known = sequence;
    take(members_[to].router->learner(), record, now_ms);
  }
}

void fleet::share(std::uint64_t now_ms, bool again) {
  for (std::size_t from = 0; from < members_.size(); ++from)
    for (std::size_t to = 0; to < members_.size(); ++to)
      if (from != to && !cut_.contains(from) && !cut_.contains(to)) tell(from, to, now_ms, again);
}

void fleet::restart(std::size_t place, std::uint64_t now_ms) {
  auto& m = members_[place];
  m.router->forget();
  m.known.clear();
  for (const auto& [model, record] : m.kept) take(m.router->learner(), record, now_ms);
}

}  // namespace tandem::bench
