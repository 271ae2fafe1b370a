#pragma once

#include <string>
#include <string_view>

#include "actors/job/plan/plan.hpp"
#include "schema/attempt.capnp.h"
#include "schema/errc.hpp"
#include "schema/journal.capnp.h"

namespace tandem {

/// Fills the journal's account of one attempt from the pool's reply; `code` unknown: it succeeded.
void write_attempt(schema::AttemptRecord::Builder record, schema::AttemptResult::Reader result,
                   schema::Purpose purpose, errc code, std::string_view message,
                   std::string_view rung);

void write_step(schema::StepRecord::Builder record, const plan::step& step, std::uint32_t epoch);

/// Texts from outside that explain something: valid UTF-8 of bounded length.
[[nodiscard]] std::string bounded_reason(std::string_view text);

/// The same into an error field.
void write_error(schema::Error::Builder error, errc code, std::string_view message);

}  // namespace tandem
