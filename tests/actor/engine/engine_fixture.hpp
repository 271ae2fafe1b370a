#pragma once

#include <string>

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include "actors/engine/engine.hpp"
#include "schema/text.hpp"

namespace tandem::testing {

struct asked {
  std::uint32_t number = 1;
  std::string prompt = "hello";
  /// Of the model `tiny`; empty: none.
  std::string pinned;
  std::uint32_t max_tokens = 64;
};

inline tmsg::attempt attempt_of(const asked& how) {
  message_builder<schema::Attempt> out;
  out->initFence().getJob().setNumber(1);
  out->getFence().setStep(how.number);
  out->getFence().setAttempt(how.number);
  out->setPurpose(schema::Purpose::STEP);
  auto messages = out->initMessages(1);
  messages[0].setRole(schema::Role::USER);
  messages[0].setContent(how.prompt);
  out->setMaxTokens(how.max_tokens);
  if (!how.pinned.empty()) {
    auto pins = out->initPinnedVersions(1);
    pins[0].setModel("tiny");
    pins[0].setWeightVersion(how.pinned);
  }
  return out.finish();
}

struct ordered {
  schema::OrderAction action = schema::OrderAction::UPDATE;
  std::string version = "v2";
  std::string path;
  std::uint64_t epoch = 1;
  std::uint64_t drain_ms = 1000;
  std::uint64_t load_ms = 60'000;
  std::string prompt;
  std::string expected;
};

inline tmsg::engupd order_of(const ordered& how) {
  message_builder<schema::EngineUpdate> out;
  out->setAction(how.action);
  out->setVersion(how.version);
  out->setPath(how.path);
  out->setEpoch(how.epoch);
  auto options = out->initOptions();
  options.setDrainMs(how.drain_ms);
  options.setLoadMs(how.load_ms);
  options.setPrompt(how.prompt);
  options.setExpected(how.expected);
  return out.finish();
}

inline tmsg::decisn no_decision() {
  return message_builder<schema::Decision>{}.finish();
}

inline errc code_of_result(const tmsg::attres& result) {
  return static_cast<errc>(result.read()->getError().getCode());
}

}  // namespace tandem::testing
