// What the engine does on the way to other weights, as weight_change says.

#include <algorithm>

#include <caf/send.hpp>

#include "actors/engine/engine.hpp"
#include "actors/job/job_records.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::uint32_t trial_tokens_max = 32;
constexpr const char* trial_prompt = "Say one word.";
/// A month: more is a mistake.
constexpr std::uint64_t limit_ms_max = 30ull * 86'400'000;
constexpr std::size_t text_bytes_max = 64 * 1024;

std::chrono::milliseconds limit_of(std::uint64_t ms) {
  return std::chrono::milliseconds{std::min(ms, limit_ms_max)};
}

weight_order order_of(schema::EngineUpdate::Reader update) {
  auto options = update.getOptions();
  return {.epoch = update.getEpoch(),
          .action = update.getAction(),
          .version = std::string{view(update.getVersion())},
          .path = std::filesystem::path{std::string{view(update.getPath())}},
          .drain = limit_of(options.getDrainMs()),
          .load = limit_of(options.getLoadMs()),
          .pause = options.getPause(),
          .prompt = std::string{cut(view(options.getPrompt()), text_bytes_max)},
          .expected = std::string{view(options.getExpected())}};
}

tmsg::engupdd updated(const weight_change::ending& end, const std::string& engine,
                      const std::string& version) {
  message_builder<schema::EngineUpdated> out;
  if (end.code != errc::unknown)
    write_error(out->initError(), end.code, "engine '" + engine + "': " + valid_utf8(end.error));
  out->setPhase(end.phase);
  out->setVersion(version);
  out->setDrainUs(static_cast<std::uint64_t>(end.drain.count()));
  out->setLoadUs(static_cast<std::uint64_t>(end.load.count()));
  out->setVerifyUs(static_cast<std::uint64_t>(end.verify.count()));
  out->setCutOff(end.cut_off);
  return out.finish();
}

/// As a step of a plan would ask it.
generation_request trial_of(std::uint64_t id, const std::string& system,
                            const std::string& prompt) {
  generation_request request;
  request.id = id;
  request.purpose = schema::Purpose::STEP;
  if (!system.empty()) request.messages.push_back({schema::Role::SYSTEM, system});
  request.messages.push_back({schema::Role::USER, prompt.empty() ? trial_prompt : prompt});
  request.max_tokens = trial_tokens_max;
  request.stream = false;
  return request;
}

}  // namespace

weight_change::facts engine_state::weight_facts() const {
  auto now = server->status();
  auto unmixed = std::count_if(running.begin(), running.end(), [](const auto& each) {
    return !each.second.attempt.read()->getMixWeights();
  });
  return {.version = now.weight_version,
          .healthy = now.health == schema::Health::HEALTHY,
          .running = running.size(),
          .unmixed = static_cast<std::size_t>(unmixed),
          .abilities = server->abilities()};
}

bool engine_state::holds_version(const call& of) const {
  if (!gate.is_held()) return false;
  const auto& attempt = of.attempt.read();
  for (auto pin : attempt->getPinnedVersions())
    if (view(pin.getModel()) == model.name)
      return view(pin.getWeightVersion()) == server->status().weight_version;
  return false;
}

void engine_state::take_order(pointer self, const tmsg::engupd& order,
                              caf::typed_response_promise<tmsg::engupdd> promise) {
  auto ticket = next_ticket++;
  orders.emplace(ticket, std::move(promise));
  change_weights(self,
                 weights.on_order(ticket, order_of(*order.read()), weight_facts(), time->now()));
}

void engine_state::look_at_weights(pointer self) {
  if (weights.is_under_way()) change_weights(self, weights.look(weight_facts(), time->now()));
}

void engine_state::change_weights(pointer self, const weight_change::deeds& deeds) {
  // Before anything is cut off: what is refused here must not come back.
  gate.on_weights(weights.admits(), weights.reason());
  publish(self);
  for (const auto& deed : deeds) carry_out(self, deed);
  if (auto next = weights.next_time(); next && *next != weights_timer) {
    weights_timer = *next;
    self->delayed_send(self, std::max(*next - time->now(), clock::duration::zero()), weight_atom_v);
  }
}

void engine_state::carry_out(pointer self, const weight_change::deed& deed) {
  using kind = weight_change::deed::kind;
  switch (deed.what) {
    case kind::step: {
      auto me = caf::actor_cast<caf::actor_addr>(self);
      server->change_weights(deed.step, deed.target,
                             [me, number = deed.number](weight_outcome outcome) {
                               if (auto target = caf::actor_cast<engine_inside>(me))
                                 caf::anon_send(target, weight_atom_v, number, std::move(outcome));
                             });
      break;
    }
    case kind::generate:
      trial = next_id++;
      trial_number = deed.number;
      handle(self, trial, server->start(trial_of(trial, model.step_system, deed.text)));
      break;
    case kind::stop_generating:
      if (auto id = std::exchange(trial, 0); id != 0) static_cast<void>(server->cancel(id));
      break;
    case kind::cut_off:
    case kind::cut_off_unmixed:
      cut_off(self, deed.what == kind::cut_off);
      break;
    case kind::forget:
      forget_cut_off();
      break;
    case kind::answer:
      for (auto ticket : deed.tickets) {
        auto found = orders.find(ticket);
        if (found == orders.end()) continue;
        auto promise = std::move(found->second);
        orders.erase(found);
        auto end = updated(deed.end, config.name, server->status().weight_version);
        // Whoever ordered it takes the next engine away when this one serves again.
        if (gate.is_warming() && deed.end.code == errc::unknown)
          warm_answers.emplace_back(std::move(promise), std::move(end));
        else
          promise.deliver(std::move(end));
      }
  }
}

void engine_state::cut_off(pointer self, bool all) {
  std::vector<std::uint64_t> ids;
  for (auto& [id, each] : running) {
    if (!all && each.attempt.read()->getMixWeights()) continue;
    each.cut_off = true;
    ids.push_back(id);
  }
  for (auto id : ids)
    if (running.count(id) != 0) handle(self, id, server->cancel(id));
}

generation engine_state::as_cut_off(const call& done, const generation& result,
                                    const std::string& engine) {
  // One that ended well just before is as good as any.
  if (done.cancelled || result.code == errc::unknown) return result;
  return {.code = errc::unavailable,
          .error = "engine '" + engine + "': cut off, since its weights are changed",
          .finish = schema::Finish::ERROR,
          .prompt_tokens = result.prompt_tokens,
          .cached_prompt_tokens = result.cached_prompt_tokens,
          .completion_tokens = result.completion_tokens,
          .weight_version = result.weight_version};
}

void engine_state::forget_cut_off() {
  for (auto at = running.begin(); at != running.end();) {
    if (!at->second.cut_off) {
      ++at;
      continue;
    }
    if (at->first == warm_id) warm_id = 0;
    auto done = std::move(at->second);
    at = running.erase(at);
    ids.erase(fence_key{done.attempt.read()->getFence()});
    gate.on_result(errc::cancelled, {}, {}, time->now(), done.trial);
    done.promise.deliver(reply(
        done, as_cut_off(done, {.code = errc::cancelled, .error = "cancelled"}, config.name)));
  }
  tell_at_rest();
}

}  // namespace tandem
