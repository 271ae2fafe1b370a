#pragma once

#include <string>

#include "schema/attempt.capnp.h"

namespace tandem {

/// A call of purpose `warm` reads what calls of another purpose begin with; its kind says which.
[[nodiscard]] inline std::string warm_kind(schema::Purpose words) {
  return {static_cast<char>('0' + static_cast<unsigned>(words))};
}

/// As which purpose a call is put into its model's words.
[[nodiscard]] inline schema::Purpose worded_as(schema::Attempt::Reader attempt) {
  auto purpose = attempt.getPurpose();
  if (purpose != schema::Purpose::WARM) return purpose;
  auto kind = attempt.getKind();
  auto number = kind.size() == 1 ? kind[0] - '0' : 0;
  auto last = static_cast<int>(schema::Purpose::WAY);
  return number > 0 && number < last ? static_cast<schema::Purpose>(number) : schema::Purpose::STEP;
}

}  // namespace tandem
