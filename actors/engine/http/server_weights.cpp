#include "actors/engine/http/server_weights.hpp"

#include <system_error>
#include <utility>

#include "actors/engine/http/weight_exchange.hpp"

namespace tandem {

server_weights::server_weights(std::shared_ptr<http_link> link,
                               std::shared_ptr<server_prober> prober, const weights_config& config)
    : link_{std::move(link)},
      prober_{std::move(prober)},
      place_{config.place},
      lora_{config.lora},
      commands_{config} {}

weight_abilities server_weights::abilities() const {
  if (commands_.is_used())
    return {.can_pause = commands_.can_pause(), .says_version = commands_.says_version()};
  if (!prober_->is_known()) return {.fixed = "its server has not said yet what it is"};
  auto kind = prober_->kind();
  if (!lora_.empty() && kind == server_kind::openai)
    return {.fixed = "an OpenAI-compatible server has no call for adapters"};
  // What has begun goes on with the adapter that it asked for.
  if (!lora_.empty()) return {.swaps_in_place = true};
  auto fixed = why_weights_fixed(kind, prober_->is_router());
  if (!fixed.empty()) return {.fixed = std::move(fixed)};
  return {.can_pause = kind == server_kind::sglang,
          .says_version = kind == server_kind::sglang || kind == server_kind::vllm};
}

weight_calls server_weights::calls_of(weight_step step, const weight_target& target) const {
  switch (prober_->kind()) {
    case server_kind::sglang:
      return sglang_weight_calls(step, target);
    case server_kind::vllm:
      return vllm_weight_calls(step, target);
    default:
      return llama_router_weight_calls(step, link_->server().model());
  }
}

std::string server_weights::put_link(const weight_target& target) const {
  auto fresh = place_;
  fresh += ".new";
  std::error_code failure;
  std::filesystem::remove(fresh, failure);
  std::filesystem::create_symlink(std::filesystem::absolute(target.path), fresh, failure);
  // Whoever looks meanwhile finds the old one.
  if (!failure) std::filesystem::rename(fresh, place_, failure);
  if (!failure) return {};
  return "the link " + place_.string() +
         " ([engine.weights] place) cannot be made: " + failure.message();
}

std::string server_weights::adapter() const {
  if (lora_.empty()) return {};
  std::lock_guard lock{adapters_->mutex};
  // A server that was started anew does not have it.
  return link_->status().weight_version == adapters_->version ? adapters_->name : std::string{};
}

void server_weights::load_adapter(http_loop& loop, const weight_target& target, report done) {
  if (target.path.empty())
    return done({.code = errc::invalid_argument, .error = "no path was given for the adapter"});
  auto kind = prober_->kind();
  auto name = lora_ + "-" + target.version;
  std::string outdated;
  {
    std::lock_guard lock{adapters_->mutex};
    // The last one may still be at work, the one before it not.
    if (adapters_->before != name) outdated = adapters_->before;
  }
  auto finish = [list = adapters_, prober = prober_, link = link_, kind, name,
                 version = target.version, done = std::move(done)](weight_outcome outcome) {
    auto loop = link->loop();
    if (loop && outcome.code == errc::unknown) {
      {
        std::lock_guard lock{list->mutex};
        if (list->version != version) list->before = list->name;
        list->version = version;
        list->name = kind == server_kind::llama_cpp ? outcome.detail : name;
      }
      prober->learn_adapter(*loop, version);
    }
    done(std::move(outcome));
  };
  std::make_shared<weight_exchange>(link_, lora_weight_calls(kind, target, name, outdated),
                                    target.timeout, std::move(finish))
      ->begin(loop);
}

void server_weights::change(http_loop& loop, weight_step step, const weight_target& target,
                            report done) {
  auto refuse = [&](std::string why) {
    done({.code = errc::invalid_argument, .error = std::move(why)});
  };
  if (auto fixed = abilities().fixed; !fixed.empty()) return refuse(std::move(fixed));
  if (!lora_.empty() && !commands_.is_used()) {
    if (step == weight_step::load) return load_adapter(loop, target, std::move(done));
    // Caches are kept apart by adapter, and which one answers is what the request says.
    return done({});
  }
  auto told = target;
  if (step == weight_step::load && !place_.empty()) {
    if (target.path.empty()) return refuse("no path was given, so nothing is put at place");
    if (auto why = put_link(target); !why.empty()) return refuse(std::move(why));
    told.path = place_;
  }
  auto kind = prober_->kind();
  auto by_path = kind == server_kind::sglang || kind == server_kind::vllm;
  if (step == weight_step::load && !commands_.is_used()) {
    if (by_path && told.path.empty()) return refuse("no path was given, and this server needs one");
    if (!by_path && place_.empty() && !told.path.empty())
      return refuse(
          "a llama.cpp router finds its models itself: say in [engine.weights] place where "
          "it looks for this one");
  }
  // A server that says its version is believed at the check; of others it is known that they have
  // loaded.
  auto learns =
      step == weight_step::check || (step == weight_step::load && !abilities().says_version);
  auto finish = [prober = prober_, link = link_, learns, version = target.version,
                 done = std::move(done)](weight_outcome outcome) {
    auto loop = link->loop();
    if (learns && loop && outcome.code == errc::unknown)
      prober->learn_weights(*loop, outcome.version.empty() ? version : outcome.version, false);
    done(std::move(outcome));
  };
  if (commands_.is_used()) return commands_.run(step, told, std::move(finish));
  auto calls = calls_of(step, told);
  std::make_shared<weight_exchange>(link_, std::move(calls), target.timeout, std::move(finish))
      ->begin(loop);
}

}  // namespace tandem
