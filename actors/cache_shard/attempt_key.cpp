#include "actors/cache_shard/attempt_key.hpp"

#include <bit>
#include <cstring>

#include "schema/text.hpp"

namespace tandem {
namespace {

/// What a field of a key is. Changing a number makes all that is kept unknown.
enum field : std::uint8_t {
  tenant = 1,
  model,
  profile,
  purpose,
  max_tokens,
  temperature,
  top_k,
  top_p,
  seed,
  response_schema,
  check_kind,
  check_argument,
  steps_max,
  plan_error,
  finished,
  role,
  content,
  whole,
  weights,
  client,
};

std::uint64_t bits(float value) {
  return std::bit_cast<std::uint32_t>(value);
}

void add_setting(cache_key_builder& out, schema::Attempt::Reader attempt,
                 schema::Decision::Reader decision) {
  out.add(tenant, view(attempt.getTenant()));
  out.add(model, view(decision.getModel()));
  out.add(profile, decision.getProfile());
  out.add(purpose, static_cast<std::uint64_t>(attempt.getPurpose()));
  if (attempt.hasClient())
    out.add(client, static_cast<std::uint64_t>(attempt.getClient().getPath()));
  out.add(max_tokens, std::uint64_t{attempt.getMaxTokens()});
  out.add(temperature, bits(attempt.getTemperature()));
  if (!(attempt.getTemperature() <= 0)) {
    out.add(top_k, std::uint64_t{attempt.getTopK()});
    out.add(top_p, bits(attempt.getTopP()));
    out.add(seed, attempt.getSeed());
  }
  out.add(response_schema, view(attempt.getResponseSchema()));
  auto check = attempt.getCheck();
  out.add(check_kind, view(check.getKind()));
  out.add(check_argument, view(check.getArgument()));
  out.add(steps_max, std::uint64_t{attempt.getStepsMax()});
}

std::uint64_t first_word(const cache_key& key) {
  std::uint64_t word = 0;
  std::memcpy(&word, key.bytes.data(), sizeof word);
  return word;
}

std::string_view as_text(const cache_key& key) {
  return {reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()};
}

}  // namespace

attempt_key key_of(schema::Attempt::Reader attempt, schema::Decision::Reader decision) {
  cache_key_builder builder;
  attempt_key made;
  if (attempt.getPurpose() == schema::Purpose::PLAN) {
    add_setting(builder, attempt, decision);
    builder.add(weights, view(decision.getWeightVersion()));
    // What was said before the goal must be the same: only the goal may be in other words.
    auto messages = attempt.getMessages();
    for (unsigned i = 0; i + 1 < messages.size(); ++i) {
      builder.add(role, static_cast<std::uint64_t>(messages[i].getRole()));
      builder.add(content, view(messages[i].getContent()));
    }
    made.place = first_word(builder.finish());
  }
  add_setting(builder, attempt, decision);
  builder.add(plan_error, view(attempt.getPlanError()));
  builder.add(finished, view(attempt.getFinished()));
  for (auto message : attempt.getMessages()) {
    builder.add(role, static_cast<std::uint64_t>(message.getRole()));
    builder.add(content, view(message.getContent()));
  }
  auto rest = builder.finish();
  made.variant = first_word(rest);
  builder.add(whole, as_text(rest));
  builder.add(weights, view(decision.getWeightVersion()));
  made.key = builder.finish();
  return made;
}

std::string_view why_not_cached(schema::Attempt::Reader attempt, bool sampled) {
  if (attempt.getCache() == schema::CacheUse::OFF) return "the job asks for no cache";
  if (!(attempt.getTemperature() <= 0) && !sampled)
    return "its temperature is above 0 (cache.sampled = false)";
  if (attempt.getJudged() != 0) return "it is a sample of the judge";
  if (attempt.getClient().getBody().size() != 0)
    return "a client's request is passed on to a server as it is";
  return {};
}

}  // namespace tandem
