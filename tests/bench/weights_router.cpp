#include "tests/bench/weights_router.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "actors/cache_shard/attempt_key.hpp"
#include "schema/text.hpp"

namespace tandem::bench {
namespace {

/// Answers never wait for places in this model.
constexpr std::uint32_t no_limit = 1u << 20;

}  // namespace

routed_world::routed_world(testing::weight_fleet& fleet, const routed_options& options)
    : fleet_{fleet}, options_{options} {
  router_config config;
  config.engines.engines_max =
      static_cast<std::uint32_t>(std::max<std::size_t>(fleet.engines(), 64));
  std::vector<model_config> models(1);
  models[0] = {.name = "m", .tier = "small", .input_price = .1, .output_price = .4};
  auto chooser = model_chooser::make(config, 1, options.seed << 32 | 1);
  if (!chooser) {
    std::fprintf(stderr, "bench: %s\n", message_of(chooser.error()).c_str());
    std::exit(2);
  }
  table_ = std::make_unique<route_table>(config, models, std::move(*chooser),
                                         engine_picker::seeds{.draws = options.seed});
  engines_.assign(fleet.engines(), timed_engine{0, options_.prefill_tokens_per_s});
  versions_.resize(fleet.engines());
  is_told_.resize(fleet.engines());
  for (std::size_t i = 0; i < fleet.engines(); ++i) {
    numbers_.emplace(fleet.engine(i).name(), i);
    tell(i);
  }
  fleet_.engine_changed = [this](std::size_t engine) {
    if (is_told_[engine]) return;
    is_told_[engine] = true;
    fleet_.time().after(options_.report, [this, engine] { tell(engine); });
  };
}

double routed_world::now_s() const {
  return static_cast<double>(fleet_.time().now().count()) / 1e6;
}

void routed_world::tell(std::size_t number) {
  is_told_[number] = false;
  auto& engine = fleet_.engine(number);
  if (versions_[number] != engine.version()) engines_[number].restart(now_s());
  versions_[number] = engine.version();
  message_builder<schema::EngineStatus> status;
  status->setName(engine.name());
  status->setModel("m");
  status->setWeightVersion(engine.version());
  status->setHealth(engine.is_gated()     ? schema::Health::UPDATING
                    : engine.is_healthy() ? schema::Health::HEALTHY
                                          : schema::Health::UNHEALTHY);
  status->setHeld(engine.is_held());
  status->setConcurrency(no_limit);
  table_->update(status.finish());
}

routed_world::lengths routed_world::lengths_of(std::uint32_t prompt) const {
  std::mt19937 random{prompt * 2654435761u + static_cast<std::uint32_t>(options_.seed)};
  std::lognormal_distribution<double> read{std::log(options_.prompt_tokens),
                                           options_.prompt_spread};
  std::lognormal_distribution<double> write{std::log(options_.answer_tokens),
                                            options_.answer_spread};
  lengths out;
  out.prompt = static_cast<std::uint32_t>(std::clamp(read(random), 1.0, 100'000.0));
  out.answer = static_cast<std::uint32_t>(std::clamp(write(random), 1.0, 10'000.0));
  return out;
}

double routed_world::capacity(std::size_t engines) const {
  auto mean =
      options_.prompt_tokens * std::exp(options_.prompt_spread * options_.prompt_spread / 2);
  return static_cast<double>(engines) * options_.prefill_tokens_per_s / mean;
}

tmsg::attempt routed_world::attempt_of(std::uint32_t prompt) const {
  message_builder<schema::Attempt> attempt;
  attempt->setPurpose(schema::Purpose::STEP);
  attempt->setMaxTokens(256);
  attempt->setTenant("t");
  auto message = attempt->initMessages(1)[0];
  message.setRole(schema::Role::USER);
  message.setContent("prompt " + std::to_string(prompt));
  return attempt.finish();
}

testing::job_world::pick routed_world::choose(testing::modelled_call& call) {
  message_builder<schema::RouteQuery> query;
  query->setPurpose(schema::Purpose::STEP);
  query->setPromptBytes(4 * lengths_of(call.prompt).prompt);
  query->setMaxTokens(256);
  query->initAllowance().setTokens(~std::uint64_t{0} >> 1);
  query->getAllowance().setCostNanousd(~std::uint64_t{0} >> 1);
  if (!call.pinned.empty()) {
    auto pin = query->initPinnedVersions(1)[0];
    pin.setModel("m");
    pin.setWeightVersion(call.pinned);
  }
  auto avoided = query->initAvoidedEngines(static_cast<unsigned>(call.avoided.size()));
  for (unsigned i = 0; i < avoided.size(); ++i)
    avoided.set(i, fleet_.engine(call.avoided[i]).name());
  auto asked = query.finish();
  auto attempt = attempt_of(call.prompt);
  auto routed = table_->route(*asked.read(), *attempt.read(), fleet_.time().now_ms());
  pick out;
  if (!routed) {
    out.is_gone = code_of(routed.error()) == errc::weights_changed;
    return out;
  }
  auto decision = routed->decision.read();
  call.decision = decision->getId();
  out.engine = numbers_.at(routed->engine);
  out.version = view(decision->getWeightVersion());
  return out;
}

testing::job_world::times routed_world::serve(const testing::modelled_call& call,
                                              std::size_t engine) {
  auto length = lengths_of(call.prompt);
  traced_request request{
      .at_s = now_s(), .input = length.prompt, .output = length.answer, .blocks = {}};
  auto first = engines_[engine].serve(request, now_s()).first_token_s - now_s();
  auto end = first + length.answer * options_.write_s_per_token;
  return {us{static_cast<std::int64_t>(first * 1e6)}, us{static_cast<std::int64_t>(end * 1e6)}};
}

void routed_world::ended(const testing::modelled_call& call, std::size_t engine, const times& took,
                         bool ok) {
  auto length = lengths_of(call.prompt);
  message_builder<schema::Reward> reward;
  reward->setDecision(call.decision);
  reward->setEngine(fleet_.engine(engine).name());
  reward->setSource(schema::RewardSource::OUTCOME);
  reward->setFailed(!ok);
  reward->setPromptTokens(length.prompt);
  reward->setCompletionTokens(length.answer);
  reward->setFirstTokenUs(static_cast<std::uint64_t>(took.first.count()));
  reward->setLatencyUs(static_cast<std::uint64_t>(took.end.count()));
  auto told = reward.finish();
  static_cast<void>(table_->settle(*told.read(), fleet_.time().now_ms()));
}

std::string routed_world::key(const testing::modelled_call& call, const std::string& version) {
  if (!options_.cached) return {};
  message_builder<schema::Decision> decision;
  decision->setModel("m");
  decision->setWeightVersion(version);
  auto decided = decision.finish();
  auto attempt = attempt_of(call.prompt);
  auto made = key_of(*attempt.read(), *decided.read());
  return {reinterpret_cast<const char*>(made.key.bytes.data()), made.key.bytes.size()};
}

}  // namespace tandem::bench
