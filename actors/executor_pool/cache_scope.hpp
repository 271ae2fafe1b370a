#pragma once

#include <string_view>

#include "schema/attempt.capnp.h"
#include "schema/cache.capnp.h"
#include "schema/decision.capnp.h"
#include "schema/text.hpp"

namespace tandem {

/// What the answer to a call belongs to, once its model is chosen.
inline void write_scope(schema::CacheScope::Builder out, schema::Attempt::Reader call,
                        schema::Decision::Reader decision) {
  out.setTier(decision.getTier());
  out.setTenant(call.getTenant());
  out.setModel(decision.getModel());
  out.setWeightVersion(decision.getWeightVersion());
  out.setPurpose(call.getPurpose());
}

/// What a plan is asked for; empty: it is another call.
[[nodiscard]] inline std::string_view goal_of(schema::Attempt::Reader call) {
  auto messages = call.getMessages();
  return call.getPurpose() != schema::Purpose::PLAN || messages.size() == 0
             ? std::string_view{}
             : view(messages[messages.size() - 1].getContent());
}

}  // namespace tandem
