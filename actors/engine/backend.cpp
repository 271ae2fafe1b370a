#include "actors/engine/backend.hpp"

#include <utility>

namespace tandem {

progress backend::resume(std::uint64_t) {
  return generation_pending{};
}

void backend::probe(std::function<void(std::vector<engine_check>)> done) {
  auto answer = std::move(done);
  answer({});
}

weight_abilities backend::abilities() const {
  return {.fixed = "an engine of this kind serves the weights that it was started with"};
}

void backend::change_weights(weight_step, const weight_target&,
                             std::function<void(weight_outcome)> done) {
  done({.code = errc::invalid_argument, .error = abilities().fixed});
}

}  // namespace tandem
