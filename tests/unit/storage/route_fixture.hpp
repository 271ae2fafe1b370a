#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "schema/errc.hpp"
#include "schema/text.hpp"
#include "storage/route_store.hpp"
#include "tests/support/temp_folder.hpp"

namespace tandem::storage {

inline tmsg::armstat make_statistics(std::uint64_t origin, const std::string& model,
                                     double quality_sum = 1) {
  message_builder<schema::ArmStatistics> out;
  out->setOrigin(origin);
  out->setSequence(7);
  out->setPurpose(schema::Purpose::STEP);
  out->setModel(model);
  out->setDense(2);
  out->setQualitySum(quality_sum);
  auto gram = out->initGram(3);
  for (unsigned i = 0; i < gram.size(); ++i) gram.set(i, 0.5f + static_cast<float>(i));
  return out.finish();
}

/// `quality`: of its reward; negative: it has none.
inline tmsg::decrec make_decision(std::uint64_t id, double quality = -1) {
  message_builder<schema::DecisionRecord> out;
  out->setId(id);
  out->setAtMs(1'700'000'000'000 + id);
  out->setPurpose(schema::Purpose::STEP);
  auto arms = out->initArms(2);
  arms[0].setModel("big");
  arms[1].setModel("tiny");
  out->setChosen(1);
  out->setQuality(quality);
  if (quality >= 0) out->initRewards(1)[0].setQuality(quality);
  return out.finish();
}

inline tmsg::rtset make_setting(std::uint64_t generation, const std::string& policy) {
  message_builder<schema::RouteSetting> out;
  out->setGeneration(generation);
  out->setPolicy(policy);
  return out.finish();
}

inline tmsg::rtchg make_change(std::uint64_t at_ms, const std::string& why) {
  message_builder<schema::RouteChange> out;
  out->setAtMs(at_ms);
  out->setAction(schema::RouteAction::TRY);
  out->setWhy(why);
  return out.finish();
}

inline std::vector<std::uint64_t> ids_of(const std::vector<tmsg::decrec>& decisions) {
  std::vector<std::uint64_t> ids;
  for (const auto& one : decisions) ids.push_back(one.read()->getId());
  return ids;
}

inline std::vector<std::string> reasons_of(const std::vector<tmsg::rtchg>& changes) {
  std::vector<std::string> reasons;
  for (const auto& one : changes) reasons.emplace_back(view(one.read()->getWhy()));
  return reasons;
}

/// A folder of its own for each test, removed afterwards.
class route_fixture : public testing::Test {
 protected:
  static constexpr std::size_t many = 1'000'000;

  route_fixture() { options_.folder = root_ / "routing"; }

  /// Throws, which fails the test, when it cannot be opened.
  [[nodiscard]] std::unique_ptr<route_store> open() const {
    auto opened = route_store::open(options_);
    if (!opened) throw std::runtime_error(message_of(opened.error()));
    return std::move(*opened);
  }

  /// One of everything.
  static route_batch make_batch() {
    route_batch batch;
    batch.statistics = {make_statistics(1, "big"), make_statistics(1, "tiny")};
    batch.decisions = {make_decision(11), make_decision(12, 0.5)};
    batch.changes = {make_change(5, "first"), make_change(4, "second")};
    batch.setting = make_setting(3, "auto");
    batch.states = {{"judge", "some bytes"}, {"price of a", std::string("\0\1", 2)}};
    return batch;
  }

  test::temp_folder folder_;
  const std::filesystem::path root_ = folder_.path();
  route_store_options options_;
};

}  // namespace tandem::storage
