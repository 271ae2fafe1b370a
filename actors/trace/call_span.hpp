#pragma once

#include <string_view>

#include "actors/trace/span.hpp"
#include "schema/attempt.capnp.h"

namespace tandem {

/// `plan`, `step`, ...: the name of a span for what a call is for.
[[nodiscard]] std::string_view name_of_purpose(schema::Purpose purpose);

/// Whose call it is: job, step, epoch, attempt, kind. A fence without a job adds nothing of it.
void add_call(span& to, schema::Attempt::Reader attempt);

/// What came of it, by OpenTelemetry's conventions for generative AI where they have a name, else
/// `tandem.*`; and the span's error.
void add_result(span& to, schema::AttemptResult::Reader result);

/// Tokens and price.
void add_usage(span& to, schema::Usage::Reader usage);

}  // namespace tandem
