#pragma once

#include <string_view>

#include "schema/journal.capnp.h"
#include "schema/text.hpp"

namespace tandem {

/// A tag of jobs that go on with other weights than they began with, once no engine serves those.
/// The planner's own: it is part of the submission's record, so it outlives restarts, changes of
/// the config and of the job's home, and is found and shown like any other tag.
inline constexpr std::string_view mix_weights_tag = "weights:mix";

[[nodiscard]] inline bool mixes_weights(schema::SubmittedRecord::Reader submitted) {
  for (auto tag : submitted.getTags())
    if (view(tag) == mix_weights_tag) return true;
  return false;
}

/// Of a submission; `otherwise` where it says nothing.
[[nodiscard]] inline bool mixes_weights(schema::Submit::Reader submit, bool otherwise) {
  return submit.getWeights() == schema::WeightPolicy::UNKNOWN
             ? otherwise
             : submit.getWeights() == schema::WeightPolicy::MIX;
}

}  // namespace tandem
