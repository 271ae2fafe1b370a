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

}  // namespace tandem
