// The plan of a goal in other words: put into this one's words by a small model where that works,
// else served as it is.

#include "actors/cache_shard/cache_entry.hpp"
#include "actors/clock.hpp"
#include "actors/executor_pool/cache_scope.hpp"
#include "actors/executor_pool/executor_pool.hpp"

namespace tandem {

void executor_pool_state::serve_near(pointer self, work& of, const fence_key& fence,
                                     const tmsg::cachrep& reply) {
  auto& cached = cached_of(of);
  auto reader = reply.read();
  auto entry = reader->getEntry();
  message_builder<schema::CacheScope> scope;
  write_scope(*scope, *of.call.read(), *cached.decision.read());
  auto problem = entry.getKey().size() != sizeof(cache_key::bytes)
                     ? std::string{"it has no key"}
                     : problem_of(entry, read_key(entry.getKey()), scope->asReader());
  if (!problem.empty())
    return go_on_alone(self, fence, "what node '" + cached.node + "' has is damaged: " + problem);
  end_lookup(cached);
  // Whether the match was right is said of the near plan itself.
  if (reader->getLabel() != 0)
    compute_anew(self, of, std::string{view(entry.getResult().getText())}, reader->getLabel());
  if (is_to_adapt(cached)) return adapt(self, of, fence, reply);
  serve_plan(self, of, fence, *reader, {}, {});
}

bool executor_pool_state::is_to_adapt(const cached_call& cached) {
  const auto& tier = answers.config().adapt;
  if (tier.empty() || view(cached.decision.read()->getTier()) == tier) return false;
  // A full pool has no place for another call, for which this one would keep its own.
  return in_flight < config.in_flight_max && adapting.take();
}

void executor_pool_state::adapt(pointer self, work& of, const fence_key& fence,
                                const tmsg::cachrep& reply) {
  auto& cached = cached_of(of);
  if (cached.at != cached_call::place::waiting) give_back(self, cached.decision);
  cached.at = cached_call::place::adapting;
  cached.near = reply;
  auto asked = adapting_attempt(*of.call.read(), reply.read()->getEntry(), answers.config().adapt);
  self->request(caf::actor_cast<executor_pool_actor>(self), caf::infinite, attempt_atom_v, asked,
                chunk_sink{})
      .then([self, fence, id = cached.id](
                const tmsg::attres& result) { self->state.on_adapted(self, fence, id, result); },
            [self, fence, id = cached.id](const caf::error&) {
              self->state.on_adapted(self, fence, id, {});
            });
}

void executor_pool_state::on_adapted(pointer self, const fence_key& fence, std::uint64_t id,
                                     const tmsg::attres& result) {
  auto found = attempts.find(fence);
  // Its job has given it up; the call's price is its tenant's all the same.
  if (found == attempts.end()) return;
  auto& of = found->second;
  auto& cached = cached_of(of);
  if (cached.at != cached_call::place::adapting || cached.id != id) return;
  auto near = std::exchange(cached.near, {});
  auto reply = near.read();
  if (result.empty())
    return serve_plan(self, of, fence, *reply, {}, "as it is, since nothing could adapt it");
  auto written = result.read();
  usage_totals used;
  used.add(written->getUsage());
  of.others.cost_nanousd += used.cost_nanousd;
  of.others.calls += used.calls;
  of.others.prompt_tokens += used.prompt_tokens;
  of.others.cached_prompt_tokens += used.cached_prompt_tokens;
  of.others.completion_tokens += used.completion_tokens;
  // The large tier would have planned at once: to it this call would have cost nothing.
  if (written->getError().getCode() != schema::Errc::UNKNOWN)
    return serve_plan(self, of, fence, *reply, {},
                      "as it is, since it could not be adapted: " +
                          std::string{view(written->getError().getMessage())});
  auto adapted =
      written->getFinish() == schema::Finish::STOP
          ? read_adapted(view(reply->getEntry().getResult().getText()), view(written->getText()))
          : adapted_plan{.text = {}, .problem = "it was cut"};
  adapting.on_adapted(adapted.problem.empty());
  std::string model{view(written->getModel())};
  if (!adapted.problem.empty())
    return serve_plan(
        self, of, fence, *reply, {},
        "as it is, since what " + model + " made of it does not do: " + adapted.problem);
  serve_plan(self, of, fence, *reply, adapted.text, "in its words by " + model);
}

void executor_pool_state::serve_plan(pointer self, work& of, const fence_key& fence,
                                     schema::CacheReply::Reader reply, std::string_view adapted,
                                     std::string_view how) {
  auto& cached = cached_of(of);
  const auto& call = of.call.read();
  auto made = cached.decision.read();
  message_builder<schema::CacheEntry> entry;
  entry.copy(reply.getEntry());
  if (!adapted.empty()) entry->getResult().setText(text(adapted));
  const auto* tier = answers.config().find_tier(view(made->getTier()));
  auto now = unix_ms();
  // The plan of this goal too, once its job has ended well.
  entry_facts facts{.key = cached.key.key,
                    .variant = cached.key.variant,
                    .tier = view(made->getTier()),
                    .tenant = view(call->getTenant()),
                    .model = view(made->getModel()),
                    .weight_version = view(made->getWeightVersion()),
                    .purpose = call->getPurpose(),
                    .created_ms = now,
                    .expires_ms = now + static_cast<std::uint64_t>(tier->ttl.count()),
                    .asker = services.incarnation,
                    .goal = goal_of(*call),
                    .place = cached.key.place,
                    .embedding = cached.vector ? std::span<const float>{*cached.vector}
                                               : std::span<const float>{}};
  auto result = entry->asReader().getResult();
  answers.hold_plan(facts.key, {make_entry(facts, result), reply.getNearEntry()});
  cached.reason = "the plan of a near goal (similarity " +
                  std::to_string(static_cast<int>(reply.getSimilarity() * 100)) + "%)";
  if (!how.empty()) cached.reason += ", " + std::string{how};
  cached.reason += ": " + std::string{view(reply.getReason())};
  serve(self, of, fence, entry->asReader(), reply.getLevel());
}

}  // namespace tandem
